"""The agents' skill: valid, and its script does what it says against the real service."""

import ast
import json
import re
import shlex
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from minipic.settings import PROJECT_FOLDER
from tests.clients.command import INTERRUPTIBLE, PATIENCE_S, VENV_FOLDER, Command, Done, counted
from tests.clients.front import Front, Says, described, result
from tests.e2e.equipped import Equipped
from tests.pictures import graphic_png, opened, padded_png, photo_jpeg, photo_webp

SKILL = PROJECT_FOLDER / "clients" / "skill" / "minipic-compress"
TEXT = (SKILL / "SKILL.md").read_text()
PROGRAM = [sys.executable, str(SKILL / "scripts" / "compress.py")]
PHOTO = photo_jpeg(96, 64)
GRAPHIC = graphic_png(96, 64)
SMALL = b"\xff\xd8\xffsmaller"
SECRET = "mp_live_verysecretverysecretverysecret"
COMMANDS = dict(re.findall(r"^\| ([A-Z].+?) \| `(python3 scripts/compress\.py .+?)` \|$", TEXT, re.MULTILINE))
TRIGGERS = [
    "Compress this image",
    "Compress the images in this folder",
    "Convert hero.png to WebP and make it as small as possible",
    "These images are too big, batch-optimize them before packaging and tell me how much I saved",
    "Compress the picture at this address",
]


def say(minipic: Command, sentence: str, **changes: str) -> Done:
    """Run what SKILL.md has an agent run when the user says the sentence."""
    words = COMMANDS[sentence].removeprefix("python3 scripts/compress.py ")
    for old, new in changes.items():
        words = words.replace(old, new)
    return minipic.run(*shlex.split(words), program=PROGRAM)


def rows(done: Done) -> dict[str, list[str]]:
    """Return the printed table's cells by the first of each row."""
    lines = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in done.out.decode().splitlines()]
    assert lines[0] == ["image", "before", "after", "saved", "result"]
    return {line[0]: line[1:] for line in lines[2:]}


def test_the_standard() -> None:
    """The reference validator of the Agent Skills standard finds nothing."""
    done = subprocess.run([VENV_FOLDER / "agentskills", "validate", SKILL], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_triggers_are_named() -> None:
    """The description, by which an agent chooses the skill, holds what people say; each has its command."""
    assert list(COMMANDS) == TRIGGERS
    description = TEXT.split("\n---\n")[0].lower()
    for sentence in TRIGGERS[:4]:
        assert sentence.lower().removesuffix(".") in description


def test_only_the_standard_library() -> None:
    """The scripts import the standard library and each other, nothing that must be installed."""
    own = {path.stem for path in (SKILL / "scripts").glob("*.py")}
    for path in (SKILL / "scripts").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert {name.partition(".")[0] for name in names} <= {*sys.stdlib_module_names, *own}


def test_links_lead_somewhere() -> None:
    """Every file that SKILL.md names is there."""
    for name in re.findall(r"\]\(([^)]+)\)|`(scripts/[a-z_]+\.py)`", TEXT):
        assert (SKILL / "".join(name)).is_file()


def test_this_image(minipic: Command) -> None:
    """Asked to "compress this image", a smaller one lies beside it, and the original is as it was."""
    minipic.write("photo.jpg", PHOTO)
    done = say(minipic, TRIGGERS[0])
    assert done.code == 0, done.text
    assert minipic.files() == {"photo.jpg", "photo-min.jpg"}
    assert (minipic.folder / "photo.jpg").read_bytes() == PHOTO
    assert (minipic.folder / "photo-min.jpg").stat().st_size < len(PHOTO)
    again = say(minipic, TRIGGERS[0])
    assert (again.code, "photo-min.jpg exists already" in again.text) == (1, True)


def test_the_images_in_this_folder(minipic: Command) -> None:
    """Asked to "compress the images in this folder", all of them lie in a new folder of the same structure."""
    minipic.write("photos/a.jpg", PHOTO)
    minipic.write("photos/sub/b.png", GRAPHIC)
    minipic.write("photos/sub/c.webp", photo_webp(96, 64))
    minipic.write("photos/.git/d.png", GRAPHIC)
    minipic.write("photos/notes.txt", b"")
    done = say(minipic, TRIGGERS[1])
    assert done.code == 0, done.text
    made = {name for name in minipic.files() if name.startswith("photos-min/")}
    assert made == {"photos-min/a.jpg", "photos-min/sub/b.png", "photos-min/sub/c.webp"}
    assert (minipic.folder / "photos/a.jpg").read_bytes() == PHOTO


def test_the_working_directory(minipic: Command) -> None:
    """In the working directory itself results go into a folder within it, which a second run leaves out."""
    minipic.write("a.jpg", PHOTO)
    minipic.write("sub/b.png", GRAPHIC)
    assert minipic.run(".", program=PROGRAM).code == 0
    assert minipic.files() == {"a.jpg", "sub/b.png", "work-min/a.jpg", "work-min/sub/b.png"}
    again = minipic.run(".", "--overwrite", program=PROGRAM)
    assert (again.code, rows(again)["**2 of 2**"][0]) == (0, f"{(len(PHOTO) + len(GRAPHIC)) / 1e3:.1f} kB")


def test_a_named_link(minipic: Command) -> None:
    """A link that is named itself stands for its file, in place."""
    real = minipic.write("real/a.jpg", PHOTO)
    link = minipic.folder / "link.jpg"
    link.symlink_to(real)
    assert minipic.run("link.jpg", "--in-place", program=PROGRAM).code == 0
    assert (link.is_symlink(), real.stat().st_size < len(PHOTO)) == (True, True)


def test_hero_to_webp(minipic: Command) -> None:
    """Asked for hero.png as WebP, "as small as possible", it is no larger than by the default preset."""
    minipic.write("hero.png", GRAPHIC)
    assert say(minipic, TRIGGERS[2]).code == 0
    made = (minipic.folder / "hero.webp").read_bytes()
    assert opened(made).format == "WEBP"
    assert minipic.run("hero.png", "--format", "webp", "--output", "b.webp", program=PROGRAM).code == 0
    assert len(made) <= (minipic.folder / "b.webp").stat().st_size
    assert (minipic.folder / "hero.png").read_bytes() == GRAPHIC


def test_before_packaging(minipic: Command) -> None:
    """Asked to "batch-optimize them before packaging", the files themselves shrink, and the table has the saving."""
    minipic.write("assets/a.jpg", PHOTO).chmod(0o600)
    minipic.write("assets/sub/b.png", GRAPHIC)
    done = say(minipic, TRIGGERS[3])
    assert done.code == 0, done.text
    after = sum((minipic.folder / name).stat().st_size for name in ("assets/a.jpg", "assets/sub/b.png"))
    before = len(PHOTO) + len(GRAPHIC)
    saved = f"{100 * (before - after) / before:.1f} %"
    assert rows(done)["**2 of 2**"] == [f"{before / 1e3:.1f} kB", f"{after / 1e3:.1f} kB", f"**{saved}**"]
    assert (minipic.folder / "assets/a.jpg").stat().st_mode & 0o777 == 0o600
    assert minipic.files() == {"assets/a.jpg", "assets/sub/b.png"}


def test_a_picture_at_an_address(service: Equipped, minipic: Command) -> None:
    """Asked for "the picture at this address", the service fetches it, and the result is where it was asked for."""
    done = say(minipic, TRIGGERS[4], **{"https://example.com/picture.jpg": service.hosted("/photo.jpg")})
    assert done.code == 0, done.text
    assert opened((minipic.folder / "picture.jpg").read_bytes()).size == (320, 240)
    assert minipic.run(service.hosted("/graphic.png"), "--output", "out/", program=PROGRAM).code == 0
    assert opened((minipic.folder / "out/graphic.png").read_bytes()).format == "PNG"


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif", "avif"])
def test_every_conversion(minipic: Command, kind: str) -> None:
    """PNG, JPEG, WebP, GIF and AVIF become one another; where names meet none is lost, and a preset is heeded."""
    picture = opened(photo_jpeg(48, 32))
    for name in ("p/a.png", "p/a.jpeg", "p/a.webp", "p/a.gif", "p/a.avif"):
        (minipic.folder / "p").mkdir(exist_ok=True)
        picture.save(minipic.folder / name)
    options = ["--format", kind, "--quality", "high", "--background", "white", "--json"]
    done = minipic.run("p", *options, program=PROGRAM)
    assert done.code == 0, done.text
    made = [opened((minipic.folder / image["target"]).read_bytes()) for image in json.loads(done.out)["images"]]
    assert [(image.format or "").lower() for image in made] == [kind] * 5
    assert len({name for name in minipic.files() if name.startswith("p-min/")}) == 5


def test_a_list_costs_nothing(service: Equipped, key: str, minipic: Command) -> None:
    """--list names what would be sent, needs no key, and sends nothing."""
    minipic.write("p/a.jpg", PHOTO)
    minipic.variables.pop("MINIPIC_API_KEY")
    assert minipic.run("p", "--list", program=PROGRAM).out == b"p/a.jpg\n1 images would be sent\n"
    assert counted(service, key) == 0


def test_what_is_no_gain(minipic: Command) -> None:
    """What cannot get smaller is left alone in place, and copied into a folder."""
    minipic.write("a.png", GRAPHIC)
    for _ in range(3):
        assert minipic.run("a.png", "--in-place", program=PROGRAM).code == 0
    small = (minipic.folder / "a.png").read_bytes()
    done = minipic.run("a.png", "--output", "out/", program=PROGRAM)
    assert "nothing to gain" in done.text
    assert (minipic.folder / "out/a.png").read_bytes() == small


def test_formats_that_are_only_read(minipic: Command) -> None:
    """A BMP becomes a PNG, and stays itself even in place."""
    opened(PHOTO).save(minipic.folder / "scan.bmp")
    assert minipic.run("scan.bmp", "--in-place", program=PROGRAM).code == 0
    assert minipic.files() == {"scan.bmp", "scan.png"}


def test_a_large_image_goes_through_an_upload(minipic: Command) -> None:
    """What one request cannot carry on AWS is sent through the real service's upload form by itself."""
    minipic.write("large.png", padded_png(4_600_000))
    assert minipic.run("large.png", "--in-place", program=PROGRAM).code == 0
    assert (minipic.folder / "large.png").stat().st_size < 1000


def test_without_a_key(minipic: Command) -> None:
    """Without a key, or with what cannot be one or an address, it is exit code 2, and none of them is repeated."""
    minipic.write("a.jpg", PHOTO)
    minipic.variables["MINIPIC_API_KEY"] = ""
    assert "MINIPIC_API_KEY is not set" in minipic.run("a.jpg", program=PROGRAM).text
    minipic.variables["MINIPIC_API_KEY"] = "mp_live_\nX: 1"
    done = minipic.run("a.jpg", program=PROGRAM)
    assert (done.code, "X: 1" in done.text) == (2, False)
    minipic.variables |= {"MINIPIC_API_KEY": SECRET, "MINIPIC_URL": "https://user:pw@img.example"}
    done = minipic.run("a.jpg", program=PROGRAM)
    assert (done.code, "pw" in done.text) == (2, False)
    for wrong in (["--in-place", "--output", "x"], ["http://x/a.png"], ["--format", "bmp"]):
        assert minipic.run("a.jpg", *wrong, program=PROGRAM).code == 2


@pytest.fixture
def fronted(front: Front, tmp_path: Path) -> Command:
    """A picture, a secret key and the stand-in as the service."""
    command = Command(tmp_path, MINIPIC_URL=front.url, MINIPIC_API_KEY=SECRET)
    command.write("a.jpg", PHOTO)
    return command


def test_a_full_service_is_waited_for(front: Front, fronted: Command) -> None:
    """429 with Retry-After, a busy and a broken service are waited for; then the image goes through, under one name."""
    often = Says(429, b'{"error":"TooManyRequests"}', {"Retry-After": "1"})
    front.answers = [often, Says(503, b"", {"Retry-After": "1"}), Says(502), result(SMALL, len(PHOTO))]
    assert fronted.run("a.jpg", program=PROGRAM).code == 0
    assert (fronted.folder / "a-min.jpg").read_bytes() == SMALL
    assert len({asked.headers["Idempotency-Key"] for asked in front.asked}) == 1


def test_a_full_disk_ends_the_run(front: Front, fronted: Command) -> None:
    """When a result finds no space, images that are not yet with the service are not sent."""
    full = b"import os\ndef full(_):\n    raise OSError(28, 'No space left on device')\nos.fsync = full\n"
    (fronted.home / "sitecustomize.py").write_bytes(full)
    fronted.variables["PYTHONPATH"] = str(fronted.home)
    for number in range(12):
        fronted.write(f"p/{number}.jpg", PHOTO)
    front.answers = [result(SMALL, len(PHOTO))] * 12
    done = fronted.run("p", "--in-place", program=PROGRAM)
    assert (done.code, len(front.asked) <= 4) == (1, True)  # as many as are in work at once
    assert {row[-1] for row in rows(done).values()} >= {"no space left on device", "not tried"}


def test_places_that_cannot_be_written(front: Front, fronted: Command) -> None:
    """Where the results' folder cannot be made nothing is sent."""
    done = fronted.run("a.jpg", "--output", "a.jpg/out/", program=PROGRAM)
    assert (done.code, "not a directory" in done.text, front.asked) == (1, True, [])


def test_the_key_stays_at_home(front: Front, fronted: Command) -> None:
    """Neither a redirect nor an upload form gets the key, and no message repeats it."""
    offer = f'{{"upload":"u","url":"{front.other_host_url}/form","fields":{{"policy":"p"}}}}'.encode()
    stored = {"Location": f"{front.other_host_url}/stored", **described(SMALL, len(PHOTO))}
    front.answers = [
        Says(413, b'{"error":"PayloadTooLarge","upload_url":"x"}'), Says(201, offer), Says(204),
        Says(303, b"", stored), Says(200, SMALL, {"Content-Type": "image/jpeg"}),
    ]  # fmt: skip
    assert fronted.run("a.jpg", program=PROGRAM).code == 0
    holders = [asked.path for asked in front.asked if SECRET in f"{asked.path} {asked.headers} {asked.body!r}"]
    assert holders == ["/v1/compress", "/v1/uploads", "/v1/compress"]
    front.answers = [Says(400, f'{{"error":"Bad","message":"{SECRET} | \\u001b"}}'.encode())]
    done = fronted.run("a.jpg", "--output", "b.jpg", program=PROGRAM)
    assert (done.code, SECRET in done.text, "\x1b" in done.text) == (1, False, False)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Says(200, b"<html>"), "not as MiniPic does"),
        (Says(200, b"cut", described(b"whole", 9)), "incomplete"),
        (result(SMALL, 9), "not of the image that was sent"),
        (result(b"<html>no picture</html>", len(PHOTO)), "no image of the type"),
        (result(SMALL, len(PHOTO), **{"Content-Type": "text/html"}), "no image of the type"),
        (Says(301, b"", {"Location": "http://x.example/", **described(b"", 9)}), "redirects somewhere else"),
        (Says(303, b"", {"Location": "ftp://x.example/", **described(b"", 9)}), "not secure"),
        (Says(303, b"", {"Location": "/round", **described(b"", 9)}), "redirects somewhere else"),
        (Says(401, b'{"error":"Unauthorized","message":"No such key."}'), "401 Unauthorized No such key."),
        (Says(429, b'{"error":"AccountLimitReached","upgrade_url":"https://shop.example"}'), "https://shop.example"),
        (Says(503, b"[]", {"Retry-After": "999"}), "503"),
        (Says(500, b"no JSON"), "500"),
        (Says(413, b'{"upload_url":"x"}'), "413"),
    ],
)
def test_answers_that_are_no_results(front: Front, fronted: Command, answer: Says, said: str) -> None:
    """What is not wholly a result is not written, and the table says why: exit code 1."""
    front.answers = [answer]
    done = fronted.run("a.jpg", program=PROGRAM)
    assert done.code == 1
    assert said in done.text
    assert fronted.files() == {"a.jpg"}


def test_a_storage_that_refuses(front: Front, fronted: Command) -> None:
    """A storage that refuses the form or the result is a failure of that image."""
    offer = Says(201, f'{{"upload":"u","url":"{front.url}/form","fields":{{}}}}'.encode())
    fronted.write("a.jpg", bytes(4_500_001))
    front.answers = [offer, Says(403)]
    assert "The storage answered 403" in fronted.run("a.jpg", program=PROGRAM).text
    front.answers = [offer, Says(204), Says(303, b"", {"Location": "/x", **described(b"", 9)}), Says(403)]
    assert "The storage answered 403" in fronted.run("a.jpg", program=PROGRAM).text


@pytest.mark.parametrize("answer", [Says(200, b"<html>"), Says(201, b"{}"), Says(201, b"[]"), Says(307)])
def test_an_upload_form_that_is_none(front: Front, fronted: Command, answer: Says) -> None:
    """What is no upload form is a failure with a sentence, not a traceback."""
    fronted.write("a.jpg", bytes(4_500_001))
    front.answers = [answer]
    done = fronted.run("a.jpg", program=PROGRAM)
    assert (done.code, "Traceback" in done.text) == (1, False)
    assert "no upload form" in done.text or "redirects somewhere else" in done.text


def test_somebody_else_changes_the_file(front: Front, fronted: Command) -> None:
    """A file that changes while the service works on it is left as it is now."""
    front.answers = [Says(429, b'{"error":"TooManyRequests"}', {"Retry-After": "1"}), result(SMALL, len(PHOTO))]
    process = subprocess.Popen(
        [*PROGRAM, "a.jpg", "--in-place"], cwd=fronted.folder, env=fronted.environment(), stdout=subprocess.PIPE
    )
    while not front.asked:
        time.sleep(0.01)
    fronted.write("a.jpg", b"somebody's new picture")
    out, _ = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, b"changed by somebody else" in out) == (1, True)
    assert fronted.files() == {"a.jpg"}
    assert (fronted.folder / "a.jpg").read_bytes() == b"somebody's new picture"


def test_a_file_named_twice(front: Front, fronted: Command) -> None:
    """A file that is reached in two ways is sent once."""
    front.answers = [result(SMALL, len(PHOTO))]
    (fronted.folder / "link.jpg").symlink_to("a.jpg")
    done = fronted.run("a.jpg", "./a.jpg", "link.jpg", ".", "--in-place", program=PROGRAM)
    assert (done.code, len(front.asked)) == (0, 1)


def test_an_interruption(front: Front, fronted: Command) -> None:
    """Ctrl-C ends the run after what is under way: exit code 130, nothing half-written, nothing new begun."""
    for number in range(20):
        fronted.write(f"p/{number}.jpg", PHOTO)
    front.answers = [Says(503, b"", {"Retry-After": "1"})] * 4 + [result(SMALL, len(PHOTO))]
    process = subprocess.Popen(
        [*INTERRUPTIBLE, *PROGRAM, "p"],
        cwd=fronted.folder,
        env=fronted.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while not front.asked:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (130, b"")
    made = [name for name in fronted.files() if name.startswith("p-min/")]
    assert len(made) < 20
    assert all((fronted.folder / name).read_bytes() == SMALL for name in made)


def test_a_hopeless_run_ends_early(service: Equipped, tmp_path: Path) -> None:
    """After a refused key the images that were not begun are not tried; a missing file is just one failure."""
    command = Command(tmp_path, MINIPIC_URL=service.base_url, MINIPIC_API_KEY=SECRET)
    for number in range(30):
        command.write(f"p/{number}.jpg", PHOTO)
    done = command.run("p", program=PROGRAM)
    assert done.text.count("401 Unauthorized") < 30
    assert "not tried" in done.text
    command.variables["MINIPIC_URL"] = "http://127.0.0.1:9"
    assert "no such file" in command.run("missing.jpg", program=PROGRAM).text
    assert "does not answer" in command.run("p/0.jpg", program=PROGRAM).text


def test_the_archive(tmp_path: Path) -> None:
    """The archive holds the skill's folder, unpacks to a valid skill, and is the same each time."""
    made = []
    for name in ("one.zip", "two.zip"):
        subprocess.run([sys.executable, SKILL.parent / "pack.py", tmp_path / name], check=True)
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        archive.extractall(tmp_path)
    files = {str(path.relative_to(SKILL)) for path in SKILL.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    unpacked = tmp_path / "minipic-compress"
    assert {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()} == files
    subprocess.run([VENV_FOLDER / "agentskills", "validate", unpacked], check=True, capture_output=True)


@pytest.mark.parametrize(("name", "made", "options"), [
    ("a.jpg", "a.webp", ["--format", "webp"]),
    ("b.bmp", "b.png", []),
])  # fmt: skip
def test_a_second_run_in_place_makes_nothing_anew(minipic: Command, name: str, made: str, options: list[str]) -> None:
    """Results of an earlier run lie beside their originals: they are not made again under other names."""
    opened(PHOTO).save(minipic.write(f"p/{name}", b""))
    assert minipic.run("p", "--in-place", *options, program=PROGRAM).code == 0
    for _ in range(2):
        again = minipic.run("p", "--in-place", *options, program=PROGRAM)
        assert (again.code, minipic.files()) == (1, {f"p/{name}", f"p/{made}"})
        assert f"{made} exists already" in again.text
