from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import tinify

from tests.e2e.equipped import Equipped
from tests.e2e.python_client import pointed_at
from tests.loopback import free_port
from tests.pictures import (
    COPYRIGHT,
    LATITUDE,
    TAKEN,
    graphic_png,
    opened,
    photo_jpeg,
    photo_png,
    tiny_png,
    with_rights,
)

PHOTO = photo_jpeg(300, 200)
WEBP: Final = "image/webp"
PNG: Final = "image/png"


@pytest.fixture
def account(full: Equipped) -> str:
    """A fresh account whose key the client is about to use."""
    return full.new_account()


@pytest.fixture(autouse=True)
def client(full: Equipped, account: str) -> Iterator[None]:
    """The official client with a fresh key."""
    with pointed_at(full, full.new_key(account=account)):
        yield


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"method": "scale", "width": 60}, (60, 40)),
        ({"method": "scale", "height": 50}, (75, 50)),
        ({"method": "fit", "width": 60, "height": 60}, (60, 40)),
        ({"method": "cover", "width": 50, "height": 90}, (50, 90)),
        ({"method": "fit", "width": 3000, "height": 3000}, (300, 200)),
    ],
    ids=["width", "height", "fit", "cover", "larger"],
)
def test_resize(asked: dict[str, Any], expected: tuple[int, int]) -> None:
    """resize() gives the size that was asked for, in the file and in the result's own words, and counts one image."""
    result = tinify.from_buffer(PHOTO).resize(**asked).result()
    assert opened(result.to_buffer()).size == (result.width, result.height) == expected
    assert result.size == len(result.to_buffer())
    assert tinify.compression_count == 2


def test_thumb_is_a_server_error() -> None:
    """The method thumb, which is not offered, is 501: the client retries it and raises ServerError; nothing counts."""
    source = tinify.from_buffer(tiny_png()).resize(method="thumb", width=5, height=5)
    with pytest.raises(tinify.ServerError) as refused:
        source.to_buffer()
    assert (refused.value.status, refused.value.kind) == (501, "NotImplemented")
    assert tinify.compression_count == 1


def test_store_is_a_server_error() -> None:
    """store(), which is not offered, raises ServerError as well."""
    with pytest.raises(tinify.ServerError) as refused:
        tinify.from_buffer(tiny_png()).store(service="s3", aws_access_key_id="a", aws_secret_access_key="b", path="c/d")
    assert (refused.value.status, refused.value.kind) == (501, "NotImplemented")


@pytest.mark.parametrize(
    ("asked", "extensions"),
    [
        ("image/webp", {"webp"}),
        ("image/png", {"png"}),
        ("image/jpg", {"jpeg"}),
        (["image/webp", "image/png"], {"webp", "png"}),
        ("*/*", {"webp", "png", "jpeg", "avif", "gif", "tiff"}),
    ],
    ids=["webp", "png", "jpg", "list", "any"],
)
def test_convert(asked: Any, extensions: set[str]) -> None:
    """convert() gives one of the types that were asked for, and the result knows which."""
    result = tinify.from_buffer(PHOTO).convert(type=asked).result()
    assert result.extension in extensions
    assert result.media_type == f"image/{result.extension}"
    assert (opened(result.to_buffer()).format or "").lower() == result.extension
    assert tinify.compression_count == 2


def test_the_smallest_of_several_wins() -> None:
    """Of several types the result is no larger than either of them alone."""
    source = tinify.from_buffer(photo_png(120, 80))
    alone = [len(source.convert(type=kind).to_buffer()) for kind in (WEBP, PNG)]
    assert source.convert(type=[WEBP, PNG]).result().size == min(alone)
    assert tinify.compression_count == 4


def test_transparent_to_jpeg_needs_a_background() -> None:
    """A transparent picture as JPEG is a ClientError without a background, and filled with it otherwise."""
    source = tinify.from_buffer(graphic_png(60, 40)).convert(type="image/jpeg")
    with pytest.raises(tinify.ClientError, match="background") as refused:
        source.to_buffer()
    assert (refused.value.status, refused.value.kind) == (400, "BadRequest")
    filled = opened(source.transform(background="#ff0000").to_buffer())
    assert (filled.format, filled.mode) == ("JPEG", "RGB")
    assert tinify.compression_count == 2


@pytest.mark.parametrize(
    ("background", "expected"), [("#204060", (32, 64, 96)), ("white", (255, 255, 255)), ("black", (0, 0, 0))]
)
def test_a_background_alone_keeps_the_format(background: str, expected: tuple[int, int, int]) -> None:
    """transform() fills what is transparent with the colour and keeps the format."""
    transparent = graphic_png(60, 40)
    filled = opened(tinify.from_buffer(transparent).transform(background=background).to_buffer())
    assert filled.format == "PNG"
    assert "A" not in filled.getbands()
    corner = opened(transparent).getpixel((0, 0))
    assert isinstance(corner, tuple)
    assert corner[3] == 0
    assert filled.convert("RGB").getpixel((0, 0)) == expected


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_preserve(kind: str) -> None:
    """preserve() keeps owner, time and place, the owner in plain text, and nothing that was not asked for."""
    source = tinify.from_buffer(with_rights(kind))
    kept = source.preserve("copyright", "creation", "location").to_buffer()
    assert COPYRIGHT.encode() in kept
    assert TAKEN[:4].encode() in kept
    assert opened(kept).getexif().get_ifd(0x8825)[2] == LATITUDE
    assert b"Secret Camera Maker" not in kept
    assert COPYRIGHT.encode() not in source.to_buffer()
    assert COPYRIGHT.encode() not in source.preserve("creation").to_buffer()


def test_preserving_what_is_not_there_is_no_error() -> None:
    """A picture without metadata is preserved as it is."""
    assert opened(tinify.from_buffer(PHOTO).preserve("copyright", "location").to_buffer()).size == (300, 200)


def test_a_chain_of_all_operations(tmp_path: Path) -> None:
    """All operations in one chain count one image, and all of them show in the file."""
    target = tmp_path / "chain.jpg"
    source = tinify.from_buffer(with_rights("PNG")).resize(method="cover", width=40, height=40)
    source = source.convert(type=["image/jpeg"]).preserve("copyright").transform(background="white")
    source.to_file(str(target))
    image = opened(target.read_bytes())
    assert (image.format, image.size) == ("JPEG", (40, 40))
    assert image.getexif()[0x8298] == COPYRIGHT
    assert tinify.compression_count == 2


def test_one_upload_serves_several_results() -> None:
    """A source is used again and again; each derived result counts one, plain downloads none."""
    source = tinify.from_buffer(PHOTO)
    widths = [source.resize(method="scale", width=width).result().width for width in (20, 30, 40)]
    assert widths == [20, 30, 40]
    assert tinify.compression_count == 4
    assert source.result().width == 300
    assert tinify.compression_count == 4


def test_from_url(full: Equipped) -> None:
    """from_url() compresses what the address serves, and operations follow as after an upload."""
    source = tinify.from_url(full.hosted("/photo.jpg"))
    assert tinify.compression_count == 1
    assert opened(source.resize(method="fit", width=32, height=32).to_buffer()).size == (32, 24)
    assert tinify.compression_count == 2


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [("/missing", 400, "SourceNotFound"), ("/text", 415, "UnsupportedMediaType")],
)
def test_a_bad_address_is_a_client_error(full: Equipped, path: str, status: int, kind: str) -> None:
    """An address that serves no image raises ClientError, and is not counted."""
    with pytest.raises(tinify.ClientError) as refused:
        tinify.from_url(full.hosted(path))
    assert (refused.value.status, refused.value.kind) == (status, kind)
    assert tinify.compression_count == 0


def test_an_exhausted_account_is_an_account_error(full: Equipped) -> None:
    """Without an image left the client raises AccountError, and validate() still accepts the key."""
    tinify.key = full.new_key("spent")
    with pytest.raises(tinify.AccountError, match="Your monthly limit has been exceeded") as refused:
        tinify.from_buffer(tiny_png())
    assert (refused.value.status, refused.value.kind) == (429, "AccountLimitReached")
    assert tinify.validate() is True


def test_no_service_is_a_connection_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing listens the client raises ConnectionError after its retry."""
    monkeypatch.setattr(tinify.Client, "API_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(tinify.ConnectionError):
        tinify.from_buffer(tiny_png())
