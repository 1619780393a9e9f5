"""Jobs: images that are compressed after their upload was answered, and what is known of them meanwhile.

A job is tried at most three times. Whatever ends a try without an answer (a crash, a lost machine) is made good by the
next one; what the image itself is to blame for ends the job at once. What could not be begun, because its key or the
service was too busy, was no try.
"""

import base64
import hmac
import json
import re
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from minipic.domain.image import ImageFormat
from minipic.domain.keys import Environment

MAX_TRIES = 3
LIFETIME_MS = 7 * 24 * 3600 * 1000  # how long a job can be asked for; its files live as long as any result
INPUT_FORMATS = (ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.GIF, ImageFormat.WEBP)
RANDOM_BYTES = 3
SECRET_BYTES = 20
MAX_ID = 2**53 - 1  # the largest whole number that every JSON reader keeps
_RANDOM_BITS = 23
_EPOCH_S = 1_767_225_600  # 2026-01-01: 30 bits of seconds from then on last until 2060
_TOKEN = re.compile(r"[a-z2-7]{44}")
_TOKEN_MAC_BYTES = 20
_NAME_MAX_CHARS = 100
MAX_URL_CHARS = 2_000  # of a webhook
_UNFIT = re.compile(r"[\x00-\x1f\x7f\"\\/:*?<>|\ud800-\udfff]+")
# Pauses between one call of a webhook and the next, in seconds; a queue's delay is at most 15 minutes.
HOOK_WAITS_S = (5, 30, 120, 600, 900, 900, 900)


class State(StrEnum):
    """What came of a job."""

    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class File(StrEnum):
    """The two files of a job."""

    ORIGINAL = "original"
    OPTIMIZED = "optimized"


@dataclass(frozen=True, slots=True)
class Hook:
    """Whom to call when a job has ended. ``tries`` counts calls that began; ``is_open`` until one was taken."""

    url: str
    secret: str
    tries: int = 0
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Job:
    """One image on its way. Times are Unix milliseconds, 0 where there is none yet; sizes are bytes.

    ``name`` is the file's name as it was sent; ``options`` are those of the compression, as JSON; ``original_id`` is
    what the upload is kept under and ``result_id`` the result, empty as long as there is none. ``secret`` makes the
    tokens that open the files. A failed job has the code and the text of its error.
    """

    id: int
    account_id: str
    key_id: str
    environment: Environment
    created_ms: int
    name: str
    format: ImageFormat
    options: str
    size_bytes: int
    estimated_bytes: int
    original_id: str
    secret: str
    base_url: str
    state: State = State.PROCESSING
    tries: int = 0
    started_ms: int = 0
    ended_ms: int = 0
    result_id: str = ""
    result_format: ImageFormat | None = None
    result_bytes: int = 0
    error: str = ""
    message: str = ""
    hook: Hook | None = None

    def named(self, job_id: int) -> "Job":
        """Return the job under an id."""
        return replace(self, id=job_id)

    def begun(self, now_ms: int) -> "Job":
        """Return the job as it is once another try has begun."""
        return replace(self, tries=self.tries + 1, started_ms=now_ms)

    def put_back(self) -> "Job":
        """Return the job as it is when a try that had begun was none."""
        return replace(self, tries=self.tries - 1)

    def completed(self, now_ms: int, result_id: str, result_format: ImageFormat, result_bytes: int) -> "Job":
        """Return the job with its result."""
        done = replace(self, result_id=result_id, result_format=result_format, result_bytes=result_bytes)
        return replace(done, state=State.COMPLETED, ended_ms=now_ms)

    def failed(self, now_ms: int, error: str, message: str) -> "Job":
        """Return the job that came to nothing."""
        return replace(self, state=State.FAILED, ended_ms=now_ms, error=error, message=message)

    def hook_called(self, *, is_open: bool) -> "Job":
        """Return the job after one more call of its webhook."""
        assert self.hook is not None
        return replace(self, hook=replace(self.hook, tries=self.hook.tries + 1, is_open=is_open))

    def file_name(self, file: File) -> str:
        """Return the name that a file is downloaded under: as it was sent, with the ending of what it is."""
        image_format = self.result_format if file is File.OPTIMIZED and self.result_format else self.format
        endings = {ImageFormat.JPEG: ("jpg", "jpeg", "jpe", "jfif")}.get(image_format, (image_format.value,))
        stem, dot, ending = self.name.rpartition(".")
        return self.name if dot and ending.lower() in endings else f"{stem or self.name}.{endings[0]}"

    def token(self, file: File) -> str:
        """Return what opens a file without a key: the job's id, and a code that only its secret makes."""
        mac = hmac.digest(self.secret.encode(), file.encode(), "sha256")[:_TOKEN_MAC_BYTES]
        return base64.b32encode(self.id.to_bytes(7) + mac).decode().rstrip("=").lower()

    def opens(self, file: File, token: str) -> bool:
        """Tell whether a token is this file's."""
        return hmac.compare_digest(self.token(file), token)

    def to_json(self) -> str:
        """Return the job as a line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))


def job_from_json(text: str) -> Job:
    """Return the job that ``Job.to_json`` wrote."""
    fields: dict[str, Any] = json.loads(text)
    fields["environment"] = Environment(fields["environment"])
    fields["format"] = ImageFormat(fields["format"])
    fields["state"] = State(fields["state"])
    if fields["result_format"] is not None:
        fields["result_format"] = ImageFormat(fields["result_format"])
    if fields["hook"] is not None:
        fields["hook"] = Hook(**fields["hook"])
    return Job(**fields)


def make_job_id(now_ms: int, entropy: bytes) -> int:
    """Return an id: its second and 23 random bits. It sorts by time, and does not tell the one before or after it."""
    second = max(0, now_ms // 1000 - _EPOCH_S)
    number = second << _RANDOM_BITS | int.from_bytes(entropy) % (1 << _RANDOM_BITS)
    if not 0 < number <= MAX_ID:
        raise ValueError(f"no job can have an id at {now_ms} ms")
    return number


def parse_job_id(text: str) -> int | None:
    """Return the id that a path holds, None for what is none."""
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,15}", text) and int(text) <= MAX_ID else None


def job_of_token(token: str) -> int | None:
    """Return the id of the job that a token would open a file of, None for what is no token."""
    if _TOKEN.fullmatch(token) is None:
        return None
    digits = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
    job_id: int = int.from_bytes(digits[:7])
    return job_id


def clean_name(name: str) -> str:
    """Return the last part of a file's name without what no file system or header takes; ``image`` for nothing."""
    last = re.split(r"[/\\]", name)[-1]
    return _UNFIT.sub("_", last).strip(". ")[-_NAME_MAX_CHARS:] or "image"


def percent_saved(input_bytes: int, output_bytes: int) -> float:
    """Return how much smaller the result is, in percent to 2 decimals; 0 where it is no smaller."""
    return max(0.0, round((1 - output_bytes / input_bytes) * 100, 2)) if input_bytes else 0.0
