import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tinify

from tests.e2e.python_client import pointed_at
from tests.e2e.server import Server
from tests.pictures import graphic_png, opened, photo_jpeg, photo_webp, tiny_png, truncated_jpeg


@pytest.fixture
def account(service: Server) -> str:
    """A fresh account whose key the client is about to use."""
    return service.new_account()


@pytest.fixture(autouse=True)
def client(service: Server, account: str) -> Iterator[None]:
    """The official client, unchanged, pointed at the service in the way that its users do."""
    with pointed_at(service, service.new_key(account=account)):
        yield


def test_from_file_to_file(tmp_path: Path) -> None:
    """from_file(…).to_file(…) leaves a smaller image of the same format and size."""
    source, target = tmp_path / "photo.jpg", tmp_path / "smaller.jpg"
    source.write_bytes(photo_jpeg())
    tinify.from_file(str(source)).to_file(str(target))
    smaller = opened(target.read_bytes())
    assert (smaller.format, smaller.size) == ("JPEG", (320, 240))
    assert target.stat().st_size < source.stat().st_size


def test_from_file_object_to_file_object() -> None:
    """File objects are read and written as well; the client sends them without a Content-Type."""
    source: Any = io.BytesIO(photo_jpeg())  # the client takes it, its annotations do not
    target = io.BytesIO()
    tinify.from_file(source).to_file(target)
    assert opened(target.getvalue()).size == (320, 240)


@pytest.mark.parametrize("image", [photo_jpeg(), graphic_png(), photo_webp()], ids=["jpeg", "png", "webp"])
def test_from_buffer_to_buffer(image: bytes) -> None:
    """from_buffer(…).to_buffer() returns a smaller image of the same format, whatever that is."""
    smaller = tinify.from_buffer(image).to_buffer()
    assert len(smaller) < len(image)
    assert opened(smaller).format == opened(image).format


def test_a_result_knows_itself() -> None:
    """result() has the size in bytes and in pixels, the media type and the extension of what it holds."""
    result = tinify.from_buffer(photo_jpeg()).result()
    assert result.size == len(result) == len(result.to_buffer())
    assert (result.width, result.height) == (320, 240)
    assert (result.media_type, result.content_type, result.extension) == ("image/jpeg", "image/jpeg", "jpeg")


def test_validate_accepts_a_good_key() -> None:
    """validate() is true for a good key, costs nothing, and sets the count."""
    assert tinify.validate() is True
    assert tinify.compression_count == 0


def test_validate_refuses_a_wrong_key() -> None:
    """validate() raises AccountError for a wrong key."""
    tinify.key = "invalid"
    with pytest.raises(tinify.AccountError) as refused:
        tinify.validate()
    assert (refused.value.status, refused.value.kind) == (401, "Unauthorized")


def test_a_wrong_key_is_an_account_error() -> None:
    """Compressing with a wrong key raises AccountError with the service's message."""
    tinify.key = "invalid"
    with pytest.raises(tinify.AccountError, match="API key is missing or not valid"):
        tinify.from_buffer(tiny_png())


def test_a_suspended_account_is_a_client_error(service: Server, account: str) -> None:
    """A suspended account is told as ClientError, status 403."""
    service.admin("accounts", "suspend", account)
    with pytest.raises(tinify.ClientError) as refused:
        tinify.from_buffer(tiny_png())
    assert (refused.value.status, refused.value.kind) == (403, "AccountSuspended")


@pytest.mark.parametrize(
    ("image", "status", "kind"),
    [
        (truncated_jpeg(), 422, "DecodeError"),
        (b"neither picture nor promise", 415, "UnsupportedMediaType"),
        (b"", 400, "InputMissing"),
    ],
    ids=["broken", "unknown", "empty"],
)
def test_a_bad_image_is_a_client_error(image: bytes, status: int, kind: str) -> None:
    """A broken, unknown or missing image raises ClientError with status and code, and is not counted."""
    with pytest.raises(tinify.ClientError) as refused:
        tinify.from_buffer(image)
    assert (refused.value.status, refused.value.kind) == (status, kind)
    assert tinify.compression_count == 0


def test_the_compression_count_follows() -> None:
    """compression_count counts images, not downloads."""
    source = tinify.from_buffer(tiny_png())
    assert tinify.compression_count == 1
    source.to_buffer()
    source.to_buffer()
    assert tinify.compression_count == 1
    tinify.from_buffer(tiny_png(1))
    assert tinify.compression_count == 2
