"""A service with all that is off by default switched on, and plans with tight and wide limits."""

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from minipic.domain.keys import Environment
from minipic.service import Services
from minipic.service.administration import create_account, create_key
from minipic.settings import Settings, read_settings
from minipic.wiring import build_services
from tests.e2e.server import Server
from tests.pictures import graphic_png, photo_jpeg, tiny_png

MIB = 1024**2
UPGRADE_URL = "https://shop.example/packs"
BLOCKED_PICTURE = tiny_png(99)
SMALL_PLAN_BYTES = 1000
_PLAN = {"free_images": 10**6, "max_bytes": 5 * MIB}
PLANS = {
    "wide": _PLAN | {"rate_per_second": 1000, "burst": 10**6},
    "slow": _PLAN | {"rate_per_second": 1, "burst": 1},
    "bursts": _PLAN | {"rate_per_second": 1},
    "spent": _PLAN | {"free_images": 0},
    "three": _PLAN | {"free_images": 3},
    "small": _PLAN | {"max_bytes": SMALL_PLAN_BYTES},
}
HOSTED = {"/photo.jpg": photo_jpeg(), "/graphic.png": graphic_png(), "/text": b"neither picture nor promise"}


class _Host(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = HOSTED.get(self.path)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def hosting() -> Iterator[str]:
    """Yield the host and port of a web server on the loopback that serves ``HOSTED``."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Host) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class Equipped(Server):
    """The service, and the same stores opened from here as the admin command opens them, only faster."""

    def __init__(self, folder: Path, host: str, **settings: str) -> None:
        blocked = folder / "blocked.txt"
        blocked.write_text(f"sha256:{hashlib.sha256(BLOCKED_PICTURE).hexdigest()}\n")
        super().__init__(
            folder,
            MINIPIC_SOURCE_ALLOW=host,
            MINIPIC_SCREENING="hash",
            MINIPIC_SCREENING_LIST=str(blocked),
            MINIPIC_UPGRADE_URL=UPGRADE_URL,
            MINIPIC_PLANS=json.dumps(PLANS),
            **settings,
        )
        self.host = host
        self.read: Settings = read_settings(self.environment())
        self.services: Services = build_services(self.read)

    def hosted(self, path: str) -> str:
        """Return the address of a picture that the service may fetch."""
        return f"http://{self.host}{path}"

    def new_account(self, plan: str = "free") -> str:
        """Return the id of a fresh account."""
        return create_account(self.services, "tests@example.com", self.services.plans.named(plan)).id

    def new_key(self, plan: str = "free", test: bool = False, account: str = "") -> str:
        """Return a fresh key, of a fresh account unless one is named."""
        environment = Environment.TEST if test else Environment.LIVE
        return create_key(self.services, account or self.new_account(plan), "k", environment).text


@contextmanager
def equipped(folder: Path, host: str, **settings: str) -> Iterator[Equipped]:
    """Yield a running service that is ended afterwards."""
    server = Equipped(folder, host, **settings)
    try:
        server.start()
        yield server
    finally:
        server.end()
