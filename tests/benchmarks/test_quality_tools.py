"""The bench's hands: tools that the project's own environment has, the engine's child, and the search for a pair."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.quality import images, pairs, peers
from benchmarks.quality.cache import Cache
from benchmarks.quality.corpus import Pair, Source
from benchmarks.quality.judging import Judge
from benchmarks.quality.measuring import Measuring
from benchmarks.quality.ours import Engine
from benchmarks.quality.progress import Progress
from PIL import Image

from minipic.domain.image import ImageFormat, Preset
from tests.benchmarks import made_up
from tests.engine import engine_images


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Cache]:
    with Cache(tmp_path / "cache") as records:
        yield records


@pytest.fixture
def engine(records: Cache) -> Iterator[Engine]:
    with Engine(records) as engine:
        yield engine


@pytest.fixture
def photo(tmp_path: Path) -> Source:
    return made_up.source(tmp_path / "photo.png", engine_images.saved(engine_images.photo(), "PNG"))


def film() -> bytes:
    frames = [engine_images.photo(seed=seed).quantize(32) for seed in range(3)]
    return engine_images.saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        (peers.SHARP_JPEG, "JPEG"), ("Pillow (JPEG)", "JPEG"), (peers.SHARP_WEBP, "WEBP"),
        ("Pillow (WebP)", "WEBP"), (peers.SHARP_AVIF, "AVIF"), ("Pillow (AVIF)", "AVIF"),
        (peers.VIPS_PNG, "PNG"), (peers.OXIPNG, "PNG"), ("Pillow (PNG)", "PNG"),
        (peers.GIFSICLE, "GIF"), (peers.PILLOW_FILM, "WEBP"),
    ],
)  # fmt: skip
def test_a_tool_makes_its_format_at_every_setting(photo: Source, name: str, made: str) -> None:
    """Each result is read back at the same size, and took some CPU time."""
    (tool,) = [peer for peer in peers.at_hand() if peer.name == name]
    data = film() if tool.format.startswith("gif") else photo.data
    assert tool.is_here
    assert tool.default in tool.settings
    for setting in (tool.default, tool.settings[0], tool.settings[-1]):
        result, cpu_s = tool.encode(data, setting)
        assert cpu_s > 0
        with Image.open(io.BytesIO(result)) as image:
            assert (image.format, image.size) == (made, (160, 120))


def test_the_engine_is_run_in_a_process_of_its_own_once(records: Cache, engine: Engine, photo: Source) -> None:
    """CPU, memory and the yardstick beside it are told; a second time nothing is run."""
    asked = (photo, ImageFormat.JPEG, Preset.SMART, None, peers.SHARP_JPEG)
    assert not engine.is_known(*asked)
    made = engine.compress(*asked)
    assert made is not None
    assert made.size_bytes == len(records.file(made.file))
    assert made.cpu_s > 0
    assert made.peak_bytes > 10_000_000
    assert made.yardstick_cpu_s
    assert Engine(records).is_known(*asked)
    assert Engine(records).compress(*asked) == made


def test_what_the_engine_refuses_is_no_result(engine: Engine, tmp_path: Path) -> None:
    """A transparent picture has no JPEG; a broken one nothing."""
    transparent = engine_images.saved(engine_images.transparent(), "PNG")
    for name, data in (("alpha.png", transparent), ("broken.png", transparent[:300])):
        source = made_up.source(tmp_path / name, data)
        assert engine.compress(source, ImageFormat.JPEG, Preset.SMART) is None


def test_a_pair_is_matched_at_their_score(records: Cache, engine: Engine, tmp_path: Path) -> None:
    """Ours is the smallest try that reaches what theirs has; `smart` is told beside."""
    before = engine_images.saved(engine_images.photo(), "JPEG", quality=97)
    with Image.open(io.BytesIO(before)) as image:
        after = engine_images.saved(image, "JPEG", quality=60)
    pair = Pair("jpeg", made_up.source(tmp_path / "b.jpg", before), made_up.source(tmp_path / "a.jpg", after))
    judge = Judge(records, has_butteraugli=False)
    match = pairs.Matching(records, engine, judge).matched(pair)
    assert match is not None
    assert match.blind is not None
    assert match.aimed is not None
    assert match.aimed.score >= match.their_score - 0.01
    assert match.aimed.score == judge.score(before, pair.before.sha256, match.aimed.made.file)


def test_a_pair_of_palettes_is_matched_with_more_care_as_well(records: Cache, engine: Engine, tmp_path: Path) -> None:
    """The result for which an operator spends more CPU is remembered apart from the usual one."""
    drawn = engine_images.logo(400, 120)
    before, after = (engine_images.saved(image, "PNG") for image in (drawn, drawn.quantize(60)))
    pair = Pair("png", made_up.source(tmp_path / "b.png", before), made_up.source(tmp_path / "a.png", after))
    match = pairs.Matching(records, engine, Judge(records, has_butteraugli=False)).matched(pair)
    assert match is not None
    for point in (match.aimed, match.careful):
        assert point is not None
        assert point.score >= match.their_score - 0.01
    usual, careful = (
        engine.compress(pair.before, ImageFormat.PNG, Preset.SMART, 90.0, is_careful=care) for care in (False, True)
    )
    assert usual is not None
    assert careful is not None
    assert usual.file != careful.file


@pytest.mark.parametrize("after", [engine_images.graphic(), engine_images.photo(80, 60)])
def test_a_pair_of_two_pictures_is_left_out(records: Cache, engine: Engine, tmp_path: Path, after: Image.Image) -> None:
    """Another picture, or another size."""
    files = [engine_images.saved(image, "PNG") for image in (engine_images.photo(), after)]
    before, other = (made_up.source(tmp_path / f"{index}.png", data) for index, data in enumerate(files))
    matching = pairs.Matching(records, engine, Judge(records, has_butteraugli=False))
    assert matching.matched(Pair("png", before, other)) is None


def test_a_tool_that_fails_on_a_picture_leaves_a_gap(records: Cache, engine: Engine, tmp_path: Path) -> None:
    """A setting that fails is remembered, and is missing from the ladder."""

    def encode(data: bytes, setting: str) -> tuple[bytes, float]:
        if setting == "60":
            raise OSError("no")
        return data, 0.1

    tool = peers.Peer("tool", "jpeg", ("60", "80"), "80", "1.0", encode)
    source = made_up.source(tmp_path / "a.png", engine_images.saved(engine_images.photo(), "PNG"))
    judge = Judge(records, has_butteraugli=False)
    measuring = Measuring(records, engine, judge, {"none"})
    for _ in range(2):
        seen = measuring.observed("jpeg", source, [tool], Progress(2))
        assert [(rung.setting, rung.score) for rung in seen.ladders["tool"]] == [("80", 100)]
        assert not seen.points


def test_all_aims_of_a_kind_are_measured(records: Cache, engine: Engine, photo: Source) -> None:
    """Presets, numbers and free scores; an aim that is like a tool's needs that tool."""
    judge = Judge(records, has_butteraugli=False)
    seen = Measuring(records, engine, judge, set()).observed("webp", photo, [], Progress(10))
    assert set(seen.points) == {"extreme", "smart", "high", "73", "85"}
    assert all(point.score <= 100 for point in seen.points.values())


def test_frames_are_read_as_they_are_shown() -> None:
    """Every frame has the whole picture's size, and its time."""
    frames, durations_ms = images.frames_of(film())
    assert [frame.shape for frame in frames] == [(120, 160, 4)] * 3
    assert durations_ms == [100] * 3


def test_a_timeline_joins_frames_that_look_the_same() -> None:
    """Of films, what is seen counts, and for how long."""
    first, second = (engine_images.photo(seed=seed).quantize(32) for seed in (1, 2))

    def made(frames: list[Image.Image], durations_ms: list[int]) -> list[tuple[str, int]]:
        out = engine_images.saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=durations_ms,
                                  lossless=True)  # fmt: skip
        return images.timeline(out)

    assert made([first, first, second], [100, 50, 70]) == made([first, second], [150, 70])
    assert made([first, second], [150, 70]) != made([first, second], [140, 80])


def test_progress_is_told_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """The last step is always told."""
    progress = Progress(2)
    progress.step("first", was_known=True)
    progress.step("second")
    said = capsys.readouterr()
    assert "2 of 2" in said.err
    assert "second" in said.err
    assert not said.out
