"""The pool of children: what a hostile image, a crash or a crowd does to it."""

import gc
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from minipic.domain.image import Compressed, ImageFormat, Options, Preset
from minipic.errors import BadRequest, DecodeError, ImageTooComplex, ServiceUnavailable, UnsupportedMediaType
from minipic_engine import EngineFault, EnginePool, wire, worker
from minipic_engine.pipeline import compress
from tests.engine.engine_images import graphic, photo, saved, transparent

PICTURE = saved(graphic(), "PNG")
COMMAND = (sys.executable, "-P", "-W", "ignore", str(Path(__file__).with_name("crashing_worker.py")))
HIDDEN = {"AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "secret", "MINIPIC_KEY": "secret"}


def ask(pool: EnginePool, payload: bytes) -> str:
    """Return the text that the test's worker answers."""
    return pool.compress(payload, Options()).data.decode()


def is_running(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def ends_soon(pid: int) -> bool:
    """Whether the process ends within a few seconds."""
    deadline_s = time.monotonic() + 5
    while is_running(pid) and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return not is_running(pid)


@pytest.fixture(scope="module")
def pool() -> Iterator[EnginePool]:
    """Two children of the test's worker, for tests that leave the pool whole."""
    made = EnginePool(2, command=COMMAND)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in HIDDEN.items():
            patch.setenv(name, value)
        made.start()
    yield made
    made.close()


@pytest.fixture
def single() -> Iterator[EnginePool]:
    """One child, with little patience."""
    made = EnginePool(1, command=COMMAND, job_timeout_s=1.5, max_wait_s=0.3, max_waiting=2)
    made.start()
    yield made
    made.close()


def test_same_result_as_in_process(pool: EnginePool) -> None:
    """A child returns what the function returns, for each option."""
    for options in (
        Options(), Options(quality=40, formats=(ImageFormat.WEBP,)), Options(quality=Preset.LOSSLESS),
        Options(formats=(ImageFormat.JPEG,), background=(1, 2, 3)),
    ):  # fmt: skip
        assert pool.compress(PICTURE, options) == compress(PICTURE, options)
    assert pool.sniff(PICTURE) is ImageFormat.PNG


def test_errors_keep_their_class(pool: EnginePool) -> None:
    """An error of the child is raised in the parent, with its class, its message and its fields."""
    with pytest.raises(UnsupportedMediaType):
        pool.compress(b"text", Options())
    with pytest.raises(DecodeError):
        pool.compress(PICTURE[:60], Options())
    with pytest.raises(BadRequest, match="background"):
        pool.compress(saved(transparent(), "PNG"), Options(formats=(ImageFormat.JPEG,)))
    sent = ServiceUnavailable("words", retry_after_s=7, field=3)
    received = wire.to_error(wire.from_error(sent))
    assert type(received) is ServiceUnavailable
    assert (received.message, received.retry_after_s, received.extra) == ("words", 7, {"field": 3})


def test_fault_is_not_the_image(pool: EnginePool) -> None:
    """A bug in the child is an EngineFault with the traceback, and the child lives on."""
    with pytest.raises(EngineFault) as caught:
        pool.compress(b"bug", Options())
    assert "ZeroDivisionError: a bug" in caught.value.details
    assert pool.compress(PICTURE, Options()).format is ImageFormat.PNG


def test_memory_is_limited(pool: EnginePool) -> None:
    """A child can't take more address space than its limit."""
    with pytest.raises(EngineFault) as caught:
        pool.compress(b"memory", Options())
    assert "MemoryError" in caught.value.details


def test_prints_do_not_disturb(pool: EnginePool) -> None:
    """What a library prints or warns in a child goes to stderr, not into the replies."""
    assert ask(pool, b"noise") == "quiet"
    assert ask(pool, b"noise") == "quiet"


def test_environment_is_an_allow_list(pool: EnginePool) -> None:
    """No credential and no setting of the service is in a child's environment."""
    lines = ask(pool, b"environment").splitlines()
    names = {line.split("=")[0] for line in lines}
    assert not names & HIDDEN.keys()
    assert {"PATH", "PYTHONPATH", "VIPS_CONCURRENCY"} <= names
    assert not any("secret" in line for line in lines)


def test_no_socket_is_inherited() -> None:
    """A child has its three standard files and the two pipes, nothing of the parent's, inheritable or not."""
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    made = EnginePool(1, command=COMMAND)
    made.start()
    pid = int(ask(made, b"pid"))
    inherited = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    ours = os.readlink(f"/proc/self/fd/{writing}")
    made.close()
    os.close(reading)
    os.close(writing)
    assert ours not in inherited


def test_sigint_leaves_children_alone(pool: EnginePool) -> None:
    """Ctrl-C in the parent's terminal does not reach a child, and one that is sent there is ignored."""
    pid = int(ask(pool, b"pid"))
    assert os.getsid(pid) != os.getsid(0)
    os.kill(pid, signal.SIGINT)
    time.sleep(0.1)
    assert is_running(pid)
    assert pool.compress(PICTURE, Options()).width == 160


def test_crowd_of_threads(pool: EnginePool) -> None:
    """16 threads share two children and each gets its own result."""
    pictures = [saved(graphic(20 + n, 20 + n), "PNG") for n in range(16)]
    with ThreadPoolExecutor(16) as threads:
        results = list(threads.map(lambda data: pool.compress(data, Options()), pictures * 3))
    assert [result.width for result in results] == [20 + n for n in range(16)] * 3


def test_no_file_leaks(pool: EnginePool) -> None:
    """200 jobs leave no file open that was not open before, and as many threads, in the parent and in the child."""

    def opened() -> dict[tuple[object, str], str]:
        """Return what each descriptor of the parent and of the children is."""
        found = {}
        for pid in ("self", *{int(ask(pool, b"pid")) for _ in range(4)}):
            folder = Path(f"/proc/{pid}/fd")
            for name in os.listdir(folder):
                with suppress(FileNotFoundError):  # the one that lists them is closed again
                    found[pid, name] = os.readlink(folder / name)
        return found

    small = saved(graphic(16, 16), "PNG")
    gc.collect()
    before, threads = opened(), threading.active_count()
    for _ in range(200):
        pool.compress(small, Options())
    gc.collect()
    # What other tests left to the garbage collector may go meanwhile, but nothing may come.
    assert opened().items() <= before.items()
    assert threading.active_count() <= threads


def test_segfault_costs_one_request(single: EnginePool) -> None:
    """A crash is a DecodeError of its request; the next one is served by a new child."""
    pid = int(ask(single, b"pid"))
    with pytest.raises(DecodeError, match="brought the decoder down"):
        single.compress(b"segfault", Options())
    assert single.compress(PICTURE, Options()).width == 160
    assert int(ask(single, b"pid")) != pid
    assert not is_running(pid)


def test_kill_in_the_middle(single: EnginePool) -> None:
    """Kill -9 in the middle of a job fails that job alone."""
    pid = int(ask(single, b"pid"))
    killer = threading.Timer(0.3, os.kill, (pid, signal.SIGKILL))
    killer.start()
    with pytest.raises(DecodeError):
        single.compress(b"sleep", Options())
    killer.join()
    assert single.compress(PICTURE, Options()).width == 160


def test_kill_while_idle(single: EnginePool) -> None:
    """A child that died between two jobs costs none."""
    (child,) = single._children
    child.process.kill()
    child.process.wait()
    assert single.compress(PICTURE, Options()).width == 160


def test_time_out(single: EnginePool) -> None:
    """A job that takes too long is killed, told so, and forgotten."""
    started_s = time.monotonic()
    with pytest.raises(DecodeError, match=r"within 1\.5 seconds"):
        single.compress(b"sleep", Options())
    assert time.monotonic() - started_s < 4
    assert single.compress(PICTURE, Options()).width == 160


def test_overload(single: EnginePool) -> None:
    """A job waits a bounded time among a bounded number of others; beyond, the service is unavailable for a second."""
    with ThreadPoolExecutor(5) as threads:
        busy = threads.submit(single.compress, b"sleep", Options())
        while single._idle:  # until the job has the child
            time.sleep(0.01)
        jobs = [threads.submit(single.compress, PICTURE, Options()) for _ in range(4)]
        errors = [job.exception() for job in jobs]
        assert isinstance(busy.exception(), DecodeError)
    assert all(isinstance(error, ServiceUnavailable) and error.retry_after_s == 1 for error in errors)
    assert single.compress(PICTURE, Options()).width == 160


def test_close_leaves_no_process() -> None:
    """After close all children are gone, jobs in them fail as unavailable, and new ones are refused."""
    made = EnginePool(2, command=COMMAND)
    made.start(wait=False)
    pids = {int(ask(made, b"pid")) for _ in range(4)}
    outcome: list[BaseException | None] = []
    with ThreadPoolExecutor(1) as threads:
        job = threads.submit(made.compress, b"sleep", Options())
        time.sleep(0.3)
        made.close()
        outcome.append(job.exception())
    assert isinstance(outcome[0], ServiceUnavailable)
    assert all(ends_soon(pid) for pid in pids)
    with pytest.raises(ServiceUnavailable):
        made.compress(PICTURE, Options())
    made.close()


def test_child_that_does_not_start() -> None:
    """A broken installation is a fault at start, and leaves nothing behind."""
    made = EnginePool(1, command=(*COMMAND, "--no-start"))
    with pytest.raises(EngineFault, match="did not start"):
        made.start()
    with pytest.raises(ServiceUnavailable):
        made.compress(PICTURE, Options())


def test_no_process_to_be_had(single: EnginePool, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the system gives no process, requests fault until it does again; the pool does not shrink."""
    (child,) = single._children
    child.process.kill()
    child.process.wait()

    def none(*_: object, **__: object) -> None:
        raise BlockingIOError

    with monkeypatch.context() as patch:
        patch.setattr("minipic_engine.child.subprocess.Popen", none)
        for _ in range(2):
            with pytest.raises(EngineFault):
                single.compress(PICTURE, Options())
    assert single.compress(PICTURE, Options()).width == 160


def test_no_orphans() -> None:
    """Children end by themselves when their parent is killed."""
    code = (
        "import sys, time\nfrom minipic_engine import EnginePool\npool = EnginePool(2)\npool.start()\n"
        "print(*(child.process.pid for child in pool._children), flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        parent.kill()
    assert all(ends_soon(pid) for pid in pids)


def test_frames_on_the_wire() -> None:
    """Frames come out as they went in; a cut or oversized one is refused, an empty stream is the end."""
    stream = io.BytesIO()
    wire.write_frame(stream, {"a": 1}, b"body")
    data = stream.getvalue()
    assert wire.read_frame(io.BytesIO(data)) == ({"a": 1}, b"body")
    assert wire.read_frame(io.BytesIO()) is None
    for broken in (data[:5], data[:15], data[:-1], b"\xff" * 12):
        with pytest.raises(wire.BrokenFrameError):
            wire.read_frame(io.BytesIO(broken))


def served(*jobs: tuple[bytes, Options], by: worker.Compress) -> list[tuple[wire.Fields, bytes]]:
    """Return the replies of the worker's loop, in process."""
    requests, replies = io.BytesIO(), io.BytesIO()
    for data, options in jobs:
        wire.write_frame(requests, wire.from_options(options), data)
    requests.seek(0)
    worker.serve(requests, replies, by)
    replies.seek(0)
    return list(iter(lambda: wire.read_frame(replies), None))


def test_loop_of_the_worker() -> None:
    """The loop says that it is ready, and answers results, errors and faults in order."""

    def by(data: bytes, options: Options) -> Compressed:
        if data == b"complex":
            raise ImageTooComplex("too much")
        if data == b"panic":
            raise BaseException("a panic")
        return Compressed(data, options.formats[0] if options.formats else ImageFormat.PNG, 3, 4, reduced_effort=True)

    options = Options(quality=7, formats=(ImageFormat.WEBP,), background=(1, 2, 3))
    ready, result, error, fault = served((b"x", options), (b"complex", Options()), (b"panic", Options()), by=by)
    assert ready[0] == {"status": "ready"}
    assert wire.to_result(*result) == Compressed(b"x", ImageFormat.WEBP, 3, 4, reduced_effort=True)
    assert isinstance(wire.to_error(error[0]), ImageTooComplex)
    assert "a panic" in fault[0]["traceback"]
    assert wire.to_options(wire.from_options(options)) == options
    with pytest.raises(KeyboardInterrupt):
        served((b"x", Options()), by=lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))


def test_worker_in_process() -> None:
    """What the product's children load compresses, warmed up for every format."""
    assert worker.load_pipeline()(PICTURE, Options()) == compress(PICTURE, Options())


def test_photo_round_trip() -> None:
    """The product's own command works."""
    made = EnginePool(1)
    made.start()
    try:
        data = saved(photo(), "JPEG", quality=95)
        assert made.compress(data, Options()) == compress(data, Options())
    finally:
        made.close()
