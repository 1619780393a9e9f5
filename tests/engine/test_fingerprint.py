"""The hash of what a picture looks like."""

import io

from PIL import Image

from minipic.domain.image import ImageFormat, Options
from minipic.domain.screening import PDQ_DISTANCE
from minipic_engine.pipeline import compress
from tests.engine.engine_images import exif
from tests.pictures import graphic_png, photo_jpeg


def scene(seed: int = 1) -> Image.Image:
    """Return a picture with enough in it to have a look of its own."""
    return Image.open(io.BytesIO(graphic_png(400, 300, seed)))


def saved(image: Image.Image, kind: str, **params: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **params)
    return out.getvalue()


def look(data: bytes) -> int:
    """Return a file's fingerprint as a number of 256 bits."""
    text = compress(data, Options(fingerprint=True)).fingerprint
    assert len(text) == 64
    return int(text, 16)


def distance(one: int, other: int) -> int:
    return (one ^ other).bit_count()


def test_only_when_asked() -> None:
    """A fingerprint is computed only for those who ask."""
    assert compress(photo_jpeg(), Options()).fingerprint == ""


def test_same_look() -> None:
    """Scaled, compressed hard, in another format or turned by a tag: it is the same picture."""
    original = scene()
    flat = Image.alpha_composite(Image.new("RGBA", original.size, (0, 0, 0, 255)), original).convert("RGB")
    own = look(saved(original, "PNG"))
    for copy in (
        saved(flat.resize((200, 150)), "PNG"),
        saved(flat, "JPEG", quality=30),
        saved(flat, "WEBP", quality=40),
        saved(flat.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif(6)),
        saved(flat, "WEBP", save_all=True, append_images=[flat.rotate(90)], duration=100),
    ):
        assert distance(look(copy), own) <= PDQ_DISTANCE


def test_another_look() -> None:
    """Another picture is far away."""
    assert distance(look(saved(scene(1), "PNG")), look(saved(scene(2), "PNG"))) > 2 * PDQ_DISTANCE


def test_too_plain() -> None:
    """A picture with next to nothing on it has no fingerprint: all of those look alike."""
    plain = saved(Image.new("RGB", (200, 200), (90, 90, 90)), "PNG")
    assert compress(plain, Options(fingerprint=True)).fingerprint == ""


def test_of_the_upload() -> None:
    """The fingerprint is the input's, whatever is made of it."""
    data = saved(scene(), "PNG")
    made = compress(data, Options(formats=(ImageFormat.WEBP,), fingerprint=True))
    assert int(made.fingerprint, 16) == look(data)
