"""A worker that obeys special payloads, and otherwise is the real one; its path is given to the pool as a command."""

import ctypes
import os
import sys
import time
import warnings

from minipic.domain.image import Compressed, ImageFormat, Options
from minipic_engine.worker import Compress, load_pipeline, run

ANSWERS = {
    b"environment": lambda: "\n".join(f"{k}={v}" for k, v in os.environ.items()),
    b"pid": lambda: str(os.getpid()),
}


def load() -> Compress:
    """Return the real compression behind the special payloads."""
    real = load_pipeline()

    def compress(data: bytes, options: Options) -> Compressed:
        if data == b"segfault":
            ctypes.string_at(0)
        if data == b"sleep":
            time.sleep(60)
        if data == b"bug":
            raise ZeroDivisionError("a bug")
        if data == b"memory":
            bytearray(8 * 1024**3)
        if data == b"noise":
            print("on stdout")
            os.write(1, b"raw on stdout")
            warnings.warn("a warning", stacklevel=1)
            return Compressed(b"quiet", ImageFormat.PNG, 1, 1)
        if data in ANSWERS:
            return Compressed(ANSWERS[data]().encode(), ImageFormat.PNG, 1, 1)
        return real(data, options)

    return compress


if __name__ == "__main__":
    if "--no-start" in sys.argv:
        sys.exit(3)
    run(load)
