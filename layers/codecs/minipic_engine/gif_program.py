"""gifsicle, run as a program of its own: its licence (GPL) forbids more, and a crash of it is no crash of ours.

Bytes go in and out through pipes; it writes no file.
"""

import resource
import subprocess
import sysconfig
from functools import cache
from pathlib import Path

from . import effort

_NAME = "gifsicle"
_TIME_SHARE = 0.5
_ARGUMENTS = ("--no-comments", "--no-names", "--no-extensions", "--no-app-extensions", "--no-warnings")


@cache
def path() -> str:
    """Return where the program is: beside this interpreter, or in the layer's own ``bin``."""
    places = (Path(sysconfig.get_path("scripts")), Path(__file__).parents[1] / "bin")
    found = next((place / _NAME for place in places if (place / _NAME).is_file()), None)
    if found is None:
        raise FileNotFoundError(f"{_NAME} is in none of {', '.join(map(str, places))}")
    return str(found)


def optimised(data: bytes, *how: str) -> bytes | None:
    """Return ``data``, a GIF without metadata, packed as ``how`` says; None where it is damaged or takes too long."""
    limit_s = max(1, effort.left_s() * _TIME_SHARE)
    with subprocess.Popen(
        [path(), *_ARGUMENTS, *how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}
    ) as process:
        # Whoever kills this process leaves the program behind, which must end by itself.
        resource.prlimit(process.pid, resource.RLIMIT_CPU, (int(limit_s) + 1, int(limit_s) + 1))
        try:
            made, _ = process.communicate(data, timeout=limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            effort.lowered()
            return None
    return made if made and not process.returncode else None
