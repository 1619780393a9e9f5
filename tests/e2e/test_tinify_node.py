import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e import node_client
from tests.e2e.node_client import NodeClient
from tests.e2e.server import Server, running
from tests.e2e.tls import make_certificates, terminated
from tests.pictures import graphic_png, opened, photo_jpeg, photo_webp, truncated_jpeg

pytestmark = pytest.mark.skipif(not node_client.is_available(), reason="needs node and npm")


@dataclass(frozen=True)
class Deployment:
    """A service behind TLS, and the client that is pointed at it."""

    server: Server
    client: NodeClient


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A service that knows its public https address, as an operator behind a proxy sets it."""
    folder = tmp_path_factory.mktemp("tls")
    authority, certificate = make_certificates(folder)
    with terminated(certificate) as front:
        endpoint = f"https://localhost:{front.port}"
        with running(folder, MINIPIC_PUBLIC_URL=endpoint, MINIPIC_ENGINE_CHILDREN="1") as server:
            front.upstream_port = server.port
            yield Deployment(server, NodeClient(node_client.install(), endpoint, authority))


@pytest.fixture
def key(deployment: Deployment) -> str:
    """A key of a fresh account."""
    return deployment.server.new_key()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A JPEG as a file."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(photo_jpeg())
    return path


def test_from_file_to_file(deployment: Deployment, key: str, photo: Path) -> None:
    """fromFile(…).toFile(…) leaves a smaller image of the same format and size."""
    target = photo.with_name("smaller.jpg")
    found = deployment.client.run("file.mjs", key, IMAGE=str(photo), TARGET=str(target))
    smaller = opened(target.read_bytes())
    assert (smaller.format, smaller.size, found["count"]) == ("JPEG", (320, 240), 1)
    assert target.stat().st_size < photo.stat().st_size


@pytest.mark.parametrize("image", [photo_jpeg(), graphic_png(), photo_webp()], ids=["jpeg", "png", "webp"])
def test_from_buffer_to_buffer(deployment: Deployment, key: str, tmp_path: Path, image: bytes) -> None:
    """fromBuffer(…).toBuffer() returns a smaller image of the same format, whatever that is."""
    path = tmp_path / "image"
    path.write_bytes(image)
    smaller = base64.b64decode(deployment.client.run("buffer.mjs", key, IMAGE=str(path))["image"])
    assert len(smaller) < len(image)
    assert opened(smaller).format == opened(image).format


def test_a_result_knows_itself(deployment: Deployment, key: str, photo: Path) -> None:
    """result() has size, width, height, type and extension; Location is absolute under https; downloads are free."""
    found = deployment.client.run("result.mjs", key, IMAGE=str(photo))
    assert found["size"] == found["bytes"] == found["again"]
    assert (found["width"], found["height"]) == (320, 240)
    assert (found["mediaType"], found["extension"]) == ("image/jpeg", "jpeg")
    assert found["location"].startswith(f"{deployment.client.endpoint}/output/")
    assert found["count"] == 1


def test_without_a_public_url_it_works_as_well(
    deployment: Deployment, tmp_path_factory: pytest.TempPathFactory, photo: Path
) -> None:
    """A service behind TLS that was not told its public address hands out a relative Location, which works."""
    folder = tmp_path_factory.mktemp("plain")
    authority, certificate = make_certificates(folder)
    with terminated(certificate) as front, running(folder, MINIPIC_ENGINE_CHILDREN="1") as server:
        front.upstream_port = server.port
        client = NodeClient(deployment.client.folder, f"https://localhost:{front.port}", authority)
        found = client.run("result.mjs", server.demo_key, IMAGE=str(photo))
    assert found["location"].startswith("/output/")
    assert found["size"] == found["bytes"]


def test_validate_accepts_a_good_key(deployment: Deployment, key: str) -> None:
    """validate() resolves for a good key, costs nothing, and sets the count."""
    assert deployment.client.run("validate.mjs", key) == {"failure": None, "count": 0}


def test_validate_refuses_a_wrong_key(deployment: Deployment) -> None:
    """validate() rejects with AccountError for a wrong key."""
    failure = deployment.client.run("validate.mjs", "invalid")["failure"]
    assert (failure["kind"], failure["status"]) == ("AccountError", 401)


def test_a_wrong_key_is_an_account_error(deployment: Deployment, photo: Path) -> None:
    """Compressing with a wrong key rejects with AccountError and the service's message."""
    failure = deployment.client.run("failure.mjs", "invalid", IMAGE=str(photo))["failure"]
    assert (failure["kind"], failure["status"]) == ("AccountError", 401)
    assert "API key is missing or not valid" in failure["message"]


@pytest.mark.parametrize(
    ("image", "status", "code"),
    [
        (truncated_jpeg(), 422, "DecodeError"),
        (b"neither picture nor promise", 415, "UnsupportedMediaType"),
        (b"", 400, "InputMissing"),
    ],
    ids=["broken", "unknown", "empty"],
)
def test_a_bad_image_is_a_client_error(
    deployment: Deployment, key: str, tmp_path: Path, image: bytes, status: int, code: str
) -> None:
    """A broken, unknown or missing image rejects with ClientError, status and code, and is not counted."""
    path = tmp_path / "image"
    path.write_bytes(image)
    found = deployment.client.run("failure.mjs", key, IMAGE=str(path))
    assert (found["failure"]["kind"], found["failure"]["status"], found["count"]) == ("ClientError", status, 0)
    assert code in found["failure"]["message"]
