"""The ports of what is stored as bytes: results, the uploads they were made from, and uploads on their way in."""

from dataclasses import dataclass
from typing import Protocol

from minipic.domain.image import ImageFormat


@dataclass(frozen=True, slots=True)
class ResultFacts:
    """What is known of a result without its bytes.

    ``link_hash`` is the SHA-256 of its link token, or empty. ``original_id`` names the upload that it was made from and
    ``options`` (JSON) how, so that operations start from there; both are empty where no original is kept. The last
    four are what the first answer said of the work, for a repeat of the request.
    """

    account_id: str
    format: ImageFormat
    width: int
    height: int
    link_hash: str = ""
    original_id: str = ""
    options: str = ""
    bytes_in: int = 0
    input_type: str = ""
    reduced_effort: bool = False
    score: float | None = None


@dataclass(frozen=True, slots=True)
class UploadForm:
    """Where and with which fields a client posts a file, as multipart/form-data with the file as last part."""

    url: str
    fields: dict[str, str]


class Uploads(Protocol):
    """Files on their way in that are too large for one request."""

    def offer(self, upload_id: str, account_id: str, size_bytes: int, expires_in_s: int, base_url: str) -> UploadForm:
        """Return a form for exactly this id and at most ``size_bytes``; ``base_url`` is this service's own address."""

    def take(self, upload_id: str, account_id: str, max_bytes: int) -> bytes | None:
        """Return what the account uploaded under this id, or None: not met, another account's, or above the limit."""


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A result. ``data`` is None where the bytes were not asked for, or are more than was asked for."""

    facts: ResultFacts
    size_bytes: int
    data: bytes | None


class Results(Protocol):
    """Results by id. What ``put`` returned from is durable."""

    def put(self, result_id: str, facts: ResultFacts, data: bytes) -> None:
        """Store a result."""

    def get(self, result_id: str, max_bytes: int | None = None) -> StoredResult | None:
        """Return a result, without its bytes if they are more than ``max_bytes``; None when it is not there."""

    def delete(self, result_id: str) -> None:
        """Forget a result; one that is gone already is no error."""

    def put_original(self, original_id: str, data: bytes) -> None:
        """Store an upload, for operations on what was made of it."""

    def get_original(self, original_id: str) -> bytes | None:
        """Return an upload, or None when it is not there (any more)."""

    def delete_original(self, original_id: str) -> None:
        """Forget an upload; one that is gone already is no error."""

    def presign(self, result_id: str, expires_in_s: int, disposition: str = "") -> str | None:
        """Return a link straight to the stored bytes, or None where only this service hands them out.

        They come with ``disposition`` as their Content-Disposition.
        """

    def presign_original(self, original_id: str, media_type: str, expires_in_s: int, disposition: str) -> str | None:
        """Return a link straight to an upload, which comes as this type; None as for ``presign``."""

    def ping(self) -> None:
        """Return when the store answers; any exception when it does not."""
