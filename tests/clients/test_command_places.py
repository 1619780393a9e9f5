"""What the command must not lose: other files, standard input, counts, and the word about what went wrong."""

import os
import shutil
import time
from pathlib import Path

import pytest

from minipic_client.command import cache, writing
from tests.clients.command import COMMAND, PATIENCE_S, Command, Done, counted, statuses
from tests.clients.front import Front, Says, result
from tests.e2e.equipped import Equipped
from tests.pictures import graphic_png, padded_png, photo_jpeg, tiny_png

PHOTO = photo_jpeg(96, 64)
GRAPHIC = graphic_png(96, 64)
SMALL = b"\xff\xd8\xffsmaller"


def test_standard_input_comes_through(minipic: Command) -> None:
    """Where nothing is gained, the bytes of standard input go where the result would have gone, under a true name."""
    smallest = minipic.run("-", stdin=tiny_png()).out
    while (again := minipic.run("-", "--no-cache", stdin=smallest).out) != smallest:
        assert 0 < len(again) < len(smallest)
        smallest = again
    options = ["--min-savings", "99"]
    for _ in ("asked", "known"):
        assert minipic.run("-", *options, stdin=PHOTO).out == PHOTO
    for place, name in (("named.png", "named.jpg"), ("out/", "out/image.jpg"), ("bare", "bare.jpg")):
        assert minipic.run("-", *options, "--output", place, stdin=PHOTO).code == 0
        assert (minipic.folder / name).read_bytes() == PHOTO
    assert minipic.files() == {"named.jpg", "out/image.jpg", "bare.jpg"}


def test_overwrite_is_about_what_was_named(service: Equipped, key: str, minipic: Command) -> None:
    """`--output photo.png --overwrite` never replaces photo.jpg, though a JPEG's result would be called so."""
    minipic.write("photo.jpg", PHOTO)
    for source in ("photo.jpg", service.hosted("/photo.jpg")):
        answer = minipic.run_json(source, "--output", "photo.png", "--overwrite")
        assert answer["files"][0]["note"].endswith("--output names another"), answer
    assert counted(service, key) == 1  # what lies at an address is known only when it came
    assert minipic.files() == {"photo.jpg"}
    assert (minipic.folder / "photo.jpg").read_bytes() == PHOTO


def test_a_true_name_that_is_there_costs_nothing(service: Equipped, key: str, minipic: Command) -> None:
    """A second run knows the first one's result by its true suffix; what a stranger's file keeps out costs nothing."""
    minipic.write("x.bmp", PHOTO)  # a JPEG
    for options in (["--output", "out/"], ["--output", "small"]):
        assert minipic.run("x.bmp", *options).code == 0
        assert statuses(minipic.run_json("x.bmp", *options)) == {"x.bmp": "known"}
    minipic.write("theirs/x.jpg", b"somebody's")
    answer = minipic.run_json("x.bmp", "--output", "theirs/", "--quality", "50")
    assert answer["files"][0]["note"] == "exists already; --overwrite replaces it"
    assert counted(service, key) == 1


def test_an_image_of_the_same_run_is_in_nobodys_way(minipic: Command) -> None:
    """A JPEG that is called a.bmp finds another name beside a.jpg, whichever comes first."""
    for place, folder in ((["--output", "out/"], "out/"), (["--in-place"], "")):
        minipic.write("a.jpg", PHOTO)
        minipic.write("a.bmp", photo_jpeg(96, 64, seed=1))
        answer = minipic.run_json("a.jpg", "a.bmp", *place, "--jobs", "1", "--no-cache")
        assert [file["output"] for file in answer["files"]] == [f"{folder}a.jpg", f"{folder}a.bmp.jpg"]


def test_a_heic_that_stays_is_named_as_no_jpeg(front: Front, minipic: Command) -> None:
    """What is only read, and gains nothing, gets no suffix from standard input rather than a false one."""
    minipic.variables["MINIPIC_URL"] = front.url
    heic = b"\0\0\0\x18ftypheic"
    front.answers = [result(SMALL + bytes(100), len(heic))]
    assert minipic.run("-", "--output", "photo.jpg", stdin=heic).code == 0
    assert minipic.files() == {"photo"}
    assert (minipic.folder / "photo").read_bytes() == heic


def test_a_changed_file_is_not_its_own_output(front: Front, minipic: Command) -> None:
    """`a.jpg --output a.jpg --overwrite` leaves a file that somebody changes meanwhile."""
    minipic.variables["MINIPIC_URL"] = front.url
    minipic.write("a.jpg", PHOTO)
    front.answers = [Says(429, b'{"error":"TooManyRequests"}', {"Retry-After": "1"}), result(SMALL, len(PHOTO))]
    process = minipic.start("a.jpg", "--output", "a.jpg", "--overwrite")
    while not front.asked:
        time.sleep(0.01)
    minipic.write("a.jpg", b"somebody's new picture")
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 3
    assert (minipic.folder / "a.jpg").read_bytes() == b"somebody's new picture"


@pytest.mark.parametrize("words", [["", "--in-place"], ["a.jpg", "", "--in-place"], ["a.jpg", "--output", ""]])
def test_an_empty_path(minipic: Command, words: list[str]) -> None:
    """A path that is empty, as a variable that is not set makes it, does not stand for the working directory."""
    minipic.write("a.jpg", PHOTO)
    done = minipic.run(*words)
    assert (done.code, "a path is empty" in done.text) == (2, True)
    assert (minipic.folder / "a.jpg").read_bytes() == PHOTO


def test_ways_to_one_file(minipic: Command) -> None:
    """Results that would meet keep apart, however their folder is spelled: by a link, or from the root."""
    for other in ("link", str(minipic.folder / "real")):
        minipic.write("real/a.png", GRAPHIC)
        minipic.write("real/a.jpg", PHOTO)
        (minipic.folder / "link").unlink(missing_ok=True)
        (minipic.folder / "link").symlink_to("real")
        options = ["--in-place", "--format", "webp", "--overwrite", "--no-cache"]
        done = minipic.run("real/a.png", f"{other}/a.jpg", *options)
        assert done.code == 0, done.text
        assert minipic.files() == {"real/a.png.webp", "real/a.jpg.webp"}


def test_names_that_differ_by_case(minipic: Command) -> None:
    """Where the system tells two files apart by the case of their names, both are worked on in place."""
    for number, name in enumerate(("IMG.jpg", "img.jpg", "Straße.jpg", "STRASSE.jpg")):
        minipic.write(name, photo_jpeg(96, 64, seed=number))
    answer = minipic.run_json(".", "--in-place")
    assert (answer["exit_code"], set(statuses(answer).values())) == (0, {"compressed"})


def test_what_was_not_written_was_not_saved(minipic: Command) -> None:
    """The sum holds nothing of an image that failed, and each file that is named as an output is there."""
    minipic.write("a.jpg", PHOTO)
    minipic.write("full/b.jpg", photo_jpeg(96, 64, seed=1))
    rule = ["sh", "-c", 'ulimit -f 0; "$0" "$@"', COMMAND]  # no file may grow: the disk is full
    done = minipic.run("a.jpg", "--output", "out/", "--no-cache", program=[*rule])
    assert (done.code, "saved" in done.text) == (3, False)
    options = [".", "--in-place", "--keep-original", "--format", "webp", "--json"]
    for _ in ("first", "second"):
        answer = minipic.run_json(*options[:-1])
        assert answer["exit_code"] == 0
        assert all((minipic.folder / file["output"]).exists() for file in answer["files"])


def test_equal_large_images_without_a_cache(service: Equipped, key: str, minipic: Command) -> None:
    """Copies of a large image share one upload, and so one charge, also where nothing is kept between runs."""
    large = padded_png(4_600_000)
    for name in ("a.png", "b.png", "c.png"):
        minipic.write(name, large)
    assert minipic.run(".", "--output", "out", "--format", "webp", "--no-cache").code == 0
    assert counted(service, key) == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [(["a.jpg", "--check", "1"], 1), (["missing.jpg", "--output", "out/"], 3), (["a.jpg", "--output", "out/"], 0)],
)
def test_a_closed_pipe_keeps_the_exit_code(minipic: Command, words: list[str], code: int) -> None:
    """Whoever stops reading the report still learns how the run ended."""
    minipic.write("a.jpg", PHOTO)
    with minipic.start(*words) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(PATIENCE_S) == code


def test_odd_arguments_fail_alone(minipic: Command) -> None:
    """What can be no address and no file name is named as failed; the rest goes on."""
    minipic.write("a.jpg", PHOTO)
    answer = minipic.run_json("a.jpg", "http://[x", "n" * 300, "--output", "out")
    assert answer["exit_code"] == 3
    assert list(statuses(answer).values()) == ["compressed", "failed", "failed"]


@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv takes root's rights away")
def test_a_folder_that_lists_and_does_not_open(minipic: Command) -> None:
    """An image in a folder whose names can be read and whose files cannot is named as failed; the rest goes on."""
    minipic.write("p/a.jpg", PHOTO)
    minipic.write("p/locked/b.jpg", PHOTO)
    (minipic.folder / "p/locked").chmod(0o444)
    done = without_rights(minipic, "p", "--output", "out")
    (minipic.folder / "p/locked").chmod(0o755)
    assert (done.code, "p/locked/b.jpg" in done.text) == (3, True)
    assert (minipic.folder / "out/a.jpg").exists()


def without_rights(minipic: Command, *arguments: str) -> Done:
    """Run the command as somebody whom modes hold back."""
    rights = "-dac_override,-dac_read_search"
    program = ["setpriv", "--bounding-set", rights, "--inh-caps", rights] if os.geteuid() == 0 else []
    return minipic.run(*arguments, program=[*program, COMMAND])


def test_a_pattern_leaves_out_its_output(minipic: Command) -> None:
    """Images in the output folder are no input of a pattern that reaches it; one that asks for them has them."""
    minipic.write("p/a.png", GRAPHIC)
    for _ in range(2):
        assert minipic.run("p/**/*.png", "--output", "p/out").code == 0
    assert minipic.files() == {"p/a.png", "p/out/a.png"}
    assert statuses(minipic.run_json("p/out/*.png", "--output", "p/out")) == {"p/out/a.png": "known"}


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has no home has no cache, unless a variable says where."""
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    for told in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", told)
        assert cache.cache_path() is None
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/somebody")
    assert cache.cache_path() == Path("/var/cache/somebody/minipic/results.sqlite3")


@pytest.mark.skipif(not hasattr(os, "chown"), reason="files have no group here")
def test_who_may_not_give_a_file_away_keeps_its_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result has the owner and the group of its original, or, where the owner cannot be another, the group alone."""
    original = tmp_path / "a.jpg"
    original.write_bytes(PHOTO)
    given: list[tuple[int, int]] = []

    def chown(_: object, owner: int, group: int) -> None:
        given.append((owner, group))
        if owner != -1:
            raise PermissionError

    monkeypatch.setattr(os, "chown", chown)
    like = original.stat()
    writing.write_file(original, SMALL, like, overwrite=True, keep_owner=True)
    assert given == [(like.st_uid, like.st_gid), (-1, like.st_gid)]
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    writing.write_file(tmp_path / "b.jpg", SMALL, like, overwrite=False)
    assert len(given) == 2  # in another folder a result is that folder's
