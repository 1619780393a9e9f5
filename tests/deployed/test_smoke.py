import json
import os
import subprocess
import sys
from typing import Any

from minipic.settings import PROJECT_FOLDER
from tests.deployed.homes import Home
from tests.loopback import free_port


def _smoke(home: Home, key: str, *arguments: str, base_url: str = "") -> subprocess.CompletedProcess[str]:
    """Run the operator's check as `make smoke` does."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MINIPIC_")}
    environment |= {"SSL_CERT_FILE": str(home.authority)} if home.authority else {}
    return subprocess.run(
        [sys.executable, "-m", "tools.smoke", base_url or home.base_url, *arguments],
        cwd=PROJECT_FOLDER, env=environment | {"MINIPIC_KEY": key}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def _failed(done: subprocess.CompletedProcess[str]) -> set[str]:
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["is_ok"] == (done.returncode == 0)
    return {check["name"] for check in report["checks"] if not check["is_ok"]}


def test_a_good_deployment_passes(home: Home, key: str) -> None:
    """Every check holds, a line each, for five images; the key is not in what is printed."""
    done = _smoke(home, key)
    assert done.returncode == 0, done.stdout + done.stderr
    first, *checks, last = done.stdout.splitlines()
    assert first.endswith("this costs 5 images.")
    assert all(line.startswith("ok ") for line in checks)
    assert last == f"{len(checks)} of {len(checks)} hold."
    assert "the count rose by exactly what was done: by 5" in done.stdout
    assert key not in done.stdout + done.stderr


def test_a_sandbox_key_passes_for_nothing(home: Home) -> None:
    """With a sandbox key the same holds, and nothing is counted."""
    assert _failed(_smoke(home, home.new_key(test=True), "--json")) == set()


def test_a_wrong_key_fails(home: Home) -> None:
    """With a wrong key all checks that need one fail, the others hold, and the exit code says so."""
    failed = _failed(_smoke(home, "wrong", "--json"))
    assert {"the key is good", "shrink", "compress"} <= failed
    assert not {"health", "no key is 401 in our words"} & failed


def test_no_service_fails(home: Home) -> None:
    """Where nobody answers every check fails and says why, without a traceback."""
    done = _smoke(home, "mp_live_x", base_url=f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 1
    assert "FAILED  health: no answer: ConnectionRefusedError" in done.stdout
    assert done.stderr == ""


def test_without_a_key_nothing_is_tried(home: Home) -> None:
    """A missing key is exit code 2 and says how it is done."""
    done = _smoke(home, "")
    assert done.returncode == 2
    assert "make smoke BASE_URL=" in done.stderr
