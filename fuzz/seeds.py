"""Files to begin with: pictures of every kind made here, and the corpus where it is at hand."""

import hashlib
import io
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image, ImageCms

from minipic.domain.image import ImageFormat
from minipic.errors import MiniPicError
from minipic_engine import sniff
from minipic_engine.kept import Kept, Tag
from minipic_engine.png_chunks import SIGNATURE, make_chunk
from minipic_engine.xmp import packet

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
MAX_SEED_BYTES = 16_384
"""Small files are tried and changed many times in the time that a large one takes."""

_SIZE = (40, 28)
_TOKENS = {
    "png": "IHDR PLTE IDAT IEND tRNS gAMA cHRM iCCP sRGB cICP eXIf tEXt zTXt iTXt acTL fcTL fdAT",
    "webp": "RIFF WEBP VP8X VP8L ANIM ANMF ALPH ICCP EXIF mpic",
    "avif": "ftyp avif avis mif1 meta hdlr pitm iloc iinf infe iref iprp ipco ipma ispe pixi av1C colr auxC irot imir "
            "clap grid idat mdat moov trak mdia minf stbl stsd stts dimg auxl prof nclx rICC Exif mime",
    "heic": "ftyp heic heix mif1 meta hdlr pitm iloc iinf infe iref iprp ipco ipma ispe pixi hvcC colr auxC irot imir "
            "clap grid iovl iden idat mdat dimg auxl thmb prof nclx Exif mime",
    "gif": "GIF87a GIF89a NETSCAPE2.0 ANIMEXTS1.0 XMP",
    "tiff": "II MM", "bmp": "BM", "jpeg": "Exif JFIF Adobe ICC_PROFILE Photoshop 8BIM",
}  # fmt: skip
_RIGHTS = Kept("Jane Doe", "2026-11-22T10:00:00", (
    Tag(1, 2, b"N\0"), Tag(2, 5, struct.pack(">6I", 52, 1, 30, 1, 58, 1)),
    Tag(3, 2, b"E\0"), Tag(4, 5, struct.pack(">6I", 13, 1, 22, 1, 39, 1)),
))  # fmt: skip


def write(name: str, folder: Path) -> Path:
    """Write the seeds of the target ``name`` into ``folder``, and beside it the words of its format; return those."""
    what, _, kind = name.partition("_")
    folder.mkdir(parents=True, exist_ok=True)
    for data in [*_made(kind), *_of_corpus(kind)]:
        (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    words = folder.parent / f"{name}.dict"
    tokens = _TOKENS.get(kind, " ".join(_TOKENS.values()) if what == "parse" else "").split()
    words.write_text("".join(f'"{token}"\n' for token in dict.fromkeys(tokens)))
    return words


def _made(kind: str) -> Iterator[bytes]:
    if kind == "metadata":
        exif = Image.Exif()
        exif[0x0112], exif[0x8298] = 6, "Jane Doe"
        exif.get_ifd(0x8769)[0x9003] = "2026:11:22 10:00:00"
        exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 59.0), 3: "E", 4: (13.0, 22.0, 39.0)})
        yield from (exif.tobytes().removeprefix(b"Exif\0\0"), packet(_RIGHTS))
        yield b"\x1c\2\x74\0\4Jane\x1c\2\x37\0\x0820261122\x1c\2\x3c\0\x06100000"
        yield b"8BIM\4\4\0\0\0\0\0\x0d\x1c\2\x74\0\4Jane\x1c\2\x37\0\0"
        return
    for image_format in ImageFormat if kind == "any" else [ImageFormat(kind)]:
        yield from _files(image_format)


def _pictures() -> Iterator[Image.Image]:
    width, height = _SIZE
    y, x = np.mgrid[0:height, 0:width]
    colours = np.stack([x * 6, y * 9, (x * y) % 256], axis=-1).astype(np.uint8)
    image = Image.fromarray(colours)
    yield image
    yield image.convert("L")
    faded = image.copy()
    faded.putalpha(Image.fromarray((x * 6).astype(np.uint8)))
    yield faded


def _files(image_format: ImageFormat) -> Iterator[bytes]:
    plain, grey, faded = _pictures()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    if image_format is ImageFormat.HEIC:
        for image in (plain, grey, faded):
            out = io.BytesIO()
            pillow_heif.from_pillow(image).save(out, quality=60)
            yield out.getvalue()
        return
    variants: list[tuple[Image.Image, dict[str, object]]] = [(plain, {}), (grey, {})]
    if image_format is ImageFormat.JPEG:
        variants += [(plain, {"progressive": True, "icc_profile": profile}), (plain.convert("CMYK"), {})]
    elif image_format is ImageFormat.TIFF:
        ways = ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")
        variants += [(plain, {"compression": way}) for way in ways]
        variants += [(plain.convert("1"), {"compression": way}) for way in ("group3", "group4", "tiff_ccitt")]
        variants += [(plain.convert("CMYK"), {}), (faded, {}), (plain.quantize(16), {})]
        variants += [(plain, {"save_all": True, "append_images": [grey, faded]})]
    elif image_format is ImageFormat.BMP:
        variants += [(plain.convert("1"), {}), (plain.quantize(16), {}), (faded, {})]
    else:
        film = {"save_all": True, "append_images": [grey.convert(faded.mode), faded], "duration": 90, "loop": 2}
        variants += [(faded, {}), (faded, film), (plain, {"icc_profile": profile})]
        variants += [(plain, {"lossless": True})] if image_format is ImageFormat.WEBP else []
        variants += [(plain.quantize(16), {}), (plain.convert("1"), {})] if image_format is ImageFormat.PNG else []
    for image, settings in variants:
        out = io.BytesIO()
        image.save(out, image_format.value.upper(), **settings)
        yield out.getvalue()
        yield from _with_rights(out.getvalue(), image_format)
    if image_format is ImageFormat.PNG:
        head = make_chunk(b"IHDR", struct.pack(">IIBBBBB", 0x7FFFFFFF, 0x7FFFFFFF, 16, 6, 0, 0, 1))
        yield SIGNATURE + head + make_chunk(b"IDAT", b"x") + make_chunk(b"IEND", b"")


def _with_rights(data: bytes, image_format: ImageFormat) -> Iterator[bytes]:
    """Yield ``data`` with metadata written by the engine itself, where it is a format that is written."""
    from minipic_engine.formats import CODECS  # noqa: PLC0415 - loads the codecs

    try:
        if image_format in CODECS:
            yield CODECS[image_format].with_metadata(data, _RIGHTS, is_tight=False)
    except MiniPicError:
        return


def _of_corpus(kind: str) -> Iterator[bytes]:
    for path in sorted(CORPUS.rglob("*")) if CORPUS.is_dir() and kind != "metadata" else ():
        if path.is_file() and path.stat().st_size <= MAX_SEED_BYTES:
            data = path.read_bytes()
            try:
                found = sniff(data)
            except MiniPicError:
                continue
            if kind in ("any", found):
                yield data
