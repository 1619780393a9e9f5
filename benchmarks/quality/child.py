"""One job a line of standard input, each in a fork of this process, which has the engine loaded and has done no work.

What a job has to do once in a process's life is done on a tiny picture first, as a server's child has done long ago.
"""

import io
import json
import os
import resource
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.quality import peers
from benchmarks.quality.metering import metered
from PIL import Image

from minipic.domain.image import Compressed, Options
from minipic.errors import MiniPicError
from minipic_engine import effort, pipeline

_KIBIBYTE = 1024
_TINY = (64, 48)


def main() -> None:
    """Answer each line by a line."""
    for line in sys.stdin:
        print(_in_a_fork(json.loads(line)), flush=True)


def _in_a_fork(job: dict[str, Any]) -> str:
    read_end, write_end = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            os.close(read_end)
            with os.fdopen(write_end, "w") as answer:
                answer.write(json.dumps(_done(job)))
        except BaseException:
            traceback.print_exc()
        finally:  # whatever happened, the loop is the parent's alone
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as answers:
        said = answers.read()
    os.waitpid(process, 0)
    return said or json.dumps({"died": True})


def _done(job: dict[str, Any]) -> dict[str, Any]:
    data, options = Path(job["source"]).read_bytes(), Options.from_json(job["options"])
    os.environ[effort.CARE_VARIABLE] = job["care"]
    with suppress(MiniPicError):
        _compressed(_tiny(data), options, job["target"])
    try:
        made, cpu_s = metered(lambda: _compressed(data, options, job["target"]))
    except MiniPicError as error:
        return {"error": str(error)}
    peak_bytes = _KIBIBYTE * max(
        resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    Path(job["out"]).write_bytes(made.data)
    yardstick = next((peer for peer in peers.at_hand() if peer.name == job["yardstick"]), None)
    return {
        "size_bytes": made.size_bytes, "cpu_s": cpu_s, "peak_bytes": peak_bytes, "trials": made.trials,
        "told_score": made.score, "reduced": made.reduced_effort,
        "yardstick_cpu_s": None if yardstick is None else _yardstick_cpu_s(yardstick, data),
    }  # fmt: skip


def _compressed(data: bytes, options: Options, target: float | None) -> Compressed:
    return pipeline.compress(data, options) if target is None else pipeline.compress_to(data, options, target)


def _yardstick_cpu_s(peer: peers.Peer, data: bytes) -> float | None:
    if not peer.is_here:
        return None
    with suppress(OSError):
        peer.encode(_tiny(data), peer.default)
    return peer.encode(data, peer.default)[1]


def _tiny(data: bytes) -> bytes:
    """Return a small picture in the format of ``data``."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        kind = image.format
    Image.linear_gradient("L").resize(_TINY).convert("P" if kind == "GIF" else "RGB").save(out, kind)
    return out.getvalue()


if __name__ == "__main__":
    main()
