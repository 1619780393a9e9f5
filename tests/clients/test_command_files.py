"""Which files the command takes, and where their results go."""

import io
import os
import shutil
import stat
from pathlib import Path

import pytest

from tests.clients.command import COMMAND, Command, statuses
from tests.clients.front import Front, result
from tests.pictures import graphic_png, opened, photo_jpeg, tiny_png

PHOTO = photo_jpeg(96, 64)
GRAPHIC = graphic_png(96, 64)


def test_a_folder_keeps_its_structure(minipic: Command) -> None:
    """A folder is searched to its depth; results lie in the output folder as originals did, which stay as they are."""
    minipic.write("photos/a.jpg", PHOTO)
    minipic.write("photos/deep/er/b.PNG", GRAPHIC)
    minipic.write("photos/deep/notes.txt", b"no picture")
    done = minipic.run("photos", "--output", "out")
    assert done.code == 0, done.text
    assert minipic.files() == {
        "photos/a.jpg", "photos/deep/er/b.PNG", "photos/deep/notes.txt", "out/a.jpg", "out/deep/er/b.PNG",
    }  # fmt: skip
    assert (minipic.folder / "photos/a.jpg").read_bytes() == PHOTO
    assert opened((minipic.folder / "out/a.jpg").read_bytes()).size == (96, 64)
    assert (minipic.folder / "out/deep/er/b.PNG").stat().st_size < len(GRAPHIC)


def test_what_a_search_leaves_out(minipic: Command) -> None:
    """Hidden files and folders, links and pipes in a folder are left alone; so is the output folder within it."""
    minipic.write("outside/c.jpg", PHOTO)
    minipic.write("p/.hidden.jpg", PHOTO)
    minipic.write("p/.git/d.jpg", PHOTO)
    minipic.write("p/out/e.jpg", PHOTO)
    minipic.write("p/f.jpg", PHOTO)
    (minipic.folder / "p/link.jpg").symlink_to("../outside/c.jpg")
    (minipic.folder / "p/linked").symlink_to("../outside")
    (minipic.folder / "p/loop").symlink_to(".")
    os.mkfifo(minipic.folder / "p/pipe.txt")
    assert statuses(minipic.run_json("p", "--output", "p/out")) == {"p/f.jpg": "compressed"}


def test_a_named_link_stands_for_its_file(minipic: Command) -> None:
    """A link that is named itself is followed: its file gets smaller, and the link stays a link."""
    real = minipic.write("real/a.jpg", PHOTO)
    link = minipic.folder / "link.jpg"
    link.symlink_to(real)
    assert minipic.run("link.jpg", "--in-place").code == 0
    assert link.is_symlink()
    assert real.stat().st_size < len(PHOTO)


def test_patterns(minipic: Command) -> None:
    """A pattern that no shell has expanded is expanded here, and its fixed part is left out of the results' places."""
    minipic.write("web/img/a.png", GRAPHIC)
    minipic.write("web/img/sub/b.png", tiny_png(1))
    minipic.write("web/img/c.jpg", PHOTO)
    minipic.write("web/img/sub/d.txt", b"")
    answer = minipic.run_json("web/img/**/*.png", "--output", "out")
    assert {file["output"] for file in answer["files"]} == {"out/a.png", "out/sub/b.png"}
    assert "no image matches" in minipic.run("web/*.gif", "--output", "out").text


def test_a_file_named_twice(minipic: Command) -> None:
    """A file that is reached in two ways is worked on once."""
    minipic.write("p/a.jpg", PHOTO)
    answer = minipic.run_json("p/a.jpg", "p", "./p/*.jpg", "--in-place")
    assert statuses(answer) == {"p/a.jpg": "compressed"}


def test_files_that_cannot_be_taken(minipic: Command) -> None:
    """What is missing, a dangling link, no file, empty or no picture fails by itself; the rest goes on, exit code 3."""
    minipic.write("good.jpg", PHOTO)
    minipic.write("empty.png", b"")
    minipic.write("text.png", b"this is no picture")
    (minipic.folder / "dangling.jpg").symlink_to("nowhere")
    os.mkfifo(minipic.folder / "pipe.jpg")
    names = ["missing.jpg", "dangling.jpg", "pipe.jpg", "empty.png", "text.png", "good.jpg"]
    answer = minipic.run_json(*names, "--output", "out")
    notes = {file["file"]: file["note"] for file in answer["files"]}
    assert answer["exit_code"] == 3
    assert notes["missing.jpg"] == "there is no such file"
    assert notes["dangling.jpg"] == "no such file or directory"
    assert notes["pipe.jpg"] == "this is no file"
    assert notes["empty.png"] == "is empty"
    assert "supported format" in notes["text.png"]
    assert statuses(answer)["good.jpg"] == "compressed"


@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv takes root's rights away")
def test_unreadable_files_and_folders(minipic: Command) -> None:
    """A file and a folder that may not be read are named as failed; the rest goes on."""
    minipic.write("p/a.jpg", PHOTO)
    minipic.write("p/secret.jpg", PHOTO).chmod(0)
    minipic.write("p/closed/b.jpg", PHOTO)
    (minipic.folder / "p/closed").chmod(0)
    rights = "-dac_override,-dac_read_search"
    program = ["setpriv", "--bounding-set", rights, "--inh-caps", rights] if os.geteuid() == 0 else []
    done = minipic.run("p", "--output", "out", program=[*program, COMMAND])
    (minipic.folder / "p/closed").chmod(0o755)
    assert done.code == 3
    assert "p/secret.jpg" in done.text
    assert "permission denied" in done.text
    assert "this folder cannot be read" in done.text
    assert (minipic.folder / "out/a.jpg").exists()


def test_places_that_cannot_be_written(minipic: Command) -> None:
    """Where a result cannot be written the image fails by itself, and the original stays."""
    path = minipic.write("p/a.jpg", PHOTO)
    minipic.write("file", b"")
    answer = minipic.run_json("p/a.jpg", "--output", "file/out/")
    assert (answer["exit_code"], answer["files"][0]["note"]) == (3, "not a directory")
    assert path.read_bytes() == PHOTO
    assert minipic.files() == {"p/a.jpg", "file"}


@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv takes root's rights away")
def test_a_folder_that_cannot_be_written(front: Front, minipic: Command) -> None:
    """Where the results' folder is not writable nothing is sent."""
    minipic.variables["MINIPIC_URL"] = front.url
    minipic.write("p/a.jpg", PHOTO)
    (minipic.folder / "p").chmod(0o555)
    program = ["setpriv", "--bounding-set", "-dac_override", "--inh-caps", "-dac_override"]
    answer = minipic.run("p", "--in-place", "--json", program=[*(program if os.geteuid() == 0 else []), COMMAND])
    (minipic.folder / "p").chmod(0o755)
    assert (answer.code, "folder cannot be written to" in answer.text, front.asked) == (3, True, [])


def test_a_full_disk_ends_the_run(front: Front, minipic: Command) -> None:
    """When a result finds no space, the images after it are not sent."""
    full = b"import os\ndef full(_):\n    raise OSError(28, 'No space left on device')\nos.fsync = full\n"
    minipic.variables |= {"MINIPIC_URL": front.url, "PYTHONPATH": str(minipic.home)}
    (minipic.home / "sitecustomize.py").write_bytes(full)
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        minipic.write(name, PHOTO)
    small = b"\xff\xd8\xffsmaller"
    front.answers = [result(small, len(PHOTO))]
    answer = minipic.run_json(".", "--in-place", "--jobs", "1")
    assert (answer["exit_code"], len(front.asked)) == (3, 1)
    assert list(statuses(answer).values()) == ["failed", "not tried", "not tried"]


def test_results_that_turn_out_to_meet(front: Front, minipic: Command) -> None:
    """A name that shows only with the result never takes another result's place, with --overwrite neither."""
    minipic.variables["MINIPIC_URL"] = front.url
    minipic.write("p/a.heic", b"a picture")
    minipic.write("p/a.png", b"another one")
    small = b"\x89PNG\r\n\x1a\n"
    front.answers = [result(small, size, **{"Content-Type": "image/png"}) for size in (9, 11)]
    answer = minipic.run_json("p", "--output", "out", "--overwrite", "--jobs", "1")
    assert [file["output"] for file in answer["files"]] == ["out/a.heic.png", "out/a.png"]
    assert {"out/a.heic.png", "out/a.png"} < minipic.files()


def test_a_name_that_is_not_true(minipic: Command) -> None:
    """A JPEG that is called x.png becomes a PNG where that is asked for, larger or not."""
    minipic.write("x.png", photo_jpeg(96, 64, quality=30))
    assert minipic.run("x.png", "--in-place", "--format", "png", "--quality", "lossless").code == 0
    assert opened((minipic.folder / "x.png").read_bytes()).format == "PNG"


def test_a_file_that_is_far_too_large(minipic: Command) -> None:
    """A file above 512 MiB is not even read."""
    path = minipic.write("huge.tiff", b"II*")
    os.truncate(path, 600 * 1024**2)
    assert minipic.run_json("huge.tiff", "--in-place")["files"][0]["note"] == "is larger than 512 MiB"


def test_names_that_are_no_text(minipic: Command) -> None:
    """Names that are not UTF-8, or hold what a terminal obeys, are worked on, and shown harmlessly."""
    folder = os.fsencode(minipic.folder)
    for name in (b"caf\xe9.jpg", b"\x1b[31mred.jpg"):
        Path(os.fsdecode(folder + b"/" + name)).write_bytes(PHOTO)
    answer = minipic.run_json(".", "--in-place")
    assert statuses(answer) == {"caf\ufffd.jpg": "compressed", "\ufffd[31mred.jpg": "compressed"}
    assert os.stat(folder + b"/caf\xe9.jpg").st_size < len(PHOTO)
    shown = minipic.run(b"caf\xe9.jpg", b"\x1b[31mred.jpg", "--in-place").out
    assert b"\x1b" not in shown
    assert "caf\ufffd.jpg".encode() in shown


def test_in_place_keeps_mode_and_owner(minipic: Command) -> None:
    """A file that is replaced keeps its mode; its time only if that is asked."""
    path = minipic.write("a.jpg", PHOTO)
    other = minipic.write("b.jpg", photo_jpeg(96, 64, seed=1))
    path.chmod(0o640)
    for one in (path, other):
        os.utime(one, (10**9, 10**9))
    assert minipic.run("a.jpg", "--in-place", "--keep-mtime").code == 0
    assert minipic.run("b.jpg", "--in-place").code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.stat().st_mtime == 10**9
    assert other.stat().st_mtime > 10**9
    assert path.stat().st_size < len(PHOTO)


def test_in_place_with_a_copy_of_the_original(minipic: Command) -> None:
    """--keep-original keeps what each run replaces, as NAME.orig, NAME.orig.1 and so on; none is taken for an image."""
    path = minipic.write("a.jpg", PHOTO)
    assert minipic.run("a.jpg", "--in-place", "--keep-original").code == 0
    assert minipic.files() == {"a.jpg", "a.jpg.orig"}
    second = photo_jpeg(96, 64, seed=1)
    path.write_bytes(second)
    assert minipic.run(".", "--in-place", "--keep-original").code == 0
    path.write_bytes(PHOTO)
    assert minipic.run(".", "--in-place", "--keep-original", "--quality", "extreme").code == 0
    assert (minipic.folder / "a.jpg.orig").read_bytes() == PHOTO
    assert (minipic.folder / "a.jpg.orig.1").read_bytes() == second
    assert path.stat().st_size < len(PHOTO)
    assert minipic.files() == {"a.jpg", "a.jpg.orig", "a.jpg.orig.1"}


@pytest.mark.parametrize("keep", [False, True])
def test_a_new_format_in_place(minipic: Command, keep: bool) -> None:
    """With a new format the file gets the new suffix; the original goes, unless it is to be kept."""
    minipic.write("hero.png", GRAPHIC)
    options = ["--keep-original"] if keep else []
    assert minipic.run("hero.png", "--in-place", "--format", "webp", *options).code == 0
    assert minipic.files() == ({"hero.png", "hero.webp"} if keep else {"hero.webp"})
    assert opened((minipic.folder / "hero.webp").read_bytes()).format == "WEBP"


def test_names_that_meet_through_a_new_format(minipic: Command) -> None:
    """Where a new format makes names equal, those that change keep their old suffix inside, whatever the order."""
    minipic.write("p/hero.png", GRAPHIC)
    minipic.write("p/hero.jpg", PHOTO)
    minipic.write("p/Hero.gif", _gif())
    assert minipic.run("p", "--output", "out", "--format", "webp").code == 0
    assert {name for name in minipic.files() if name.startswith("out")} == {
        "out/hero.png.webp", "out/hero.jpg.webp", "out/Hero.gif.webp",
    }  # fmt: skip


def test_names_that_meet_without_a_way_out(minipic: Command) -> None:
    """Two files that would become one are refused before anything is sent."""
    minipic.write("a/x.png", GRAPHIC)
    minipic.write("b/x.png", tiny_png(3))
    done = minipic.run("a/x.png", "b/x.png", "--output", "out")
    assert done.code == 2
    assert "would both become" in done.text
    assert minipic.files() == {"a/x.png", "b/x.png"}


def test_existing_files_are_not_overwritten(minipic: Command) -> None:
    """A file that is in the way stays, and the image costs nothing; with --overwrite it is replaced."""
    minipic.write("a.jpg", PHOTO)
    there = minipic.write("out/a.jpg", b"somebody's")
    answer = minipic.run_json("a.jpg", "--output", "out")
    assert (answer["exit_code"], there.read_bytes()) == (3, b"somebody's")
    assert minipic.run("a.jpg", "--output", "out", "--overwrite").code == 0
    assert opened(there.read_bytes()).size == (96, 64)
    assert minipic.run("a.jpg", "--output", "a.jpg").code == 3


def test_formats_that_are_only_read(minipic: Command) -> None:
    """A BMP becomes a PNG with the suffix of one."""
    bmp = minipic.folder / "scan.bmp"
    opened(PHOTO).save(bmp)
    assert minipic.run("scan.bmp", "--output", "out/").code == 0
    assert opened((minipic.folder / "out/scan.png").read_bytes()).format == "PNG"


def _gif() -> bytes:
    out = io.BytesIO()
    opened(GRAPHIC).convert("RGB").quantize(16).save(out, "GIF")
    return out.getvalue()


@pytest.mark.parametrize(("name", "made", "options"), [
    ("a.jpg", "a.webp", ["--format", "webp"]),
    ("b.bmp", "b.png", []),
])  # fmt: skip
def test_a_second_run_beside_kept_originals_makes_nothing_anew(
    minipic: Command, name: str, made: str, options: list[str]
) -> None:
    """Where originals stay, their results are known again by their content, and sent by nobody."""
    opened(PHOTO).save(minipic.write(f"p/{name}", b""))
    assert minipic.run("p", "--in-place", "--keep-original", *options).code == 0
    for _ in range(2):
        again = minipic.run_json("p", "--in-place", "--keep-original", *options)
        assert again["exit_code"] == 0
        assert minipic.files() == {f"p/{name}", f"p/{made}"}
        assert statuses(again) == {f"p/{name}": "known", f"p/{made}": "known"}
