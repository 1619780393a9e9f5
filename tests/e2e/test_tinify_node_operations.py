import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.e2e import node_client
from tests.e2e.equipped import Equipped, equipped, hosting
from tests.e2e.node_client import NodeClient
from tests.e2e.tls import make_certificates, terminated
from tests.loopback import free_port
from tests.pictures import COPYRIGHT, LATITUDE, graphic_png, opened, photo_jpeg, tiny_png, with_rights

pytestmark = pytest.mark.skipif(not node_client.is_available(), reason="needs node and npm")

Chain = list[list[object]]


@dataclass(frozen=True)
class Deployment:
    """A service behind TLS, the client that is pointed at it, and a folder for pictures."""

    server: Equipped
    client: NodeClient
    folder: Path

    def run(self, image: bytes, *chains: Chain, key: str = "") -> list[dict[str, Any]]:
        """Return what became of each chain of operations on the picture."""
        path = self.folder / "picture"
        path.write_bytes(image)
        return self._run(key, IMAGE=str(path), CHAINS=json.dumps(chains))

    def run_url(self, url: str, *chains: Chain) -> list[dict[str, Any]]:
        """Return what became of each chain of operations on what the address serves."""
        return self._run("", URL=url, CHAINS=json.dumps(chains))

    def _run(self, key: str, **variables: str) -> list[dict[str, Any]]:
        answer = self.client.run("operations.mjs", key or self.server.new_key(), **variables)
        results: list[dict[str, Any]] = answer["results"]
        return results


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A service that knows its public https address and may fetch from the loopback."""
    folder = tmp_path_factory.mktemp("tls")
    authority, certificate = make_certificates(folder)
    with terminated(certificate) as front, hosting() as host:
        endpoint = f"https://localhost:{front.port}"
        with equipped(folder, host, MINIPIC_PUBLIC_URL=endpoint, MINIPIC_ENGINE_CHILDREN="1") as server:
            front.upstream_port = server.port
            yield Deployment(server, NodeClient(node_client.install(), endpoint, authority), folder)


def _image(found: dict[str, Any]) -> Image.Image:
    assert found["failure"] is None, found["failure"]
    data = base64.b64decode(found["image"])
    assert found["bytes"] == len(data)
    image = opened(data)
    assert image.size == tuple(found["size"])
    return image


def test_resize(deployment: Deployment) -> None:
    """resize() by scale, fit and cover gives the sizes asked for; one upload serves all, each counts one image."""
    wanted: dict[tuple[int, int], dict[str, object]] = {
        (60, 40): {"method": "scale", "width": 60},
        (75, 50): {"method": "scale", "height": 50},
        (50, 33): {"method": "fit", "width": 50, "height": 50},
        (50, 90): {"method": "cover", "width": 50, "height": 90},
    }
    chains: list[Chain] = [[["resize", asked]] for asked in wanted.values()]
    results = deployment.run(photo_jpeg(300, 200), *chains, [])
    assert [_image(found).size for found in results] == [*wanted, (300, 200)]
    assert [found["count"] for found in results] == [2, 3, 4, 5, 5]


def test_convert(deployment: Deployment) -> None:
    """convert() to one type, to several and to any gives one of them; type and extension are the result's own."""
    results = deployment.run(
        photo_jpeg(90, 60),
        [["convert", {"type": "image/webp"}]],
        [["convert", {"type": ["image/png", "image/webp"]}]],
        [["convert", {"type": "*/*"}]],
    )
    for found, extensions in zip(results, ({"webp"}, {"png", "webp"}, {"png", "webp", "jpeg", "avif"}), strict=True):
        assert found["extension"] in extensions
        assert found["type"] == f"image/{found['extension']}"
        assert (_image(found).format or "").lower() == found["extension"]


def test_transparent_to_jpeg(deployment: Deployment) -> None:
    """A transparent picture as JPEG rejects with ClientError without a background, and is filled with one."""
    to_jpeg: list[object] = ["convert", {"type": "image/jpeg"}]
    background: list[object] = ["transform", {"background": "#ff0000"}]
    refused, filled, same_format = deployment.run(graphic_png(60, 40), [to_jpeg], [to_jpeg, background], [background])
    assert (refused["failure"]["kind"], refused["failure"]["status"], refused["count"]) == ("ClientError", 400, 1)
    assert (_image(filled).format, filled["count"]) == ("JPEG", 2)
    assert _image(same_format).convert("RGB").getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_preserve(deployment: Deployment, kind: str) -> None:
    """preserve() keeps owner, time and place, the owner in plain text, and nothing that was not asked for."""
    (kept, plain) = deployment.run(with_rights(kind), [["preserve", "copyright", "creation", "location"]], [])
    data = base64.b64decode(kept["image"])
    assert COPYRIGHT.encode() in data
    assert _image(kept).getexif().get_ifd(0x8825)[2] == LATITUDE
    assert b"Secret Camera Maker" not in data
    assert COPYRIGHT.encode() not in base64.b64decode(plain["image"])


def test_a_chain_of_all_operations(deployment: Deployment) -> None:
    """All operations in one chain count one image; the result has an absolute address of its own."""
    chain: Chain = [
        ["resize", {"method": "cover", "width": 40, "height": 40}],
        ["convert", {"type": "image/jpeg"}],
        ["preserve", "copyright"],
        ["transform", {"background": "white"}],
    ]
    (found,) = deployment.run(with_rights("PNG"), chain)
    image = _image(found)
    assert (image.format, image.size, image.getexif()[0x8298]) == ("JPEG", (40, 40), COPYRIGHT)
    assert found["count"] == 2
    assert found["location"].startswith(f"{deployment.client.endpoint}/output/")


def test_from_url(deployment: Deployment) -> None:
    """fromUrl() compresses what the address serves, and operations follow as after an upload."""
    plain, small = deployment.run_url(
        deployment.server.hosted("/photo.jpg"), [], [["resize", {"method": "fit", "width": 32, "height": 32}]]
    )
    assert (_image(plain).size, plain["count"]) == ((320, 240), 1)
    assert (_image(small).size, small["count"]) == ((32, 24), 2)


def test_a_bad_address_is_a_client_error(deployment: Deployment) -> None:
    """An address that serves nothing rejects with ClientError, and is not counted."""
    (found,) = deployment.run_url(deployment.server.hosted("/missing"), [])
    assert (found["failure"]["kind"], found["failure"]["status"], found["count"]) == ("ClientError", 400, 0)
    assert "SourceNotFound" in found["failure"]["message"]


def test_what_is_not_offered_is_a_server_error(deployment: Deployment) -> None:
    """The method thumb is 501: the client retries it and rejects with ServerError; nothing counts."""
    (found,) = deployment.run(tiny_png(), [["resize", {"method": "thumb", "width": 5, "height": 5}]])
    assert (found["failure"]["kind"], found["failure"]["status"], found["count"]) == ("ServerError", 501, 1)


def test_an_exhausted_account_is_an_account_error(deployment: Deployment) -> None:
    """Without an image left the client rejects with AccountError, in the words that it looks for."""
    (found,) = deployment.run(tiny_png(), [], key=deployment.server.new_key("spent"))
    assert (found["failure"]["kind"], found["failure"]["status"]) == ("AccountError", 429)
    assert "Your monthly limit has been exceeded" in found["failure"]["message"]


def test_no_service_is_a_connection_error(deployment: Deployment) -> None:
    """Where nothing listens the client rejects with ConnectionError after its retry."""
    client = NodeClient(deployment.client.folder, f"https://localhost:{free_port()}", deployment.client.ca)
    assert client.run("validate.mjs", "invalid")["failure"]["kind"] == "ConnectionError"
