"""Requests to the service: patience, repeats, and where the key may go.

The key is sent to the service's own address and nowhere else: redirects and upload forms are followed without it.
"""

from __future__ import annotations

import random
import threading
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Union
from urllib.parse import unquote, urlencode, urljoin, urlsplit

import urllib3

from minipic_client.errors import IN_PROGRESS, LIMIT_REACHED, ServiceError, Stopped, Unreachable, service_error

TIMEOUT = urllib3.Timeout(connect=10, read=150)
TRIES_WHEN_BUSY = 8
TRIES_WHEN_BROKEN = 3
MAX_WAIT_S = 120
PAUSE_S = 0.25
MAX_REDIRECTS = 3
MAX_CONNECTIONS = 20
BROKEN = {500, 502, 504}
FETCHED_ELSEWHERE = {302, 303}
Part = Union[str, tuple[str, bytes, str]]


@dataclass(frozen=True)
class Answer:
    """What came back; header names are looked up without regard to case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Pace:
    """Makes all threads of a client wait together when the service asks for a pause."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._lock = threading.Lock()
        self._not_before_s = 0.0
        self.served = 0

    def pause(self, seconds: float) -> None:
        """Let nobody go on for so long."""
        with self._lock:
            self._not_before_s = max(self._not_before_s, time.monotonic() + seconds)

    def sleep(self, seconds: float) -> None:
        """Let only the calling thread rest; Stopped when the program ends first."""
        if self._stop.wait(seconds):
            raise Stopped("stopped")

    def wait(self) -> None:
        """Return when requests may go on; Stopped when the program ends first."""
        while not self._stop.is_set():
            left_s = self._not_before_s - time.monotonic()
            if left_s <= 0:
                return
            self._stop.wait(left_s)
        raise Stopped("stopped")


class Transport:
    """Connections to one service, shared by threads."""

    def __init__(self, base_url: str, key: str, stop: threading.Event) -> None:
        self._base_url = base_url
        self._key = key
        self._pace = Pace(stop)
        self._pools: dict[str, urllib3.PoolManager] = {}

    def call(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        """Send a request that may safely be sent again, with the key; ServiceError, Unreachable.

        A redirect to a stored result is followed, without the key; the result's headers are those of both answers.
        """
        url = self._base_url + path
        sent = {"Authorization": f"Bearer {self._key}", **headers}
        busy = in_progress = broken = served = 0
        while True:
            answer = self._once(method, url, sent, body, query, is_last=broken + 1 >= TRIES_WHEN_BROKEN)
            if answer is None or answer.status in BROKEN:
                broken += 1
                if answer is not None and broken >= TRIES_WHEN_BROKEN:
                    raise service_error(answer.status, answer.body)
                self._pace.sleep(PAUSE_S * 2**broken + random.uniform(0, PAUSE_S))
            elif answer.status < 400:
                self._pace.served += 1
                return self._followed(url, answer)
            elif answer.status == 409:  # about this one image
                in_progress += 1
                self._pace.sleep(_wait_s(answer, in_progress))
            else:
                # While others of this client get through, it is a matter of turns, not of patience.
                busy = 1 if self._pace.served != served else busy + 1
                served = self._pace.served
                self._pace.pause(_wait_s(answer, busy))

    def post_form(self, url: str, fields: Mapping[str, str], file: bytes) -> None:
        """Post a file with the fields of an upload form, without the key."""
        self._check_scheme(url)
        parts: Sequence[tuple[str, Part]] = [
            *fields.items(),
            ("file", ("image", file, "application/octet-stream")),
        ]
        body, content_type = urllib3.encode_multipart_formdata(parts)
        answer = self._stored("POST", url, {"Content-Type": content_type}, body)
        if answer.status not in {200, 201, 204}:
            raise _storage_error(url, answer)

    def close(self) -> None:
        """Close the connections."""
        for pool in self._pools.values():
            pool.clear()

    def _followed(self, url: str, answer: Answer) -> Answer:
        headers = urllib3.HTTPHeaderDict()
        for _ in range(MAX_REDIRECTS):
            for name, value in answer.headers.items():
                headers[name] = value  # without regard to case, which a gateway and a storage see differently
            if answer.status < 300:
                return Answer(answer.status, headers, answer.body)
            url = urljoin(url, answer.headers.get("Location", ""))
            if answer.status not in FETCHED_ELSEWHERE:
                raise Unreachable(f"The service redirects to {urlsplit(url).hostname}. Set MINIPIC_URL to its address.")
            self._check_scheme(url)
            answer = self._stored("GET", url, {})
        raise Unreachable("The service redirects too often.")

    def _stored(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """Ask the storage, without the key."""
        for count in range(1, TRIES_WHEN_BROKEN + 1):
            is_last = count == TRIES_WHEN_BROKEN
            answer = self._once(method, url, headers, body, is_last=is_last)
            if answer is not None and (is_last or answer.status < 500):
                break
            self._pace.sleep(PAUSE_S * 2**count)
        assert answer is not None  # the last try raises where there is no answer
        if answer.status >= 400:
            raise _storage_error(url, answer)
        return answer

    def _once(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, str] | None = None,
        *, is_last: bool,
    ) -> Answer | None:  # fmt: skip
        """Return the answer, None where there was none and another try may help; Unreachable."""
        self._pace.wait()
        try:
            address = url + ("?" + urlencode(query) if query else "")
            response = self._pool(url).request(
                method, address, headers=dict(headers), body=body or None,
                redirect=False, retries=False, timeout=TIMEOUT, decode_content=False,
            )  # fmt: skip
        except urllib3.exceptions.SSLError as error:
            raise Unreachable(f"{_host(url)} has no certificate that can be trusted.") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            if is_last:
                raise Unreachable(f"{_host(url)} does not answer ({type(error).__name__}).") from error
            return None
        told = response.data
        if response.status >= 400:  # whoever repeats the key: no error's text holds it
            told = told.replace(self._key.encode(), b"...")
        return Answer(response.status, response.headers, told)

    def _pool(self, url: str) -> urllib3.PoolManager:
        proxy = _proxy_for(url)
        if proxy not in self._pools:
            return self._pools.setdefault(proxy, _new_pool(proxy))
        return self._pools[proxy]

    def _check_scheme(self, url: str) -> None:
        wanted = {"https", urlsplit(self._base_url).scheme}
        if urlsplit(url).scheme not in wanted:
            raise Unreachable("The service names an address that is not secure.")


def _new_pool(proxy: str) -> urllib3.PoolManager:
    if not proxy:
        return urllib3.PoolManager(maxsize=MAX_CONNECTIONS)
    account = urllib3.util.parse_url(proxy).auth
    headers = urllib3.make_headers(proxy_basic_auth=unquote(account)) if account else None
    return urllib3.ProxyManager(proxy, maxsize=MAX_CONNECTIONS, proxy_headers=headers)


def _wait_s(answer: Answer, tries: int) -> float:
    """Return how long to wait before a refused request is sent again; raises where that is no use."""
    error = service_error(answer.status, answer.body)
    may_wait = answer.status in {429, 503} or error.code == IN_PROGRESS
    if not may_wait or error.code == LIMIT_REACHED:
        raise error
    told = answer.headers.get("Retry-After", "")
    growing_s = float(min(2**tries, 30))
    wait_s = float(told) if told.isascii() and told.isdigit() else growing_s
    # A service that was killed holds the first request's place for two minutes; others' places take their time, too.
    if error.code == IN_PROGRESS or tries > 2:
        wait_s = max(wait_s, growing_s)
    if tries >= TRIES_WHEN_BUSY or wait_s > MAX_WAIT_S:
        raise error
    return wait_s + random.uniform(0, 0.25)


def _storage_error(url: str, answer: Answer) -> ServiceError:
    # Not by its status: a storage's 403 says nothing of the key.
    return ServiceError(answer.status, "Storage", f"The storage at {_host(url)} answered {answer.status}.", {})


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _proxy_for(url: str) -> str:
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return ""
    return urllib.request.getproxies().get(parts.scheme, "")
