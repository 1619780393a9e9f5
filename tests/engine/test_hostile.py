"""Hostile files through the real pool: each ends in a result or a told error, and the next request is served."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from minipic.domain.image import ImageFormat, Options, Preserve
from minipic.errors import BadRequest, DecodeError, ImageTooComplex, MiniPicError, UnsupportedMediaType
from minipic_engine import EnginePool
from tests.engine.engine_images import graphic, saved
from tests.engine.hostile_files import HOSTILE, cut, flipped, ordinary

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "hostile"
TOLD = (BadRequest, UnsupportedMediaType, DecodeError, ImageTooComplex)
MEMORY_BYTES = 2_600_000_000
GROWTH_BYTES = 64 * 1024 * 1024
EVERYTHING = Options(preserve=frozenset(Preserve), fingerprint=True)
AS_WEBP = Options(quality=60, formats=(ImageFormat.WEBP,), background=(255, 255, 255))
NEXT = saved(graphic(20, 16), "PNG")


def memory_of(pid: int, name: str) -> int:
    """Return a figure of a process's memory, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


@pytest.fixture(scope="module")
def pool() -> Iterator[EnginePool]:
    """One child of the product."""
    made = EnginePool(1)
    made.start()
    yield made
    made.close()


def sent(pool: EnginePool, data: bytes, options: Options = EVERYTHING) -> MiniPicError | None:
    """Send a file, then an ordinary one, which must be served by the same child; return the first one's error."""
    (child,) = pool._children
    error = None
    try:
        pool.compress(data, options)
    except TOLD as told:
        error = told
    assert pool._children == {child}, "the file brought its child down"
    assert pool.compress(NEXT, Options()).width == 20
    assert memory_of(child.process.pid, "VmHWM") < MEMORY_BYTES
    return error


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE.keys())
def test_made_to_harm(pool: EnginePool, make: Callable[[], bytes]) -> None:
    """Whatever a file claims, repeats, nests or points at: told in time, in little memory, by a child that lives on."""
    data = make()
    sent(pool, data)
    sent(pool, data, AS_WEBP)


@pytest.mark.parametrize("kind", ordinary().keys())
def test_damaged(pool: EnginePool, kind: str) -> None:
    """A file of any format that is cut off anywhere, or has some wrong bits, is worked on or refused."""
    data = ordinary()[kind]
    outcomes = [sent(pool, damaged) for damaged in [*cut(data), *flipped(data)]]
    assert any(isinstance(error, DecodeError) for error in outcomes)


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not at hand")
def test_corpus(pool: EnginePool) -> None:
    """Every hostile file from the wild is worked on or refused."""
    paths = [path for path in sorted(CORPUS.rglob("*")) if path.is_file()]
    assert paths
    for path in paths:
        sent(pool, path.read_bytes())


def test_parent_does_not_grow(pool: EnginePool) -> None:
    """The process that hands hostile files to its children keeps none of their memory."""
    sound = ordinary()
    files = [data for kind in ("png", "tiff-lzw", "heic", "gif-film") for data in cut(sound[kind])]

    def all_sent() -> int:
        for data in files:
            sent(pool, data)
        return memory_of(os.getpid(), "VmRSS")

    before = all_sent()
    assert all_sent() - before < GROWTH_BYTES
