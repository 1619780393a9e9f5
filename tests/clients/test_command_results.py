"""What the command asks of the service, what it writes, says and costs."""

import json

import pytest

from minipic_client.command.arguments import compress_parser, read_order
from tests.clients.command import Command, counted, statuses
from tests.e2e.equipped import Equipped
from tests.pictures import COPYRIGHT, graphic_png, opened, photo_jpeg, tiny_png, with_rights

PHOTO = photo_jpeg(96, 64)
GRAPHIC = graphic_png(96, 64)


def test_options_reach_the_service(minipic: Command) -> None:
    """Quality, format, size, background and metadata are asked for as the options say."""
    minipic.write("a.png", with_rights("PNG"))
    done = minipic.run(
        "a.png", "--output", "out/a.jpg", "--quality", "extreme", "--format", "jpg", "--resize", "cover:40x30",
        "--background", "white", "--preserve", "copyright,creation",
    )  # fmt: skip
    assert done.code == 0, done.text
    image = opened((minipic.folder / "out/a.jpg").read_bytes())
    assert (image.format, image.size, image.getexif()[0x8298]) == ("JPEG", (40, 30), COPYRIGHT)


def test_one_side_given(minipic: Command) -> None:
    """A size with one side scales the other along."""
    minipic.write("a.jpg", PHOTO)
    assert minipic.run("a.jpg", "--in-place", "--resize", "48x").code == 0
    assert opened((minipic.folder / "a.jpg").read_bytes()).size == (48, 32)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "--output PATH or --in-place"),
        (["--in-place", "--quality", "101"], "quality is smart"),
        (["--in-place", "--format", "heic"], "format is one of"),
        (["--in-place", "--resize", "big"], "a size is 800x600"),
        (["--in-place", "--resize", "cover:100x"], "fit and cover take both"),
        (["--in-place", "--resize", "99999x1"], "sides 1 to 16383"),
        (["--in-place", "--preserve", "camera"], "preserve takes copyright"),
        (["--in-place", "--background", "pink"], "background is #RRGGBB"),
        (["--in-place", "--jobs", "21"], "a number from 1 to 20"),
        (["--in-place", "--min-savings", "-1"], "a percentage is from 0 to 100"),
        (["--in-place", "--min-savings", "much"], "a percentage is from 0 to 100"),
        (["--output", "out", "--keep-original"], "--keep-original belongs to --in-place"),
        (["--output", "out", "--in-place"], "not allowed with"),
        (["b.jpg", "--output", "-"], "only one image can go"),
        (["http://127.0.0.1/a.jpg", "--in-place"], "cannot be replaced in place"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_usage(capsys: pytest.CaptureFixture[str], options: list[str], said: str) -> None:
    """A wrong or contradictory option is exit code 2, and the message says what is allowed."""
    parser = compress_parser()
    with pytest.raises(SystemExit) as end:
        read_order(parser, parser.parse_args(["tests/pictures.py", *options]))
    assert end.value.code == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_an_image_and_json(minipic: Command) -> None:
    """The image and the JSON cannot both go to standard output: exit code 2."""
    assert minipic.run("-", "--json", stdin=PHOTO).code == 2


def test_the_table(minipic: Command) -> None:
    """The table has each file before and after, what was saved, and the sum with what is left of the quota."""
    minipic.write("p/a.jpg", PHOTO)
    minipic.write("p/b.png", GRAPHIC)
    lines = minipic.run("p", "--output", "out").out.decode().splitlines()
    assert lines[0].split() == ["File", "Before", "After", "Saved"]
    assert lines[1].startswith("p/a.jpg")
    assert lines[1].rstrip().endswith("→ out/a.jpg")
    assert lines[3].startswith("2 images: 2 compressed.")
    assert "% saved. Images left: 99999" in lines[3]


def test_what_cannot_shrink(service: Equipped, key: str, minipic: Command) -> None:
    """What would not get smaller stays as it is in place, and is copied to an output folder, so that it is complete."""
    minipic.write("a.jpg", PHOTO)
    for _ in range(2):  # packing what was packed once may still save some bytes
        assert minipic.run("a.jpg", "--in-place", "--no-cache").code == 0
    small = (minipic.folder / "a.jpg").read_bytes()
    answer = minipic.run_json("a.jpg", "--output", "out/", "--no-cache")
    assert (answer["files"][0]["status"], answer["total"]["saved"]) == ("kept", 0)
    assert (minipic.folder / "out/a.jpg").read_bytes() == small
    assert minipic.run_json("a.jpg", "--in-place", "--no-cache")["files"][0]["note"] == "nothing to gain"
    assert (minipic.folder / "a.jpg").read_bytes() == small


def test_too_little_to_gain(minipic: Command) -> None:
    """Below --min-savings a file stays; a later run with a lower bar knows that without asking, and then gets it."""
    minipic.write("a.jpg", PHOTO)
    kept = minipic.run_json("a.jpg", "--in-place", "--min-savings", "95")
    assert statuses(kept) == {"a.jpg": "kept"}
    assert "% to gain" in kept["files"][0]["note"]
    again = minipic.run_json("a.jpg", "--in-place", "--min-savings", "95")
    assert statuses(again) == {"a.jpg": "known"}
    assert (minipic.folder / "a.jpg").read_bytes() == PHOTO
    assert statuses(minipic.run_json("a.jpg", "--in-place", "--min-savings", "5")) == {"a.jpg": "compressed"}


def test_a_larger_result_on_request(minipic: Command) -> None:
    """A new format counts as wanted even where it is larger, unless savings are asked for."""
    minipic.write("a.jpg", photo_jpeg(96, 64, quality=30))
    answer = minipic.run_json("a.jpg", "--in-place", "--keep-original", "--format", "png", "--quality", "lossless")
    assert answer["total"]["saved"] < 0
    assert "a.png" in minipic.files()
    minipic.write("b.jpg", photo_jpeg(96, 64, quality=31))
    options = ["--format", "png", "--quality", "lossless", "--min-savings", "1"]
    assert statuses(minipic.run_json("b.jpg", "--output", "out", *options)) == {"b.jpg": "kept"}
    assert minipic.run("b.jpg", "--output", "c.png", *options).code == 0
    assert minipic.run("b.jpg", "--output", "d.jpeg", *options).code == 0
    assert {"out.jpg", "c.jpg", "d.jpeg"} < minipic.files()


def test_a_second_run_costs_nothing(service: Equipped, key: str, minipic: Command) -> None:
    """A repeated run asks the service for nothing, in place and into a folder, also after a file was moved."""
    minipic.write("p/a.jpg", PHOTO)
    minipic.write("p/b.png", GRAPHIC)
    assert minipic.run("p", "--output", "out").code == 0
    assert minipic.run("p", "--in-place").code == 0
    assert counted(service, key) == 2
    (minipic.folder / "p/a.jpg").rename(minipic.folder / "p/moved.jpg")
    again = minipic.run_json("p", "--in-place")
    assert set(statuses(again).values()) == {"known"}
    minipic.variables["MINIPIC_URL"] = "http://127.0.0.1:9"
    assert minipic.run("p", "--in-place").code == 0
    assert counted(service, key) == 2


def test_without_a_cache_the_same_image_costs_once(service: Equipped, key: str, minipic: Command) -> None:
    """The same image with the same options counts once a day, in runs on several machines and several times in one."""
    minipic.write("a.jpg", PHOTO)
    for folder in ("one", "two"):
        assert minipic.run("a.jpg", "--output", f"{folder}/", "--no-cache").code == 0
    assert counted(service, key) == 1
    for name in ("p/b.jpg", "p/c.jpg", "p/d.jpg"):
        minipic.write(name, photo_jpeg(96, 64, seed=1))
    assert minipic.run("p", "--in-place", "--no-cache").code == 0
    assert counted(service, key) == 2


def test_a_spoilt_cache(minipic: Command) -> None:
    """A cache that is no database, or cannot be written, costs speed and nothing else."""
    minipic.write("a.jpg", PHOTO)
    cache = minipic.home / ".cache/minipic/results.sqlite3"
    cache.parent.mkdir(parents=True)
    cache.write_bytes(b"no database at all" * 100)
    assert minipic.run("a.jpg", "--output", "one/").code == 0
    assert cache.read_bytes().startswith(b"SQLite")
    cache.unlink()
    cache.mkdir()
    assert minipic.run("a.jpg", "--output", "two/").code == 0
    minipic.variables["XDG_CACHE_HOME"] = str(minipic.write("no folder", b""))
    assert minipic.run("a.jpg", "--output", "three/").code == 0


def test_a_dry_run(service: Equipped, key: str, minipic: Command) -> None:
    """--dry-run lists what would be sent, and needs no key: nothing is sent and nothing written."""
    minipic.write("p/a.jpg", PHOTO)
    minipic.variables.pop("MINIPIC_API_KEY")
    answer = minipic.run_json("p", "--in-place", "--dry-run")
    assert statuses(answer) == {"p/a.jpg": "would be sent"}
    assert minipic.run("p", "--dry-run").code == 0
    assert statuses(minipic.run_json("p", f"http://{service.host}/photo.jpg", "--output", "out", "--dry-run")) == {
        "p/a.jpg": "would be sent",
        f"http://{service.host}/photo.jpg": "would be sent",
    }
    assert (minipic.files(), counted(service, key)) == ({"p/a.jpg"}, 0)


def test_check(service: Equipped, key: str, minipic: Command) -> None:
    """--check is exit code 1 while an image could shrink by more, then 0; it writes nothing and costs an image once."""
    minipic.write("p/a.jpg", PHOTO)
    for _ in range(2):
        answer = minipic.run_json("p", "--check", "10")
        assert (answer["exit_code"], statuses(answer)) == (1, {"p/a.jpg": "can shrink"})
    assert (minipic.folder / "p/a.jpg").read_bytes() == PHOTO
    assert counted(service, key) == 1
    generous = minipic.run("p", "--check", "99")
    assert generous.code == 0
    assert "could be saved" in generous.text
    assert minipic.run("p", "--in-place").code == 0
    assert minipic.run("p", "--check", "10").code == 0
    assert counted(service, key) == 1


def test_a_filter(minipic: Command) -> None:
    """Without a place for the result, `-` reads standard input and writes nothing but the image to standard output."""
    done = minipic.run("-", stdin=PHOTO)
    assert done.code == 0
    assert opened(done.out).size == (96, 64)
    assert len(done.out) < len(PHOTO)
    assert b"standard input" in done.err
    again = minipic.run("-", "--no-cache", stdin=done.out)
    assert opened(again.out).tobytes() == opened(done.out).tobytes()
    webp = minipic.run("-", "--format", "webp", "--output", "x", stdin=PHOTO)
    assert (webp.code, webp.out[:4]) == (0, b"File")
    assert opened((minipic.folder / "x.webp").read_bytes()).format == "WEBP"
    broken = minipic.run("-", stdin=b"no picture")
    assert (broken.code, broken.out) == (3, b"")


def test_a_file_to_standard_output(minipic: Command) -> None:
    """`--output -` writes one file's result to standard output."""
    minipic.write("a.png", tiny_png())
    assert opened(minipic.run("a.png", "--output", "-").out).size == (8, 8)


def test_addresses(service: Equipped, minipic: Command) -> None:
    """An address is fetched by the service; the result's name comes from its path, made safe, with a true suffix."""
    answer = minipic.run_json(service.hosted("/photo.jpg"), service.hosted("/graphic.png"), "--output", "out")
    assert [file["output"] for file in answer["files"]] == ["out/photo.jpg", "out/graphic.png"]
    assert minipic.run(service.hosted("/photo.jpg"), "--output", "small", "--format", "webp").code == 0
    assert opened((minipic.folder / "small.webp").read_bytes()).format == "WEBP"
    failed = minipic.run_json(service.hosted("/text"), "--output", "out/")
    assert (failed["exit_code"], failed["files"][0]["error"]["status"]) == (3, 415)
    taken = minipic.run_json(service.hosted("/photo.jpg"), "--output", "out/")
    assert taken["files"][0]["note"] == "exists already; --overwrite replaces it"
    assert minipic.run(service.hosted("/photo.jpg"), "--check", "99", "--output", "out/").code == 0


def test_usage(service: Equipped, key: str, minipic: Command) -> None:
    """`minipic usage` shows the service's own numbers, as lines or as it is."""
    minipic.write("a.png", tiny_png())
    assert minipic.run("a.png", "--in-place", "--quality", "50").code == 0
    told = json.loads(minipic.run("usage", "--json").out)
    assert (told["count"], told["by_operation"]["compress"], told["plan"]) == (1, 1, "wide")
    lines = minipic.run("usage").out.decode()
    assert "Images this month  1" in lines
    assert "1 of 1000000 used, 999999 left" in lines
