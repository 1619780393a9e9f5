"""Files from the wild and from fuzzers, where the corpus is at hand: a result that is not larger, or a told error."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from minipic.domain.image import Options, Preset
from minipic.errors import BadRequest, DecodeError, ImageTooComplex, UnsupportedMediaType
from minipic_engine import EnginePool, sniff

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
TOLD = (BadRequest, UnsupportedMediaType, DecodeError, ImageTooComplex)
SUFFIXES = {".png", ".apng", ".jpg", ".jpeg", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".avif", ".avifs", ".heic", ""}
MAX_HOSTILE_BYTES = 2 * 1024 * 1024
MAX_BYTES = 400_000
A_FOLDER = 3


def chosen() -> list[Path]:
    """All small hostile files, and the first few of each other folder."""
    if not CORPUS.is_dir():
        return []
    hostile = [path for path in sorted(CORPUS.glob("hostile/*/*")) if path.stat().st_size <= MAX_HOSTILE_BYTES]
    others: list[Path] = []
    for folder in sorted({path.parent for path in CORPUS.glob("*/**/*") if path.is_file()}):
        if "hostile" not in folder.parts:
            files = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES]
            others += [path for path in files if path.stat().st_size <= MAX_BYTES][:A_FOLDER]
    return hostile + others


@pytest.fixture(scope="module")
def pool() -> Iterator[EnginePool]:
    """One child of the product."""
    made = EnginePool(1)
    made.start()
    yield made
    made.close()


@pytest.mark.parametrize("path", chosen(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_file(pool: EnginePool, path: Path) -> None:
    """Ends in time in a result that is not larger, or in an error that tells the client, and never kills the child."""
    data = path.read_bytes()
    pids = {child.process.pid for child in pool._children}
    started_s = time.monotonic()
    for quality in (Preset.SMART, Preset.LOSSLESS):
        try:
            result = pool.compress(data, Options(quality=quality))
        except TOLD:
            continue
        assert len(result.data) <= len(data) or result.format is not sniff(data)
        assert result.width > 0
        assert result.height > 0
    assert time.monotonic() - started_s < 20
    assert {child.process.pid for child in pool._children} == pids
