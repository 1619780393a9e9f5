"""What may come out of the engine for any bytes, and the record of what did not."""

import hashlib
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from minipic.errors import BadRequest, DecodeError, ImageTooComplex, UnsupportedMediaType

TOLD = (BadRequest, DecodeError, ImageTooComplex, UnsupportedMediaType)
"""The contract's errors for an image; everything else is a fault of ours."""

SLOW_S = 5.0
"""Far above what an input of the sizes here takes. An endless one is the fuzzer's own time limit's."""

Judged = Callable[[bytes], None]


class Oracle:
    """Calls a target, and keeps one example of each kind of finding, so that a run goes on behind the first."""

    def __init__(self, target: Judged, folder: Path) -> None:
        self._target = target
        self._folder = folder
        self._known: set[str] = set()

    def __call__(self, data: bytes) -> None:
        """Feed ``data`` to the target; writes down what must not have happened."""
        started_s = time.process_time()
        try:
            self._target(data)
        except TOLD:
            pass
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a Rust library's panic is no Exception
            self._keep(_name_of(error), data, traceback.format_exc())
        if time.process_time() - started_s > SLOW_S:
            self._keep("slow", data, f"{time.process_time() - started_s:.1f} s of CPU\n")

    def _keep(self, name: str, data: bytes, details: str) -> None:
        if name in self._known:
            return
        self._known.add(name)
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
        path.write_bytes(data)
        path.with_suffix(".txt").write_text(details)


def _name_of(error: BaseException) -> str:
    """Return the error's class and the place in the engine that it came through last."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "minipic_engine" in frame.filename] or list(frames)
    return f"{type(error).__name__}-{Path(own[-1].filename).stem}-{own[-1].lineno}"
