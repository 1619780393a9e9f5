"""The service's native API as a class."""

from __future__ import annotations

import hashlib
import json
import math
import threading
import uuid
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, TypedDict, cast

from minipic_client.errors import ServiceError, Unreachable
from minipic_client.formats import format_of_type, is_image
from minipic_client.options import Options
from minipic_client.settings import DEFAULT_URL, checked_key, checked_url
from minipic_client.transport import Answer, Transport

ONE_REQUEST_BYTES = 4_500_000  # what a deployment on Lambda takes in one request
JSON = {"Content-Type": "application/json"}
IMAGE = {"Content-Type": "application/octet-stream"}
PLAIN = Options()
SOURCE_NOT_FOUND = "SourceNotFound"
NO_SERVICE = "This address answers, but not as MiniPic does."


@dataclass(frozen=True)
class Result:
    """A compressed image; ``score`` is its SSIMULACRA2 against what was sent, None where it was not measured."""

    data: bytes
    media_type: str
    input_bytes: int
    width: int
    height: int
    score: float | None
    images_left: int | None

    @property
    def ratio(self) -> float:
        """Output / input."""
        return len(self.data) / self.input_bytes if self.input_bytes else 1.0


class FreeImages(TypedDict):
    """The month's free images."""

    limit: int
    used: int
    remaining: int
    resets_at: str


class Credits(TypedDict):
    """What is left of all credit packs."""

    remaining: int


class Usage(TypedDict):
    """The answer of ``GET /v1/usage``; more may be in it."""

    month: str
    plan: str
    count: int
    free: FreeImages
    credits: Credits
    by_operation: dict[str, int]
    bytes_in: int
    bytes_out: int
    limits: dict[str, int]


class Uploads(Protocol):
    """Which upload holds which content, such as a dict: a request for the same upload is the same request."""

    def get(self, content: str, /) -> str | None:
        """Return the id of the upload that holds a content, None if there is none."""

    def __setitem__(self, content: str, upload: str, /) -> None:
        """Note where a content is."""


class Client:
    """A client that threads may share; every request but those for usage costs one image when it succeeds.

    The same image with the same options within a day costs once, however often it is sent: requests carry an
    ``Idempotency-Key``. Of images above 4.5 MB that holds as long as ``uploads`` remembers them; a client has its own
    unless it is given one. Methods raise MinipicError's subclasses (errors.py).
    """

    def __init__(
        self,
        key: str,
        base_url: str = DEFAULT_URL,
        stop: threading.Event | None = None,
        uploads: Uploads | None = None,
    ) -> None:
        self._base_url = checked_url(base_url)
        self._transport = Transport(self._base_url, checked_key(key), stop or threading.Event())
        self._uploads: Uploads = {} if uploads is None else uploads
        self._uploading: dict[str, threading.Lock] = {}

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def compress(self, image: bytes, options: Options = PLAIN) -> Result:
        """Return the image compressed; a large one goes through an upload form by itself."""
        if len(image) > ONE_REQUEST_BYTES:
            return self._compress_upload(image, options)
        try:
            return self._compress(image, IMAGE, options, _same(options, image), len(image))
        except ServiceError as error:
            if error.status == 413 and error.offers_upload:
                return self._compress_upload(image, options)
            raise

    def compress_url(self, url: str, options: Options = PLAIN) -> Result:
        """Return what is at a public address, fetched by the service, compressed."""
        return self._compress_source({"url": url}, options, str(uuid.uuid4()), None)

    def usage(self) -> Usage:
        """Return what was used this month and what is left; costs nothing."""
        told = self._json("GET", "/v1/usage")
        if not _is_usage(told):
            raise Unreachable(NO_SERVICE)
        return cast("Usage", told)

    def _compress_upload(self, image: bytes, options: Options) -> Result:
        content = hashlib.sha256(self._base_url.encode() + b"\n" + image).hexdigest()
        earlier = self._uploads.get(content)
        if earlier is not None:
            try:
                return self._compress_uploaded(earlier, options, len(image))
            except ServiceError as error:
                if error.code != SOURCE_NOT_FOUND:  # uploads are kept for an hour, answers for a day
                    raise
        return self._compress_uploaded(self._upload_once(content, image, earlier), options, len(image))

    def _upload_once(self, content: str, image: bytes, gone: str | None) -> str:
        """Return the upload of a content, one for all threads that send it; not the one that is ``gone``."""
        with self._uploading.setdefault(content, threading.Lock()):
            upload = self._uploads.get(content)
            if upload is None or upload == gone:
                upload = self._upload(image)
                self._uploads[content] = upload
            return upload

    def _upload(self, image: bytes) -> str:
        offer = self._json("POST", "/v1/uploads", json.dumps({"size": len(image)}).encode())
        try:
            url, fields, upload = str(offer["url"]), dict(offer["fields"]), str(offer["upload"])
        except (KeyError, TypeError, ValueError) as error:
            raise Unreachable("The service offered no upload form.") from error
        self._transport.post_form(url, fields, image)
        return upload

    def _compress_uploaded(self, upload: str, options: Options, sent_bytes: int) -> Result:
        same = _same(options, upload.encode())
        return self._compress_source({"upload": upload}, options, same, sent_bytes)

    def _compress_source(self, source: dict[str, str], options: Options, same: str, sent_bytes: int | None) -> Result:
        return self._compress(json.dumps({"source": source}).encode(), JSON, options, same, sent_bytes)

    def _compress(
        self, body: bytes, kind: dict[str, str], options: Options, same: str, sent_bytes: int | None
    ) -> Result:
        headers = {**kind, "Idempotency-Key": same}
        answer = self._transport.call("POST", "/v1/compress", options.query(), headers, body)
        return _result(answer, sent_bytes)

    def _json(self, method: str, path: str, body: bytes = b"") -> dict[str, Any]:
        answer = self._transport.call(method, path, {}, JSON if body else {}, body)
        try:
            told = json.loads(answer.body)
        except ValueError as error:
            raise Unreachable(NO_SERVICE) from error
        if not isinstance(told, dict):
            raise Unreachable(NO_SERVICE)
        return told


def _same(options: Options, sent: bytes) -> str:
    """Return the Idempotency-Key of what is sent: it alone tells whether two requests are the same."""
    return hashlib.sha256(json.dumps(options.query(), sort_keys=True).encode() + b"\n" + sent).hexdigest()


def _is_usage(told: dict[str, Any]) -> bool:
    """Tell whether an answer has all that is shown of a month."""
    try:
        numbers = [told["count"], told["bytes_in"], told["bytes_out"], told["limits"]["max_bytes"]]
        numbers += [told["free"][name] for name in ("used", "limit", "remaining")] + [told["credits"]["remaining"]]
        words = [told["month"], told["plan"]]
    except (KeyError, TypeError):
        return False
    return all(isinstance(number, int) for number in numbers) and all(isinstance(word, str) for word in words)


def _result(answer: Answer, sent_bytes: int | None) -> Result:
    """Return the result, only if it is whole, of what was sent, and the image that it says it is.

    ``sent_bytes`` is None where the service fetched the image itself. A proxy's page with the status 200 is no result:
    it must never take an original's place.
    """
    headers = answer.headers
    try:
        input_bytes, output_bytes = int(headers["X-Input-Size"]), int(headers["X-Output-Size"])
        width, height = int(headers["Image-Width"]), int(headers["Image-Height"])
        score = _score(headers["X-Quality-Score"]) if "X-Quality-Score" in headers else None
        left = int(headers["Compression-Count-Remaining"]) if "Compression-Count-Remaining" in headers else None
    except (KeyError, ValueError) as error:
        raise Unreachable(NO_SERVICE) from error
    if len(answer.body) != output_bytes or not output_bytes:
        raise Unreachable("The result came incomplete.")
    if sent_bytes is not None and input_bytes != sent_bytes:
        raise Unreachable("The result is not of the image that was sent.")
    media_type = headers.get("Content-Type", "")
    if not is_image(answer.body, format_of_type(media_type)):
        raise Unreachable("What came is no image of the type that it says.")
    return Result(answer.body, media_type, input_bytes, width, height, score, left)


def _score(text: str) -> float:
    score = float(text)
    if not math.isfinite(score):
        raise ValueError(text)
    return score
