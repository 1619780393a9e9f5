"""The typed client, used as a library, and its pure parts."""

import ast
import errno
import importlib
import json
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from minipic.settings import PROJECT_FOLDER
from minipic_client import (
    BadOption,
    BadSetting,
    Client,
    KeyRefused,
    LimitReached,
    Options,
    Resize,
    Result,
    ServiceError,
    Stopped,
    Unreachable,
    __version__,
)
from minipic_client.command import placing, work
from minipic_client.command.cache import Cache, cache_path
from minipic_client.command.items import Item
from minipic_client.command.names import name_from_url, shown
from minipic_client.command.order import Order
from minipic_client.command.outcomes import Outcome, Policy, Status
from minipic_client.command.targets import Place
from minipic_client.command.writing import Changed, keep_backup, write_file
from minipic_client.transport import Pace
from tests.clients.command import VENV_FOLDER
from tests.clients.front import Front, Says, described
from tests.e2e.equipped import UPGRADE_URL, Equipped
from tests.pictures import graphic_png, opened, padded_png, photo_jpeg

PHOTO = photo_jpeg(96, 64)
SOURCES = sorted((PROJECT_FOLDER / "clients").glob("*/**/*.py"))


def test_a_large_image_costs_once(service: Equipped, key: str) -> None:
    """An image above one request's size goes through one upload, however often it is sent."""
    large = padded_png(4_600_000)
    with Client(key, service.base_url) as client:
        before = client.usage()["count"]
        first, second = client.compress(large), client.compress(large)
        assert (first.data, client.usage()["count"] - before) == (second.data, 1)
        client.compress(large, Options(format="webp"))
        assert client.usage()["count"] - before == 2


def test_equal_large_images_at_once_cost_once(service: Equipped, key: str) -> None:
    """Threads that send the same large image share its upload, and so its charge."""
    large = padded_png(4_600_000, seed=1)
    with Client(key, service.base_url) as client, ThreadPoolExecutor(3) as pool:
        before = client.usage()["count"]
        results = list(pool.map(client.compress, [large] * 3))
        assert len({result.data for result in results}) == 1
        assert client.usage()["count"] - before == 1


def test_an_upload_that_is_not_there_any_more(front: Front) -> None:
    """A remembered upload that the service forgot is made again; other refusals of it are told."""
    offer = Says(201, f'{{"upload":"new","url":"{front.url}/form","fields":{{}}}}'.encode())
    narrow = Says(413, b'{"error":"PayloadTooLarge","upload_url":"x"}')
    uploads: dict[str, str] = {}
    with Client("mp_test_key", front.url, uploads=uploads) as client:
        front.answers = [narrow, offer, Says(204), Says(200, PHOTO, described(PHOTO, len(PHOTO)))]
        client.compress(PHOTO)
        uploads.update(dict.fromkeys(uploads, "old"))
        front.answers = [
            narrow, Says(400, b'{"error":"SourceNotFound"}'), offer, Says(204),
            Says(200, PHOTO, described(PHOTO, len(PHOTO))),
        ]  # fmt: skip
        assert client.compress(PHOTO).data == PHOTO
        assert list(uploads.values()) == ["new"]
        front.answers = [narrow, Says(422, b'{"error":"DecodeError","message":"No."}')]
        with pytest.raises(ServiceError, match="No"):
            client.compress(PHOTO)


def test_a_first_request_that_still_runs(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that was killed holds the first request's place for two minutes: so long the client waits, no longer.

    That others get through meanwhile changes nothing.
    """
    waits_s: list[int] = []

    def others_get_through(pace: Pace, wait_s: float) -> None:
        pace.served += 1
        waits_s.append(int(wait_s))

    monkeypatch.setattr(Pace, "sleep", others_get_through)
    front.answers = [Says(409, b'{"error":"RequestInProgress","message":"No."}', {"Retry-After": "1"})]
    with Client("mp_test_key", front.url) as client, pytest.raises(ServiceError, match="No"):
        client.compress(PHOTO)
    assert waits_s == [2, 4, 8, 16, 30, 30, 30]


def test_a_result_and_what_it_tells(service: Equipped, key: str) -> None:
    """A result has its bytes, type, size, score and what is left; the usage is the service's own."""
    with Client(key, service.base_url) as client:
        result = client.compress(PHOTO, Options(format="webp", resize=Resize.parse("48x")))
        assert (opened(result.data).format, result.media_type, result.width, result.height) == (
            "WEBP", "image/webp", 48, 32,
        )  # fmt: skip
        assert (result.input_bytes, result.ratio) == (len(PHOTO), len(result.data) / len(PHOTO))
        assert result.score is not None
        assert result.images_left == 10**6 - 1
        assert opened(client.compress_url(service.hosted("/photo.jpg")).data).size == (320, 240)
        assert (client.usage()["count"], client.usage()["by_operation"]["compress"]) == (2, 2)


def test_errors_have_classes(service: Equipped) -> None:
    """A refused key, a used-up quota and a refused image are classes of their own, with the service's code."""
    with pytest.raises(KeyRefused) as refused, Client("mp_live_nobodyskey", service.base_url) as client:
        client.usage()
    assert (refused.value.status, refused.value.code) == (401, "Unauthorized")
    with pytest.raises(LimitReached) as spent, Client(service.new_key("spent"), service.base_url) as client:
        client.compress(PHOTO)
    assert spent.value.upgrade_url == UPGRADE_URL
    with pytest.raises(ServiceError, match="transparent") as bad, Client(service.new_key(), service.base_url) as client:
        client.compress(graphic_png(20, 20), Options(format="jpeg"))
    assert (bad.value.code, bool(bad.value.request_id)) == ("BadRequest", True)
    with pytest.raises(BadSetting), Client("", service.base_url):
        pass


def test_no_error_holds_the_key(front: Front) -> None:
    """A service that repeats what it was sent brings the key into no text of an error."""
    key = "mp_live_verysecretverysecretverysecret"
    body = json.dumps({"error": f"Bad {key}", "message": f"bad header Bearer {key}", "request_id": key}).encode()
    front.answers = [Says(400, body)]
    with Client(key, front.url) as client, pytest.raises(ServiceError) as raised:
        client.compress(PHOTO)
    told = (str(raised.value), repr(raised.value), raised.value.code, raised.value.request_id)
    assert not [text for text in told if key in text]


def test_a_form_that_is_refused(front: Front) -> None:
    """A storage that refuses a form or a result is an error with its status, and says nothing of the key."""
    front.answers = [
        Says(201, f'{{"upload":"u","url":"{front.url}/form","fields":{{}}}}'.encode()),
        Says(500), Says(403, b"<Error/>"),
    ]  # fmt: skip
    with Client("mp_live_somebodyskey", front.url) as client, pytest.raises(ServiceError) as refused:
        client.compress(bytes(5_000_000))
    assert (refused.value.status, type(refused.value)) == (403, ServiceError)
    front.answers = [
        *front.answers[:0],
        Says(201, f'{{"upload":"u","url":"{front.url}/f","fields":{{}}}}'.encode()),
        Says(202),
    ]
    with Client("mp_live_somebodyskey", front.url) as client, pytest.raises(ServiceError):
        client.compress(bytes(5_000_000))


def test_a_result_that_the_storage_refuses(front: Front) -> None:
    """A stored result that cannot be fetched any more fails by itself, with the storage's status."""
    front.answers = [Says(303, b"", {"Location": "/gone", **described(b"", 9)}), Says(403, b"<Error/>")]
    with Client("mp_live_somebodyskey", front.url) as client, pytest.raises(ServiceError, match="storage at") as error:
        client.compress(PHOTO)
    assert type(error.value) is ServiceError


def test_a_redirect_by_another_hand(front: Front) -> None:
    """The result's type is the storage's, however a gateway spells the header's name."""
    data = b"\x89PNG\r\n\x1a\nsmaller"
    stored = {"Content-Type": "image/png", "ETag": "x"}
    told = {name: value for name, value in described(data, len(PHOTO)).items() if name != "Content-Type"}
    front.answers = [Says(303, b"", told | {"content-type": "text/html", "Location": "/x"}), Says(200, data, stored)]
    with Client("mp_live_somebodyskey", front.url) as client:
        assert client.compress(PHOTO).media_type == "image/png"


def test_a_stopped_client_sends_nothing(front: Front) -> None:
    """After the event that ends a program no request is begun."""
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped), Client("mp_live_somebodyskey", front.url, stop) as client:
        client.usage()
    assert front.asked == []


def test_a_broken_answer_holds_up_nobody_else() -> None:
    """A thread that rests by itself leaves the others' pace as it is."""
    pace = Pace(threading.Event())
    pace.sleep(0.01)
    assert pace._not_before_s == 0
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        Pace(stop).sleep(100)


def test_a_certificate_that_nobody_vouches_for(service: Equipped) -> None:
    """Where TLS fails nothing is sent: the service is unreachable."""
    with pytest.raises(Unreachable), Client("mp_live_somebodyskey", f"https://127.0.0.1:{service.port}") as client:
        client.usage()


def test_equal_options_ask_the_same() -> None:
    """Options at their defaults ask for nothing; the order of metadata does not matter."""
    assert Options().query() == {}
    assert Options(preserve=("location", "copyright")).query() == Options(preserve=("copyright", "location")).query()
    assert Options(resize=Resize.parse("cover:30x20")).query() == {"method": "cover", "width": "30", "height": "20"}
    for wrong in ("0x", "x", "fit:30x", "scale:30x30"):
        with pytest.raises(BadOption):
            Resize.parse(wrong)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://x.example/a/photo.jpg?size=1#top", "photo.jpg"),
        ("https://x.example/", "image"),
        ("https://x.example/..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("https://x.example/a%5C..%5Cb.png", "b.png"),
        ("https://x.example/..", "image"),
        ("https://x.example/a%3Cb%3E%3A%22%7C%3F%2A%00.png", "a_b_______.png"),
        ("https://x.example/con.png", "_con.png"),
        ("https://x.example/LPT1", "_LPT1"),
        ("https://x.example/ends.%20", "ends"),
        (f"https://x.example/{'n' * 500}.webp", "n" * 115 + ".webp"),
        (f"https://x.example/n.{'e' * 500}", "n." + "e" * 118),
        ("https://x.example/%FF.png", "\ufffd.png"),
    ],
)
def test_names_from_addresses(url: str, name: str) -> None:
    """A name from an address is a name on every system, and leads nowhere else."""
    assert name_from_url(url) == name


def test_shown_names() -> None:
    """What a terminal obeys, and what is no text, is replaced."""
    assert shown("ä\x1b[2J\u202e\udcff\n") == "ä\ufffd[2J\ufffd\ufffd\ufffd"


@pytest.fixture
def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without hard links."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("no_links")
def test_a_file_system_without_links(tmp_path: Path) -> None:
    """Without hard links files are written and backed up all the same, and what exists still stays."""
    target = tmp_path / "a.jpg"
    write_file(target, b"first", None, overwrite=False)
    with pytest.raises(FileExistsError):
        write_file(target, b"second", None, overwrite=False)
    keep_backup(target)
    assert (target.read_bytes(), (tmp_path / "a.jpg.orig").read_bytes()) == (b"first", b"first")
    assert {path.name for path in tmp_path.iterdir()} == {"a.jpg", "a.jpg.orig"}


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a file cannot be written to its end, the old one stays, and nothing half-written."""
    target = tmp_path / "a.jpg"
    target.write_bytes(b"first")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        write_file(target, b"second", target.stat(), overwrite=True)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"first"]


def test_a_change_while_the_result_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody saves between the last look and the end of writing is not replaced."""
    target = tmp_path / "a.jpg"
    target.write_bytes(b"first")
    read = target.stat()
    monkeypatch.setattr(os, "fsync", lambda _: target.write_bytes(b"edited"))
    with pytest.raises(Changed):
        write_file(target, b"second", read, overwrite=True, is_original=True)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"edited"]


def test_nobody_reads_a_half_written_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is being written is its owner's alone, by the command and the skill; then it has the usual mode."""
    monkeypatch.syspath_prepend(PROJECT_FOLDER / "clients" / "skill" / "minipic-compress" / "scripts")
    image_files = importlib.import_module("image_files")
    target = tmp_path / "a.jpg"
    target.touch()
    usual = target.stat().st_mode
    modes, fsync = [], os.fsync

    def note(handle: int) -> None:
        modes.append(os.fstat(handle).st_mode & 0o777)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", note)
    write_file(target, b"first", None, overwrite=True)
    assert (modes[0], target.stat().st_mode) == (0o600, usual)
    image_files.write(target, b"second", may_replace=True, like=None)
    assert (modes[-1], target.stat().st_mode) == (0o600, usual)


def test_an_original_that_changes_at_the_last_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a new format in place, an original that changes while its result is written is not removed."""
    path = tmp_path / "a.png"
    path.write_bytes(b"picture")
    item = Item("a.png", Path("a.png"), path=path)
    outcome = Outcome(item, Status.COMPRESSED, 7, 5, path.with_suffix(".webp"))
    made = work.Made(outcome, b"picture", "digest", path.stat(), Result(b"small", "image/webp", 7, 1, 1, None, None))

    def edit_meanwhile(*_: object, **__: object) -> None:
        path.write_bytes(b"somebody's new picture")

    monkeypatch.setattr(placing, "write_file", edit_meanwhile)
    order = Order(Options(format="webp"), Place(in_place=True), Policy())
    assert placing.finish(made, order, Cache(None, order.options)).status is Status.FAILED
    assert path.read_bytes() == b"somebody's new picture"


@pytest.mark.usefixtures("no_links")
def test_the_skill_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The skill's script, too, writes without hard links, and leaves what exists."""
    monkeypatch.syspath_prepend(PROJECT_FOLDER / "clients" / "skill" / "minipic-compress" / "scripts")
    image_files = importlib.import_module("image_files")
    target = tmp_path / "a.jpg"
    image_files.write(target, b"first", may_replace=False, like=None)
    with pytest.raises(FileExistsError):
        image_files.write(target, b"second", may_replace=False, like=None)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"first"]


@pytest.mark.parametrize(
    ("system", "variable", "place"),
    [
        ("linux", "XDG_CACHE_HOME", "minipic/results.sqlite3"),
        ("win32", "LOCALAPPDATA", "minipic/results.sqlite3"),
        ("darwin", "HOME", "Library/Caches/minipic/results.sqlite3"),
    ],
)
def test_where_the_cache_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, variable: str, place: str
) -> None:
    """The cache lies where the system keeps what may be lost."""
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setenv(variable, str(tmp_path))
    assert cache_path() == tmp_path / place


def test_the_module_is_the_command() -> None:
    """`python -m minipic_client` is `minipic`."""
    command = [str(VENV_FOLDER / "python"), "-m", "minipic_client", "--version"]
    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout == f"{__version__}\n"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_python_3_9_reads_it(source: Path) -> None:
    """Everything that people install is written in the Python of 3.9."""
    text = source.read_text()
    ast.parse(text, feature_version=(3, 9))
    assert "from __future__ import annotations" in text or "->" not in text


@pytest.mark.skipif(not shutil.which("python3.9"), reason="there is no python3.9")
def test_python_3_9_compiles_it(tmp_path: Path) -> None:
    """A real Python 3.9, where there is one, compiles everything that people install."""
    command = ["python3.9", "-c", "import sys; [compile(open(f).read(), f, 'exec') for f in sys.argv[1:]]"]
    if subprocess.run([*command[:1], "--version"], capture_output=True, check=False).returncode:
        pytest.skip("python3.9 does not start")
    subprocess.run([*command, *map(str, SOURCES)], check=True)
