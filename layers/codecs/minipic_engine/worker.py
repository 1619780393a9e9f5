"""The child's side: ``python -m minipic_engine.worker`` compresses what comes in by stdin until that is closed."""

import base64
import importlib
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from typing import BinaryIO

from minipic.domain.image import Compressed, ImageFormat, Options
from minipic.errors import MiniPicError

from .wire import BrokenFrameError, from_error, from_result, read_frame, to_options, write_frame

ADDRESS_SPACE_BYTES = 4 * 1024**3
"""Enough for the heaviest job within the limits (see the tests), and the end of a job that goes astray."""

LAST_RESORT_S = 60
"""The parent kills a child long before this; a child whose parent was killed in the middle of a job ends itself."""

_WARM_UP = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)
"""A grey PNG of one pixel."""

_WARMED_UP = (ImageFormat.PNG, ImageFormat.JPEG, ImageFormat.WEBP, ImageFormat.AVIF)
"""What is asked for often; the others load what they need when they are asked for first."""

Compress = Callable[[bytes, Options], Compressed]


def limit_resources(address_space_bytes: int = ADDRESS_SPACE_BYTES) -> None:
    """Bound this process's memory, and forbid core files, which would hold a customer's image."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    soft = address_space_bytes if hard == resource.RLIM_INFINITY else min(address_space_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def serve(requests: BinaryIO, replies: BinaryIO, compress: Compress) -> None:
    """Say that the child is ready, then answer each request until ``requests`` ends."""
    write_frame(replies, {"status": "ready"})
    while (frame := read_frame(requests)) is not None:
        signal.alarm(LAST_RESORT_S)
        fields, body = _answer(frame[0], frame[1], compress)
        signal.alarm(0)
        write_frame(replies, fields, body)


def _answer(fields: dict[str, object], data: bytes, compress: Compress) -> tuple[dict[str, object], bytes]:
    try:
        result = compress(data, to_options(fields))
    except MiniPicError as error:
        return from_error(error), b""
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # a Rust library's panic is no Exception
        return {"status": "fault", "traceback": traceback.format_exc()}, b""
    return from_result(result), result.data


def take_stdio() -> tuple[BinaryIO, BinaryIO]:
    """Return stdin and stdout for frames, and let whatever a library prints go to stderr instead."""
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, replies


def run(load: Callable[[], Compress]) -> None:
    """Be a child: take the pipes, set the limits, ``load`` the codecs, serve. Ends quietly when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, replies = take_stdio()
    limit_resources()
    try:
        with requests, replies:
            serve(requests, replies, load())
    except (BrokenPipeError, BrokenFrameError):
        os._exit(1)


def load_pipeline() -> Compress:
    """Import the codecs, under the limits that are set by then, and use the common ones: no job waits for them."""
    compress: Compress = importlib.import_module("minipic_engine.pipeline").compress
    for image_format in _WARMED_UP:
        compress(_WARM_UP, Options(formats=(image_format,)))
    return compress


if __name__ == "__main__":
    run(load_pipeline)
    sys.exit(0)
