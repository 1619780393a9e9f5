"""How the pool and its children talk: frames of a JSON header and a raw body, each with its length in front."""

import json
import struct
from typing import Any, BinaryIO

from minipic.domain.image import Compressed, ImageFormat, Options
from minipic.errors import BY_CODE, MiniPicError

_LENGTHS = struct.Struct(">IQ")
_MAX_HEADER_BYTES = 1024 * 1024
_MAX_BODY_BYTES = 4 * 1024 * 1024 * 1024

Fields = dict[str, Any]


class BrokenFrameError(Exception):
    """The other side closed the pipe inside a frame, or wrote something else than frames."""


def write_frame(stream: BinaryIO, fields: Fields, body: bytes = b"") -> None:
    """Write one frame and flush it; raises OSError when the other side is gone."""
    header = json.dumps(fields).encode()
    stream.write(_LENGTHS.pack(len(header), len(body)) + header)
    stream.write(body)
    stream.flush()


def read_frame(stream: BinaryIO) -> tuple[Fields, bytes] | None:
    """Return the next frame's fields and body, or None at the end of the stream; raises BrokenFrameError."""
    lengths = stream.read(_LENGTHS.size)
    if not lengths:
        return None
    if len(lengths) < _LENGTHS.size:
        raise BrokenFrameError
    header_bytes, body_bytes = _LENGTHS.unpack(lengths)
    if header_bytes > _MAX_HEADER_BYTES or body_bytes > _MAX_BODY_BYTES:
        raise BrokenFrameError
    header, body = stream.read(header_bytes), stream.read(body_bytes)
    if len(header) < header_bytes or len(body) < body_bytes:
        raise BrokenFrameError
    fields: Fields = json.loads(header)
    return fields, body


def from_options(options: Options) -> Fields:
    """Return ``options`` as JSON fields."""
    return {"options": options.to_json()}


def to_options(fields: Fields) -> Options:
    """Return the options that ``from_options`` wrote."""
    return Options.from_json(fields["options"])


def from_result(result: Compressed) -> Fields:
    """Return all of ``result`` but its bytes, which are the frame's body."""
    return {
        "status": "ok", "format": result.format, "width": result.width, "height": result.height,
        "reduced_effort": result.reduced_effort, "fingerprint": result.fingerprint, "score": result.score,
        "trials": result.trials,
    }  # fmt: skip


def to_result(fields: Fields, body: bytes) -> Compressed:
    """Return the result that ``from_result`` wrote."""
    return Compressed(
        body, ImageFormat(fields["format"]), fields["width"], fields["height"],
        reduced_effort=fields["reduced_effort"], fingerprint=fields["fingerprint"], score=fields["score"],
        trials=fields["trials"],
    )  # fmt: skip


def from_error(error: MiniPicError) -> Fields:
    """Return ``error`` as JSON fields."""
    return {
        "status": "error", "code": error.code, "message": error.message,
        "retry_after_s": error.retry_after_s, "extra": error.extra,
    }  # fmt: skip


def to_error(fields: Fields) -> MiniPicError:
    """Return the error that ``from_error`` wrote, in its own class."""
    return BY_CODE[fields["code"]](fields["message"], retry_after_s=fields["retry_after_s"], **fields["extra"])
