import httpx2
import pytest

from tests.e2e.equipped import Equipped
from tests.e2e.wire import METERED
from tests.pictures import COPYRIGHT, graphic_png, opened, photo_jpeg, with_rights

PHOTO = photo_jpeg(300, 200)


def _send(full: Equipped, key: str, image: bytes, **query: str | int) -> httpx2.Response:
    files = {"picture": ("photo.bin", image, "application/octet-stream")}
    with httpx2.Client(base_url=full.base_url, trust_env=False, timeout=60) as client:
        return client.post("/v1/compress", params=query, files=files, auth=("api", key))


@pytest.mark.parametrize(
    ("query", "size"),
    [
        ({"width": 60}, (60, 40)),
        ({"height": 50, "method": "scale"}, (75, 50)),
        ({"width": 60, "height": 60}, (60, 40)),
        ({"width": 50, "height": 90, "method": "cover"}, (50, 90)),
        ({"width": 5000, "quality": "high"}, (300, 200)),
    ],
    ids=["width", "height", "fit", "cover", "larger"],
)
def test_a_form_with_a_new_size(full: Equipped, query: dict[str, str | int], size: tuple[int, int]) -> None:
    """A form's file gets the size that the query asks for; the answer's headers say what came in and out."""
    reply = _send(full, full.new_key(), PHOTO, **query)
    assert reply.status_code == 200
    assert opened(reply.content).size == size
    assert (int(reply.headers["Image-Width"]), int(reply.headers["Image-Height"])) == size
    assert int(reply.headers["X-Input-Size"]) == len(PHOTO)
    assert int(reply.headers["X-Output-Size"]) == len(reply.content)
    assert {name.lower() for name in METERED} <= set(reply.headers)


def test_a_form_with_everything(full: Equipped) -> None:
    """Quality, format, background, preserve and size hold together for a form's file, for one image."""
    reply = _send(
        full, full.new_key(), with_rights("PNG"), quality="extreme", format="jpeg", background="#ffffff",
        preserve="copyright,creation", width=40, height=40, method="cover",
    )  # fmt: skip
    image = opened(reply.content)
    assert (image.format, image.size, reply.headers["Compression-Count"]) == ("JPEG", (40, 40), "1")
    assert image.getexif()[0x8298] == COPYRIGHT
    assert image.getexif().get_ifd(0x8769)[0x9003].startswith("2026")


def test_a_background_alone(full: Equipped) -> None:
    """A transparent picture with a background and no format stays a PNG, without transparency."""
    image = opened(_send(full, full.new_key(), graphic_png(60, 40), background="black").content)
    assert (image.format, image.convert("RGBA").getpixel((0, 0))) == ("PNG", (0, 0, 0, 255))


@pytest.mark.parametrize(
    ("query", "status", "named"),
    [
        ({"width": 0}, 400, "width"),
        ({"width": 16384}, 400, "width"),
        ({"height": "x"}, 400, "height"),
        ({"method": "fit", "width": 5}, 400, "height"),
        ({"method": "scale", "width": 5, "height": 5}, 400, "scale"),
        ({"method": "stretch", "width": 5}, 400, "method"),
        ({"method": "thumb", "width": 5, "height": 5}, 501, "thumb"),
        ({"preserve": "soul"}, 400, "preserve"),
        ({"background": "green"}, 400, "background"),
        ({"quality": 101}, 400, "quality"),
        ({"format": "bmp"}, 400, "format"),
    ],
)
def test_a_bad_parameter_is_named(full: Equipped, query: dict[str, str | int], status: int, named: str) -> None:
    """What is out of range or contradictory is refused in words that name the parameter, and not counted."""
    reply = _send(full, full.new_key(), PHOTO, **query)
    assert reply.status_code == status
    assert named in reply.json()["message"]
    assert reply.headers["Compression-Count"] == "0"
