from collections.abc import Iterator
from pathlib import Path

import pytest
import tinify

from tests.deployed.homes import Home
from tests.pictures import COPYRIGHT, opened, photo_jpeg, tiny_png, truncated_jpeg, with_rights


@pytest.fixture(autouse=True)
def official_client(home: Home, key: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The official Python client, unchanged, pointed at the home in the way that its users do."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(tinify.Client, "API_ENDPOINT", home.base_url)
    tinify.key = key
    tinify.compression_count = None
    yield
    tinify.get_client().close()
    tinify.key = None


def test_validate_counts_nothing() -> None:
    """validate() is true for a good key and an AccountError for a wrong one."""
    assert tinify.validate() is True
    assert tinify.compression_count == 0
    tinify.key = "wrong"
    with pytest.raises(tinify.AccountError) as refused:
        tinify.validate()
    assert (refused.value.status, refused.value.kind) == (401, "Unauthorized")


def test_from_file_to_file(tmp_path: Path) -> None:
    """from_file(…).to_file(…) leaves a smaller picture; the count rises by one, downloads are free."""
    source, target = tmp_path / "photo.jpg", tmp_path / "smaller.jpg"
    source.write_bytes(photo_jpeg())
    shrunk = tinify.from_file(str(source))
    shrunk.to_file(str(target))
    assert len(shrunk.to_buffer()) == target.stat().st_size < source.stat().st_size
    assert opened(target.read_bytes()).size == (320, 240)
    assert tinify.compression_count == 1


def test_a_result_knows_itself() -> None:
    """result() has the size in bytes and pixels and the type of what it holds."""
    result = tinify.from_buffer(photo_jpeg()).result()
    assert result.size == len(result.to_buffer())
    assert (result.width, result.height, result.media_type) == (320, 240, "image/jpeg")


def test_a_chain_of_all_operations() -> None:
    """resize, convert, preserve and transform in one chain: one image more, and all of them show in the file."""
    source = tinify.from_buffer(with_rights("PNG")).resize(method="cover", width=40, height=40)
    source = source.convert(type=["image/jpeg"]).preserve("copyright").transform(background="white")
    picture = opened(source.to_buffer())
    assert (picture.format, picture.size, picture.getexif()[0x8298]) == ("JPEG", (40, 40), COPYRIGHT)
    assert tinify.compression_count == 2


def test_from_url(home: Home) -> None:
    """from_url() compresses what the address serves."""
    source = tinify.from_url(home.hosted("/photo.jpg"))
    assert opened(source.resize(method="fit", width=32, height=32).to_buffer()).size == (32, 24)


def test_a_bad_image_is_a_client_error() -> None:
    """A broken image is a ClientError with status and code, and not counted."""
    with pytest.raises(tinify.ClientError) as refused:
        tinify.from_buffer(truncated_jpeg())
    assert (refused.value.status, refused.value.kind) == (422, "DecodeError")
    assert tinify.compression_count == 0


def test_an_exhausted_account_is_an_account_error(home: Home) -> None:
    """Without an image left it is an AccountError, and validate() still accepts the key."""
    tinify.key = home.new_key("spent")
    with pytest.raises(tinify.AccountError, match="Your monthly limit has been exceeded"):
        tinify.from_buffer(tiny_png())
    assert tinify.validate() is True
