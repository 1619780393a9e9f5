"""The MiniPic API with nothing but the standard library: one call that compresses an image, patiently.

The key goes to the service's own address and nowhere else; redirects and upload forms are followed without it.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import random
import re
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass
from email.message import Message
from typing import IO, Any

from image_files import is_image

ONE_REQUEST_BYTES = 4_500_000
TIMEOUT_S = 150
TRIES_WHEN_BUSY = 8
TRIES_WHEN_BROKEN = 3
MAX_WAIT_S = 120
MAX_REDIRECTS = 3
BROKEN = {500, 502, 504}
ELSEWHERE = "The service redirects somewhere else. Check MINIPIC_URL."
_KEY = re.compile(r"[!-~]{8,200}")


class ApiError(Exception):
    """The service refused or did not answer; the text is for people. ``is_final``: no other image has a chance."""

    def __init__(self, message: str, *, is_final: bool = False, offers_upload: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final
        self.offers_upload = offers_upload


@dataclass(frozen=True)
class Result:
    """A compressed image and how many bytes were sent in."""

    data: bytes
    media_type: str
    input_bytes: int


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Message
    body: bytes


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """Follow nothing: the standard way takes the key along."""


class Service:
    """A MiniPic service; ValueError where key or address cannot be one, and its text repeats neither.

    ``is_over`` is for threads to tell each other that no further image has a chance.
    """

    is_over = False

    def __init__(self, base_url: str, key: str) -> None:
        parts = urllib.parse.urlsplit(base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
            raise ValueError("MINIPIC_URL must look like https://img.example.com")
        if not _KEY.fullmatch(key):
            raise ValueError("MINIPIC_API_KEY does not hold a key: keys begin with mp_live_ or mp_test_")
        self._base_url = base_url.rstrip("/")
        self._key = key
        self._opener = urllib.request.build_opener(_NoRedirects)

    def compress(self, image: bytes, query: dict[str, str]) -> Result:
        """Return the image compressed; counts one image, once a day for the same image and query; ApiError."""
        if len(image) > ONE_REQUEST_BYTES:
            return self._compress_upload(image, query)
        same = hashlib.sha256(json.dumps(query, sort_keys=True).encode() + b"\n" + image).hexdigest()
        try:
            return self._compress(image, "application/octet-stream", query, same, len(image))
        except ApiError as error:
            if error.offers_upload:
                return self._compress_upload(image, query)
            raise

    def compress_url(self, url: str, query: dict[str, str]) -> Result:
        """Return what is at a public address, fetched by the service, compressed; ApiError."""
        return self._compress_source({"url": url}, query, None)

    def _compress_upload(self, image: bytes, query: dict[str, str]) -> Result:
        url, form_fields, upload = self._upload_form(len(image))
        self._check_scheme(url)
        boundary = secrets.token_hex(16)
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="'
        fields = "".join(f'{head}{name}"\r\n\r\n{value}\r\n' for name, value in form_fields.items())
        file = f'{head}file"; filename="image"\r\nContent-Type: application/octet-stream\r\n\r\n'
        form = (fields + file).encode() + image + f"\r\n--{boundary}--\r\n".encode()
        posted = self._tried(url, form, {"Content-Type": f"multipart/form-data; boundary={boundary}"})
        if posted.status not in {200, 201, 204}:
            raise ApiError(f"The storage answered {posted.status}.")
        return self._compress_source({"upload": upload}, query, len(image))

    def _upload_form(self, size_bytes: int) -> tuple[str, dict[str, str], str]:
        """Return the address and the fields of a form, and what names the file that is posted to it; ApiError."""
        answer = self._call(
            "/v1/uploads", json.dumps({"size": size_bytes}).encode(), {"Content-Type": "application/json"}
        )
        if answer.status >= 300:
            raise ApiError(ELSEWHERE, is_final=True)
        try:
            offer = json.loads(answer.body)
            return str(offer["url"]), dict(offer["fields"]), str(offer["upload"])
        except (KeyError, TypeError, ValueError) as error:
            raise ApiError("The service offered no upload form.", is_final=True) from error

    def _compress_source(self, source: dict[str, str], query: dict[str, str], sent_bytes: int | None) -> Result:
        body = json.dumps({"source": source}).encode()
        return self._compress(body, "application/json", query, str(uuid.uuid4()), sent_bytes)

    def _compress(
        self, body: bytes, content_type: str, query: dict[str, str], same: str, sent_bytes: int | None
    ) -> Result:
        path = "/v1/compress" + ("?" + urllib.parse.urlencode(query) if query else "")
        first = self._call(path, body, {"Content-Type": content_type, "Idempotency-Key": same})
        try:
            input_bytes, output_bytes = int(first.headers["X-Input-Size"]), int(first.headers["X-Output-Size"])
        except (TypeError, ValueError) as error:
            raise ApiError("This address answers, but not as MiniPic does.", is_final=True) from error
        last = self._followed(first)
        if len(last.body) != output_bytes:
            raise ApiError("The result came incomplete.")
        if sent_bytes is not None and input_bytes != sent_bytes:
            raise ApiError("The result is not of the image that was sent.", is_final=True)
        media_type = last.headers.get_content_type()
        kind, _, format_name = media_type.partition("/")
        if kind != "image" or not is_image(last.body, format_name):
            raise ApiError("What came is no image of the type that it says.", is_final=True)
        return Result(last.body, media_type, input_bytes)

    def _call(self, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        """Send a request with the key until it is answered; it must be safe to send it again."""
        url, sent = self._base_url + path, {"Authorization": f"Bearer {self._key}", **headers}
        for tries in range(1, TRIES_WHEN_BUSY + 1):
            answer = self._tried(url, body, sent)
            if answer.status < 400:
                return answer
            time.sleep(_wait_s(answer, tries))
        raise AssertionError("the last try raises")

    def _followed(self, answer: Answer) -> Answer:
        url = self._base_url
        for _ in range(MAX_REDIRECTS):
            if answer.status < 300:
                return answer
            if answer.status not in {302, 303}:
                break
            url = urllib.parse.urljoin(url, answer.headers["Location"] or "")
            self._check_scheme(url)
            answer = self._tried(url, None, {})
            if answer.status >= 400:
                raise ApiError(f"The storage answered {answer.status}.")
        raise ApiError(ELSEWHERE, is_final=True)

    def _tried(self, url: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        host = urllib.parse.urlsplit(url).netloc
        for tries in range(1, TRIES_WHEN_BROKEN + 1):
            try:
                answer = self._once(url, body, headers)
                if answer.status not in BROKEN or tries == TRIES_WHEN_BROKEN:
                    return answer
            except (OSError, http.client.HTTPException) as error:
                if tries == TRIES_WHEN_BROKEN:
                    raise ApiError(f"{host} does not answer ({type(error).__name__}).", is_final=True) from error
            time.sleep(0.25 * 2**tries + random.uniform(0, 0.25))
        raise AssertionError("the last try returns or raises")

    def _once(self, url: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        request = urllib.request.Request(url, data=body, headers=headers)
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as response:
                return Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:  # answers of 300 and above come this way
            with error:
                return Answer(error.code, error.headers, error.read())

    def _check_scheme(self, url: str) -> None:
        if urllib.parse.urlsplit(url).scheme not in {"https", urllib.parse.urlsplit(self._base_url).scheme}:
            raise ApiError("The service names an address that is not secure.", is_final=True)


def _wait_s(answer: Answer, tries: int) -> float:
    """Return how long to wait before a refused request is sent again; ApiError where that is no use."""
    told = _told(answer)
    is_in_progress = told.get("error") == "RequestInProgress"
    may_wait = answer.status in {429, 503} or is_in_progress
    retry_after = answer.headers["Retry-After"] or ""
    growing_s = float(min(2**tries, 30))
    wait_s = float(retry_after) if retry_after.isascii() and retry_after.isdigit() else growing_s
    # A service that was killed holds the first request's place for two minutes; others' places take their time, too.
    if is_in_progress or tries > 2:
        wait_s = max(wait_s, growing_s)
    is_hopeless = told.get("error") == "AccountLimitReached" or tries >= TRIES_WHEN_BUSY or wait_s > MAX_WAIT_S
    if not may_wait or is_hopeless:
        raise _error(answer)
    return wait_s + random.uniform(0, 0.5)


def _error(answer: Answer) -> ApiError:
    told = _told(answer)
    words = [
        str(answer.status),
        str(told.get("error", "")),
        str(told.get("message", "")),
        str(told.get("upgrade_url", "")),
    ]
    is_final = answer.status in {401, 403, 404, 429, 503}
    return ApiError(" ".join(filter(None, words)), is_final=is_final, offers_upload=bool(told.get("upload_url")))


def _told(answer: Answer) -> dict[str, Any]:
    try:
        told = json.loads(answer.body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
