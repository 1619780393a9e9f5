"""The tools that results are compared with, each as a ladder of its quality setting, run on the same files."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

import oxipng
import PIL
import pyvips  # type: ignore[import-untyped]
from benchmarks.quality import programs
from benchmarks.quality.images import frames_of
from benchmarks.quality.metering import metered
from benchmarks.quality.node import Sharp
from PIL import Image, ImageOps

Encode = Callable[[bytes, str], tuple[bytes, float]]
"""From a file and a setting to a result and its CPU time in seconds, decoding included."""

pyvips.cache_set_max(0)
LOSSLESS = "lossless"
SHARP_JPEG, SHARP_WEBP, SHARP_AVIF = "pyvips as sharp (mozjpeg)", "pyvips as sharp (WebP)", "pyvips as sharp (AVIF)"
VIPS_PNG, PNGQUANT, OXIPNG = "pyvips palette + oxipng -o2", "pngquant", "oxipng -o4"
GIFSICLE, PILLOW_FILM = "gifsicle -O3", "Pillow (animated WebP)"
SHARP_PREFIX = "npm sharp"
_OXIPNG = f"oxipng-pybind {version('oxipng-pybind')}"
_VIPS = f"libvips {pyvips.version(0)}.{pyvips.version(1)}.{pyvips.version(2)}"
_PILLOW = f"Pillow {PIL.__version__}"


@dataclass(frozen=True)
class Peer:
    """A tool with a scale of quality. ``version`` is empty where the tool is not here."""

    name: str
    format: str
    settings: tuple[str, ...]
    default: str
    version: str
    encode: Encode

    @property
    def is_here(self) -> bool:
        """Whether it can be run."""
        return bool(self.version)


def _vips_image(data: bytes) -> pyvips.Image:
    return pyvips.Image.new_from_buffer(data, "").autorot()


def _vips_jpeg(data: bytes, setting: str) -> bytes:
    return bytes(
        _vips_image(data).jpegsave_buffer(
            Q=int(setting), subsample_mode="on", interlace=True, optimize_coding=True, trellis_quant=True,
            overshoot_deringing=True, optimize_scans=True, quant_table=3, keep="none",
        )
    )  # fmt: skip


def _vips_webp(data: bytes, setting: str) -> bytes:
    return bytes(_vips_image(data).webpsave_buffer(Q=int(setting), effort=4, keep="none"))


def _vips_avif(data: bytes, setting: str) -> bytes:
    return bytes(
        _vips_image(data).heifsave_buffer(
            Q=int(setting), compression="av1", effort=4, subsample_mode="off", bitdepth=8, keep="none"
        )
    )


def _vips_palette(data: bytes, setting: str) -> bytes:
    if setting == LOSSLESS:
        return _oxipng(data, "2")
    made = _vips_image(data).pngsave_buffer(palette=True, Q=int(setting), effort=7, dither=1.0, keep="none")
    return _oxipng(bytes(made), "2")


def _oxipng(data: bytes, setting: str) -> bytes:
    return oxipng.optimize_from_memory(data, level=int(setting), strip=oxipng.StripChunks.all)


def _pillow(kind: str) -> Callable[[bytes, str], bytes]:
    def encode(data: bytes, setting: str) -> bytes:
        out = io.BytesIO()
        with Image.open(io.BytesIO(data)) as opened:
            image = ImageOps.exif_transpose(opened)
            image.info.pop("exif", None)
            image = image if image.mode in ("L", "RGB", "RGBA") else image.convert("RGBA" if kind != "JPEG" else "RGB")
            image.save(out, kind, **({} if setting == LOSSLESS else {"quality": int(setting)}))
        return out.getvalue()

    return encode


def _pillow_film(data: bytes, setting: str) -> bytes:
    frames, durations_ms = frames_of(data)
    images, out = [Image.fromarray(frame) for frame in frames], io.BytesIO()
    how: dict[str, object] = {"lossless": True} if setting == LOSSLESS else {"quality": int(setting)}
    images[0].save(out, "WEBP", save_all=True, append_images=images[1:], duration=durations_ms, loop=0, **how)
    return out.getvalue()


def _in_process(encode: Callable[[bytes, str], bytes]) -> Encode:
    return lambda data, setting: metered(lambda: encode(data, setting))


_JPEG = ("40", "55", "65", "75", "80", "85", "90", "94", "97", "100")
_WEBP = ("25", "45", "60", "72", "80", "86", "91", "95", "98", "100")
_AVIF = ("35", "43", "50", "58", "67", "76", "85", "93")
_PALETTE = ("50", "65", "75", "83", "90", "95", "98", "100")


def at_hand() -> list[Peer]:
    """Return the tools that need nothing but the project's environments, those that are not here among them."""
    pngquant, gifsicle = programs.pngquant(), programs.gifsicle()
    caesium_jpeg, caesium_png = programs.caesium("jpeg"), programs.caesium("png")
    return [
        Peer(SHARP_JPEG, "jpeg", _JPEG, "80", _VIPS, _in_process(_vips_jpeg)),
        Peer("Pillow (JPEG)", "jpeg", _JPEG, "75", _PILLOW, _in_process(_pillow("JPEG"))),
        Peer("caesium (JPEG)", "jpeg", ("60", "70", "80", "85", "90", "95"), "80",
             caesium_jpeg.version, caesium_jpeg.encode),
        Peer(SHARP_WEBP, "webp", _WEBP, "80", _VIPS, _in_process(_vips_webp)),
        Peer("Pillow (WebP)", "webp", _WEBP, "80", _PILLOW, _in_process(_pillow("WEBP"))),
        Peer(SHARP_AVIF, "avif", _AVIF, "50", _VIPS, _in_process(_vips_avif)),
        Peer("Pillow (AVIF)", "avif", ("50", "63", "75", "85", "93"), "75", _PILLOW, _in_process(_pillow("AVIF"))),
        Peer(VIPS_PNG, "png", (*_PALETTE, LOSSLESS), "100", f"{_VIPS}, {_OXIPNG}", _in_process(_vips_palette)),
        Peer(PNGQUANT, "png", _PALETTE, "100", pngquant.version, pngquant.encode),
        Peer("caesium (PNG)", "png", ("60", "80", "90", "100"), "80", caesium_png.version, caesium_png.encode),
        Peer("oxipng -o2", "png", ("2",), "2", _OXIPNG, _in_process(_oxipng)),
        Peer(OXIPNG, "png", ("4",), "4", _OXIPNG, _in_process(_oxipng)),
        Peer("Pillow (PNG)", "png", (LOSSLESS,), LOSSLESS, _PILLOW, _in_process(_pillow("PNG"))),
        Peer(GIFSICLE, "gif", ("-O3",), "-O3", gifsicle.version, gifsicle.encode),
        Peer(PILLOW_FILM, "gif → webp", ("25", "45", "65", "80", "90", "96", LOSSLESS), "80", _PILLOW,
             _in_process(_pillow_film)),
    ]  # fmt: skip


def _by_node() -> list[Peer]:
    """Return npm's sharp, installed if it can be."""
    sharp = Sharp.installed()
    return [
        Peer(f"{SHARP_PREFIX} (mozjpeg)", "jpeg", _JPEG, "80", sharp.version, sharp.encoder("jpeg")),
        Peer(f"{SHARP_PREFIX} (WebP)", "webp", _WEBP, "80", sharp.version, sharp.encoder("webp")),
        Peer(f"{SHARP_PREFIX} (AVIF)", "avif", ("50",), "50", sharp.version, sharp.encoder("avif")),
        Peer(f"{SHARP_PREFIX} (palette)", "png", ("100",), "100", sharp.version, sharp.encoder("png")),
    ]


def peers(kind: str) -> list[Peer]:
    """Return the tools for a kind of result (a key of ``corpus.PARTS``), the one to be measured by first."""
    return [peer for peer in [*at_hand(), *_by_node()] if peer.format == kind]
