import json
import os
import re
import shlex
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.e2e.processes import children, is_alive
from tests.e2e.server import PROJECT_FOLDER, Server, running, wait_until
from tests.e2e.wire import Connection, call, count, shrink
from tests.pictures import opened, tiny_png

KEY = re.compile(r"mp_live_[A-Za-z0-9]+")


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """A service that was never started."""
    return Server(tmp_path, MINIPIC_ENGINE_CHILDREN="1")


def test_the_key_is_printed_before_the_port_answers(tmp_path: Path) -> None:
    """When the port first answers, the output already holds the demo account's key, which works."""
    with running(tmp_path, MINIPIC_ENGINE_CHILDREN="1") as server:
        (key,) = set(KEY.findall(server.output))
        assert count(server, key) == 0


def test_the_printed_curl_line_works_as_it_is(service: Server, tmp_path: Path) -> None:
    """The curl line of the first start, pasted into a shell, leaves a smaller JPEG of the same size in pixels."""
    (line,) = (line.strip() for line in service.output.splitlines() if line.strip().startswith("curl "))
    done = subprocess.run(["/bin/sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (result,) = tmp_path.iterdir()
    sample = next(Path(word[1:]) for word in shlex.split(line) if word.startswith("@"))
    smaller, original = opened(result.read_bytes()), opened(sample.read_bytes())
    assert (smaller.format, smaller.size) == ("JPEG", original.size)
    assert result.stat().st_size < sample.stat().st_size


def test_the_readmes_line_can_be_sent_again(service: Server, key: str) -> None:
    """README's line with an Idempotency-Key prints the same answer twice, and one image is counted."""
    readme = (PROJECT_FOLDER / "README.md").read_text()
    (line,) = (line for line in readme.splitlines() if line.startswith("curl ") and "Idempotency-Key" in line)
    line = line.replace("http://127.0.0.1:8000", service.base_url)
    command, environment = ["/bin/sh", "-c", line], {**os.environ, "KEY": key}
    answers = {subprocess.check_output(command, cwd=PROJECT_FOLDER, env=environment, text=True) for _ in range(2)}
    assert json.loads(answers.pop())["output"]["size"] > 0
    assert not answers
    assert count(service, key) == 1


def test_a_second_start_keeps_accounts_and_prints_no_key(server: Server) -> None:
    """After a restart the demo key still works, its count stands, and no key is printed again."""
    try:
        server.start()
        key = server.demo_key
        shrink(server, key, tiny_png())
        server.end()
        server.start()
        assert KEY.search(server.output) is None
        assert len(server.admin("accounts", "list")["accounts"]) == 1
        assert count(server, key) == 1
    finally:
        server.end()


def test_healthz_needs_no_key(service: Server) -> None:
    """GET /healthz is 200 without a key."""
    reply = call(service, "GET", "/healthz")
    assert (reply.status, reply.json) == (200, {"status": "ok"})


def test_the_front_page_links_to_the_documentation(service: Server) -> None:
    """GET / is an HTML page whose links to the documentation and to openapi.json lead somewhere."""
    page = call(service, "GET", "/")
    assert (page.status, page["Content-Type"]) == (200, "text/html; charset=utf-8")
    links = set(re.findall(r'href="([^":]+)"', page.body.decode()))
    assert {"docs", "openapi.json"} <= {link.removeprefix("/") for link in links}
    for link in links:
        assert call(service, "GET", "/" + link.removeprefix("/")).status == 200
    assert "/shrink" in call(service, "GET", "/openapi.json").json["paths"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_service_cleanly(server: Server, number: signal.Signals) -> None:
    """SIGINT and SIGTERM end the process with code 0, without a traceback, and no child stays behind."""
    try:
        server.start()
        engine = children(server.pid)
        assert engine
        code = server.signal(number)
        wait_until(lambda: not any(map(is_alive, engine)), "the end of the engine's children")
        assert "Traceback" not in server.output
        assert code == 0
    finally:
        server.end()


def test_an_idle_connection_does_not_hold_up_the_stop(server: Server) -> None:
    """A client that keeps its connection open without asking anything does not keep the service from stopping."""
    try:
        server.start()
        with Connection(server) as connection:
            assert connection.exchange("GET", "/healthz").status == 200
            server.signal(signal.SIGTERM)
            assert connection.rest() == b""
    finally:
        server.end()


def test_a_port_in_use_is_said_plainly(server: Server) -> None:
    """When the port is taken, the process ends with an error and one line that names the port; no traceback."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", server.port))
        other.listen()
        server.launch()
        try:
            code = server.wait()
        finally:
            server.end()
    assert code > 0
    assert "Traceback" not in server.output
    (line,) = (line for line in server.output.splitlines() if "in use" in line)
    assert str(server.port) in line


@pytest.mark.parametrize(
    ("variable", "value"),
    [("MINIPIC_LINK_MODE", "banana"), ("PORT", "eighty"), ("MINIPIC_RESULT_TTL", "0"), ("MINIPIC_PLANS", "{")],
)
def test_a_wrong_setting_is_said_plainly(tmp_path: Path, variable: str, value: str) -> None:
    """A setting that cannot be meant ends the process with an error and one line that names the variable."""
    server = Server(tmp_path, **{variable: value})
    server.launch()
    try:
        code = server.wait()
    finally:
        server.end()
    assert code > 0
    (line,) = server.output.splitlines()
    assert variable in line
    assert value in line


def test_a_taken_data_folder_path_is_said_plainly(tmp_path: Path) -> None:
    """A data folder that is a file ends the process with an error that names it; no traceback."""
    server = Server(tmp_path)
    server.data_folder.write_text("a file")
    server.launch()
    try:
        code = server.wait()
    finally:
        server.end()
    assert code > 0
    assert "Traceback" not in server.output
    assert str(server.data_folder) in server.output


def test_make_run_runs_what_these_tests_run() -> None:
    """`make run` starts the very module that the tests start."""
    command = ["make", "--dry-run", "--no-print-directory", "run"]
    done = subprocess.run(command, cwd=PROJECT_FOLDER, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].endswith("python -m minipic.local")
