"""A client as plain as can be, for either home: no redirects, no retries, addresses as the service gave them."""

import ssl
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2

from tests.deployed.homes import Home

METERED = {
    "Compression-Count",
    "Compression-Count-Remaining",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
}
TIMEOUT_S = 60
PATIENCE_S = 60
T = TypeVar("T")


class Client:
    """Sends requests with one key, or with none."""

    def __init__(self, home: Home, key: str = "") -> None:
        self.home = home
        trust = ssl.create_default_context(cafile=home.authority)
        self._http = httpx2.Client(verify=trust, timeout=TIMEOUT_S, trust_env=False)
        self._auth = ("api", key) if key else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def send(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        files: Mapping[str, Any] | None = None,
        data: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """Send one request to a path of the service; an address elsewhere (a link, a form) gets no key."""
        elsewhere = "://" in target
        return self._http.request(
            method, target if elsewhere else self.home.base_url + target,
            content=body, json=json, headers=headers, files=files, data=data, auth=None if elsewhere else self._auth,
        )  # fmt: skip

    def shrink(self, image: bytes) -> httpx2.Response:
        """Send an image to /shrink, which must succeed."""
        answer = self.send("POST", "/shrink", image)
        assert answer.status_code == 201, answer.text
        return answer

    def location(self, answer: httpx2.Response) -> str:
        """Return the path of the result that an answer names."""
        location: str = answer.headers["Location"]
        return location

    def usage(self) -> dict[str, Any]:
        """Return what /v1/usage says."""
        answer = self.send("GET", "/v1/usage")
        assert answer.status_code == 200, answer.text
        usage: dict[str, Any] = answer.json()
        return usage

    def ledger(self, lines: int) -> list[dict[str, Any]]:
        """Return the ledger as soon as it has so many lines; on AWS they come through the table's stream."""

        def read() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = self.send("GET", "/v1/ledger").json()["lines"]
            return found

        return eventually(read, lambda found: len(found) >= lines)


def eventually(read: Callable[[], T], holds: Callable[[T], bool]) -> T:
    """Return what is read, as soon as it holds; fails if it never does."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds(found := read()):
        assert time.monotonic() < deadline_s, f"waited in vain, last seen: {found}"
        time.sleep(0.1)
    return found


def assert_error(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is an error of the contract's table; return its fields."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json"), answer.text
    fields: dict[str, Any] = answer.json()
    assert fields["error"] == code, fields
    assert fields["message"]
    assert fields["request_id"]
    return fields
