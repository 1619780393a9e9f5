"""The mix of images that costs are told for, made of the corpus beside the project, and what it takes of a core."""

import io
import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image
from tests.e2e.processes import children

from minipic.domain.image import Options
from minipic_engine import EnginePool

ROOT = Path(__file__).parents[2]
CORPUS = ROOT.parent / "shared" / "corpus"
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Kind:
    """A part of the mix: its share in percent, files of the corpus, and how each becomes what a client sends."""

    name: str
    percent: int
    files: tuple[str, ...]
    made: Callable[[Path], bytes]


def _as_it_is(path: Path) -> bytes:
    return path.read_bytes()


def _saved(format_name: str, megapixels: float, **options: Any) -> Callable[[Path], bytes]:  # noqa: ANN401 - Pillow's
    def make(path: Path) -> bytes:
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
        scale = min(1.0, (megapixels * 1e6 / (picture.width * picture.height)) ** 0.5)
        picture = picture.resize((round(picture.width * scale), round(picture.height * scale)))
        output = io.BytesIO()
        picture.save(output, format_name, **options)
        return output.getvalue()

    return make


_SMALL = tuple(f"photos/kodak/{number}.png" for number in (1, 4, 7, 10))
_LARGE = ("photos/big_jpeg/Martin_Adams.jpg", "photos/big_jpeg/Tj_Holowaychuk.jpg")
KINDS = (
    Kind("photo, JPEG, 0.4 MP", 30, _SMALL, _saved("JPEG", 0.4, quality=92)),
    Kind("photo, JPEG, 2 MP", 25, _LARGE, _saved("JPEG", 2, quality=92)),
    Kind("photo, JPEG, 10 to 12 MP", 10, _LARGE, _saved("JPEG", 12, quality=92)),
    Kind("graphic, PNG", 12, (), _as_it_is),
    Kind("screenshot, PNG", 8, (), _as_it_is),
    Kind("photo, PNG, 0.4 MP", 3, _SMALL, _saved("PNG", 0.4)),
    Kind("photo, WebP, 1 MP", 8, _LARGE, _saved("WEBP", 1, quality=90)),
    Kind("photo, AVIF, 1 MP", 2, _LARGE, _saved("AVIF", 1, quality=85)),
    Kind("animation, GIF", 2, (), _as_it_is),
)
_FOLDERS = {
    "graphic, PNG": ("graphics/logos", "graphics/diagrams", "graphics/illustrations"),
    "screenshot, PNG": ("graphics/ui_screens",),
    "animation, GIF": ("animated/gif_screen", "animated/gif_sharp"),
}
_MOST_OF_A_FOLDER = 4


def files_of(kind: Kind) -> Iterator[Path]:
    """Yield a kind's files: those that it names, or the first of its folders by name."""
    yield from (CORPUS / name for name in kind.files)
    suffix = f".{kind.name.rpartition(' ')[2].lower()}"
    for folder in _FOLDERS.get(kind.name, ()):
        files = sorted((CORPUS / folder).iterdir())
        yield from [file for file in files if file.suffix == suffix][:_MOST_OF_A_FOLDER]


def cpu_s_of(pid: int) -> float:
    """Return the seconds that a process and its ended children have worked."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / TICKS_A_SECOND


def measure() -> dict[str, Any]:
    """Return what each kind takes at ``smart``, on this machine, one picture at a time."""
    pool = EnginePool(1)
    pool.start()
    try:
        (child,) = children(os.getpid())
        rows = [_measured(pool, child, kind) for kind in KINDS]
    finally:
        pool.close()
    return {
        "measured_on": datetime.now(tz=UTC).date().isoformat(),
        "machine": f"one core of {_processor()}, Python {platform.python_version()}",
        "how": "CPU time of the engine's child, smart, the input's own format, one picture at a time",
        "kinds": rows,
    }


def _measured(pool: EnginePool, child: int, kind: Kind) -> dict[str, Any]:
    pictures = [kind.made(file) for file in files_of(kind)]
    before_s, bytes_out = cpu_s_of(child), 0
    for picture in pictures:
        bytes_out += len(pool.compress(picture, Options()).data)
    return {
        "name": kind.name,
        "percent": kind.percent,
        "pictures": len(pictures),
        "cpu_s": round((cpu_s_of(child) - before_s) / len(pictures), 3),
        "bytes_in": round(sum(map(len, pictures)) / len(pictures)),
        "bytes_out": round(bytes_out / len(pictures)),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
