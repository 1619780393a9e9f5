"""What the skill's script must not lose, and what must not stop it."""

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from tests.clients.command import Command, counted
from tests.clients.front import Front, Says, result
from tests.clients.test_skill import GRAPHIC, PHOTO, PROGRAM, SMALL, rows
from tests.e2e.equipped import Equipped
from tests.pictures import opened, photo_webp


@pytest.mark.parametrize("named", ["photo.png", "./photo.png"])
def test_overwrite_is_about_what_was_named(front: Front, minipic: Command, named: str) -> None:
    """A JPEG at an address never replaces photo.jpg where photo.png was named."""
    minipic.variables["MINIPIC_URL"] = front.url
    minipic.write("photo.jpg", b"somebody's")
    front.answers = [result(SMALL, len(PHOTO))]
    done = minipic.run("https://pictures.example/42", "--output", named, "--overwrite", program=PROGRAM)
    assert (done.code, minipic.files()) == (1, {"photo.jpg"})
    assert (minipic.folder / "photo.jpg").read_bytes() == b"somebody's"


@pytest.mark.parametrize("words", [["", "--in-place"], ["a.jpg", "--output", ""]])
def test_an_empty_path(minipic: Command, words: list[str]) -> None:
    """A path that is empty, as a variable that is not set makes it, does not stand for the working directory."""
    minipic.write("a.jpg", PHOTO)
    done = minipic.run(*words, program=PROGRAM)
    assert (done.code, "a path is empty" in done.text) == (2, True)
    assert (minipic.folder / "a.jpg").read_bytes() == PHOTO


def test_two_of_one_name_in_place(minipic: Command) -> None:
    """A PNG that becomes a WebP takes no place of a WebP that is in the same run, with --overwrite neither."""
    minipic.write("p/hero.png", GRAPHIC)
    minipic.write("p/hero.webp", photo_webp(96, 64))
    done = minipic.run("p", "--in-place", "--format", "webp", "--overwrite", program=PROGRAM)
    assert done.code == 0, done.text
    assert minipic.files() >= {"p/hero.webp", "p/hero.png.webp"}
    sizes = {name: opened((minipic.folder / "p" / name).read_bytes()).size for name in ("hero.webp", "hero.png.webp")}
    assert sizes == {"hero.webp": (96, 64), "hero.png.webp": opened(GRAPHIC).size}


def test_names_without_a_suffix_that_meet(minipic: Command) -> None:
    """Two files of one name without a suffix get a number."""
    for folder in "xyz":
        minipic.write(f"{folder}/pic", PHOTO)
    done = minipic.run("x/pic", "y/pic", "z/pic", "--output", "out", "--json", program=PROGRAM)
    targets = {Path(image["target"]).stem for image in json.loads(done.out)["images"]}
    assert targets == {"pic", "pic-2", "pic-2-2"}


def test_a_name_of_another_format(service: Equipped, key: str, minipic: Command) -> None:
    """`--output hero.webp` alone is no order to convert: a PNG in a file of that name helps nobody."""
    minipic.write("hero.png", GRAPHIC)
    done = minipic.run("hero.png", "--output", "hero.webp", program=PROGRAM)
    assert (done.code, "add --format webp" in done.text, counted(service, key)) == (2, True, 0)
    assert minipic.run("hero.png", "--output", "hero.webp", "--format", "webp", program=PROGRAM).code == 0
    opened(GRAPHIC).convert("RGB").save(minipic.folder / "scan.bmp")
    assert minipic.run("scan.bmp", "--output", "scan.png", program=PROGRAM).code == 0


def test_odd_arguments_fail_alone(minipic: Command) -> None:
    """What can be no address and no file name is named as failed; the rest goes on."""
    minipic.write("a.jpg", PHOTO)
    done = minipic.run("a.jpg", "http://[x", "n" * 300, "--output", "out", program=PROGRAM)
    assert (done.code, "Traceback" in done.text) == (1, False)
    assert (minipic.folder / "out/a.jpg").exists()
    assert set(rows(done)) >= {"a.jpg", "http://[x", "n" * 300}


@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv takes root's rights away")
@pytest.mark.parametrize("mode", [0, 0o444])
def test_folders_that_cannot_be_read(minipic: Command, mode: int) -> None:
    """A folder that does not open is named as failed; the rest goes on."""
    minipic.write("p/a.jpg", PHOTO)
    minipic.write("p/locked/b.jpg", PHOTO)
    (minipic.folder / "p/locked").chmod(mode)
    rights = "-dac_override,-dac_read_search"
    program = ["setpriv", "--bounding-set", rights, "--inh-caps", rights] if os.geteuid() == 0 else []
    listed = minipic.run("p", "--list", program=[*program, *PROGRAM])
    assert f"{1 if mode == 0 else 2} images would be sent" in listed.text
    done = minipic.run("p", program=[*program, *PROGRAM])
    (minipic.folder / "p/locked").chmod(0o755)
    assert (done.code, "p/locked" in done.text) == (1, True)
    assert (minipic.folder / "p-min/a.jpg").exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root gives files away")
def test_a_file_keeps_its_owner(minipic: Command) -> None:
    """Root, who makes somebody's file smaller, does not take it away from them."""
    path = minipic.write("a.jpg", PHOTO)
    path.chmod(0o640)
    os.chown(path, 54321, 33)
    assert minipic.run("a.jpg", "--in-place", program=PROGRAM).code == 0
    after = path.stat()
    assert (after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)) == (54321, 33, 0o640)
    assert after.st_size < len(PHOTO)


def test_an_odd_time_to_wait(front: Front, minipic: Command) -> None:
    """A Retry-After that is no number is not read as one."""
    minipic.variables["MINIPIC_URL"] = front.url
    minipic.write("a.jpg", PHOTO)
    front.answers = [Says(429, b'{"error":"TooManyRequests"}', {"Retry-After": "\u00b2"}), result(SMALL, len(PHOTO))]
    assert minipic.run("a.jpg", program=PROGRAM).code == 0
