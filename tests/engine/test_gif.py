"""GIF: loops, disposal, and the program that packs it."""

import numpy as np
import pytest
from PIL import Image

from minipic.domain.image import ImageFormat, Options, Preset
from minipic_engine import effort, gif_blocks, gif_frames, gif_program
from minipic_engine.pipeline import compress
from minipic_engine.timeline import Timeline
from tests.engine.engine_images import animation, saved
from tests.engine.viewer import distance, view

FILM = animation("GIF")


def test_timelines() -> None:
    """Ticks of a hundredth drift by no more than half of one; what is too short to be kept is shown as browsers do."""
    assert Timeline((33, 33, 34, 33)).in_ticks().durations == (30, 40, 30, 30)
    assert Timeline((0, 10, 20)).as_shown().durations == (100, 100, 20)
    assert Timeline((4, 4)).in_ticks().durations == (20, 20)


def test_gif_loops_are_repeats() -> None:
    """GIF counts repeats, the others how often it is shown: 2 repeats are 3 times; nothing said is once."""
    film = FILM
    assert gif_blocks.read_timeline(film)[1] == 4
    assert view(compress(film, Options(formats=(ImageFormat.WEBP,))).data).plays == 4
    bare = film.replace(b"!\xff\x0bNETSCAPE2.0\3\1\3\0\0", b"")
    for target in (ImageFormat.GIF, ImageFormat.WEBP, ImageFormat.AVIF, ImageFormat.PNG):
        assert view(compress(bare, Options(formats=(target,))).data).plays == 1


@pytest.mark.parametrize("disposal", [1, 2, 3])
def test_disposal(disposal: int) -> None:
    """A frame that goes away leaves itself, nothing, or what was there before, as it asks: as Pillow shows it, too."""
    stills = [Image.new("RGBA", (24, 24), (0, 0, 0, 0)) for _ in range(4)]
    for index, still in enumerate(stills):
        still.paste((60 * index, 200, 40, 255), (4 * index, 3 * index, 4 * index + 9, 3 * index + 9))
    data = saved(stills[0], "GIF", save_all=True, append_images=stills[1:], duration=100, disposal=disposal)
    for ours, theirs in zip(gif_frames.frames(data, gif_blocks.read_header(data)), view(data).frames, strict=True):
        assert distance(np.asarray(ours), theirs) == 0


def test_gifsicle_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where gifsicle gives up or takes too long, the rebuilt file stands if its frames can be read."""
    assert gif_program.optimised(b"GIF89a", "-O3") is None
    monkeypatch.setattr(gif_program, "optimised", lambda *_: None)
    for quality in (Preset.SMART, 30):
        result = compress(FILM, Options(quality=quality)).data
        assert [len(frame) for frame in view(result).frames] == [48] * 4


def test_slow_gifsicle_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """A program that does not end in its time is killed, and the result says that less was done."""
    monkeypatch.setattr(gif_program, "path", lambda: "/bin/sleep")
    monkeypatch.setattr(gif_program, "_ARGUMENTS", ())
    monkeypatch.setattr(effort, "left_s", lambda: 1.0)
    with effort.budget():
        assert gif_program.optimised(b"", "30") is None
        assert effort.was_reduced()


def test_gifsicle_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without gifsicle says where it was looked for."""
    monkeypatch.setattr(gif_program, "_NAME", "no-such-program")
    with pytest.raises(FileNotFoundError, match="no-such-program is in none of"):
        gif_program.path.__wrapped__()
