"""However the command ends, no file is damaged."""

import io
import os
import random
import signal
import time

from PIL import Image

from tests.clients.command import PATIENCE_S, Command
from tests.clients.front import Front, result
from tests.pictures import photo_jpeg

KILLS = 8
FILES = 40


def _is_whole(data: bytes) -> bool:
    try:
        Image.open(io.BytesIO(data)).load()
    except OSError:
        return False
    return True


def test_kill_9_at_any_moment(front: Front, minipic: Command) -> None:
    """Killed again and again in the midst of its work, the command leaves every file whole: the old or the new one."""
    old, new = photo_jpeg(64, 48, quality=95), photo_jpeg(64, 48, quality=30)
    front.answers = [result(new, len(old))]
    minipic.variables["MINIPIC_URL"] = front.url
    chance = random.Random(7)
    reached = set()
    for _ in range(KILLS):
        for number in range(FILES):
            minipic.write(f"{number}.jpg", old)
        enough = len(front.asked) + chance.randrange(1, FILES - 1)
        process = minipic.start(".", "--in-place", "--no-cache", "--jobs", "8")
        while len(front.asked) < enough:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.01))
        process.kill()
        process.communicate(timeout=PATIENCE_S)
        contents = [(minipic.folder / f"{number}.jpg").read_bytes() for number in range(FILES)]
        assert set(contents) <= {old, new}
        reached.add(contents.count(new))
    assert max(reached) > 0
    assert _is_whole(new)


def test_what_a_killed_run_left_behind(front: Front, minipic: Command) -> None:
    """Half-written files of runs killed long ago are removed by the next run; those of now may be somebody's."""
    old = minipic.write(".minipic-0123456789abcdef.tmp", b"half")
    new = minipic.write(".minipic-fedcba9876543210.tmp", b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    minipic.write("a.jpg", photo_jpeg(48, 32))
    assert minipic.run(".", "--in-place").code == 0
    assert (old.exists(), new.exists()) == (False, True)


def test_sigterm(front: Front, minipic: Command) -> None:
    """SIGTERM ends the command between two files: exit code 143, and nothing half-written lies around."""
    data = photo_jpeg(48, 32)
    front.answers = [result(data[:-2], len(data))]
    minipic.variables["MINIPIC_URL"] = front.url
    for number in range(300):
        minipic.write(f"{number}.jpg", data)
    process = minipic.start(".", "--in-place", "--no-cache")
    while not front.asked:
        time.sleep(0.002)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 143
    assert not [name for name in minipic.files() if name.endswith(".tmp")]


def test_a_reader_that_goes_away(minipic: Command) -> None:
    """Whoever stops reading the table gets no traceback."""
    minipic.write("a.jpg", photo_jpeg(48, 32))
    with minipic.start("a.jpg", "--in-place") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
        assert process.wait(PATIENCE_S) == 0
