"""Where the key and the address come from."""

import json
import os
import pty
from contextlib import suppress
from pathlib import Path

import pytest

from tests.clients.command import COMMAND, Command
from tests.clients.front import Front, Says
from tests.e2e.equipped import Equipped
from tests.pictures import tiny_png

FOLDER = Path(__file__).parent
USAGE = json.dumps({
    "month": "2026-11", "plan": "free", "count": 0, "free": {"used": 0, "limit": 9, "remaining": 9},
    "credits": {"remaining": 0}, "bytes_in": 0, "bytes_out": 0, "limits": {"max_bytes": 9},
}).encode()  # fmt: skip


@pytest.fixture
def home(service: Equipped, tmp_path: Path) -> Command:
    """The command with a keyring and an empty environment."""
    return Command(
        tmp_path,
        PYTHON_KEYRING_BACKEND="file_keyring.FileKeyring",
        PYTHONPATH=str(FOLDER),
        FILE_KEYRING=str(tmp_path / "keyring.json"),
    )


def _kept(home: Command) -> dict[str, str]:
    kept: dict[str, str] = json.loads(Path(home.variables["FILE_KEYRING"]).read_text())
    return kept


def test_login_and_logout(service: Equipped, key: str, home: Command) -> None:
    """A key from standard input is tried, kept with its address, used by later calls, and removed by logout."""
    home.write("a.png", tiny_png())
    assert home.run("usage").code == 2
    done = home.run("login", "--url", service.base_url + "/", stdin=f"{key}\n".encode())
    assert done.code == 0, done.text
    assert "is good, and kept" in done.text
    assert key not in done.text
    assert _kept(home) == {f"minipic {service.base_url}": key, "minipic address": service.base_url}
    assert home.run("a.png", "--in-place").code == 0
    assert home.run("logout").code == 0
    assert _kept(home) == {}
    assert "There was no key" in home.run("logout").text


def test_a_key_belongs_to_its_address(service: Equipped, key: str, home: Command) -> None:
    """A key that was kept for one address is sent to no other."""
    assert home.run("login", "--url", service.base_url, stdin=key.encode()).code == 0
    home.variables["MINIPIC_URL"] = f"http://localhost:{service.port}"
    done = home.run("usage")
    assert done.code == 2
    assert "There is no key for http://localhost" in done.text


def test_the_environment_comes_first(service: Equipped, key: str, home: Command) -> None:
    """A key in the environment is used instead of the one in the keyring, and login says so."""
    home.variables |= {"MINIPIC_API_KEY": "mp_live_anotherone", "MINIPIC_URL": service.base_url}
    assert "MINIPIC_API_KEY and MINIPIC_URL in the environment" in home.run("login", stdin=key.encode()).text
    assert home.run("usage").code == 4
    home.variables["MINIPIC_API_KEY"] = ""
    assert home.run("usage").code == 0


def test_a_wrong_key_is_not_kept(service: Equipped, home: Command) -> None:
    """A key that the service refuses is not kept: exit code 4."""
    assert home.run("login", "--url", service.base_url, stdin=b"mp_live_wrongwrong").code == 4
    assert not Path(home.variables["FILE_KEYRING"]).exists()


def test_without_a_keyring(service: Equipped, key: str, home: Command) -> None:
    """Where there is no keyring login says what to do instead, and does not repeat the key."""
    home.variables["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    done = home.run("login", "--url", service.base_url, stdin=key.encode())
    assert done.code == 2
    assert "Set MINIPIC_API_KEY in the environment instead" in done.text
    assert key not in done.text


def test_a_locked_keyring(front: Front, home: Command) -> None:
    """A keyring that cannot be opened never means the public service: nothing is sent, exit code 2."""
    home.write("a.png", tiny_png())
    home.variables |= {"FILE_KEYRING": str(home.folder), "MINIPIC_API_KEY": "mp_live_somebodyskey"}
    done = home.run("a.png", "--in-place")
    assert (done.code, "unlock it, or set MINIPIC_API_KEY" in done.text) == (2, True)
    assert home.run("logout").code == 2
    front.answers = [Says(200, USAGE)]
    assert home.run("login", "--url", front.url, stdin=b"mp_live_somebodyskey").code == 2
    home.variables["MINIPIC_URL"] = front.url
    assert home.run("usage").code == 0


def test_a_prompt_does_not_echo(service: Equipped, key: str, home: Command) -> None:
    """At a terminal the key is asked for and not shown while it is typed."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(COMMAND, [COMMAND, "login", "--url", service.base_url], home.environment())
    shown = os.read(terminal, 1000)
    os.write(terminal, f"{key}\n".encode())
    with suppress(OSError):  # a terminal that its last program left
        while more := os.read(terminal, 1000):
            shown += more
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0, shown
    assert f"Key for {service.base_url}".encode() in shown
    assert key.encode() not in shown
