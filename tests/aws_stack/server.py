"""MiniStack, a stand-in for AWS on this machine: started on a free port of the loopback, gone with its starter."""

import contextlib
import os
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.aws_stack.template import PROJECT_FOLDER
from tests.e2e.tls import make_certificates
from tests.loopback import free_port

START_TIMEOUT_S = 60
GUARD = Path(__file__).with_name("guard.py")


class NotStarted(RuntimeError):
    """MiniStack is not installed, or did not come up."""


def _executable() -> Path:
    installed = PROJECT_FOLDER / ".venvs" / "ministack" / "bin" / "ministack"
    path = installed if installed.exists() else Path(os.environ.get("MINISTACK", installed))
    if not path.exists():
        raise NotStarted(f"{path} is missing: make .venvs/ministack/ready")
    return path


@contextmanager
def running_ministack(folder: Path, **settings: str) -> Iterator[str]:
    """Yield the endpoint of a fresh MiniStack that keeps its files in ``folder``; ``settings`` are its variables."""
    scheme = "https" if "USE_SSL" in settings else "http"
    port = free_port()
    with _process(port, folder, settings) as process:
        endpoint_url = f"{scheme}://127.0.0.1:{port}"
        if not _wait_until_healthy(endpoint_url, process):
            raise NotStarted((folder / "ministack.log").read_text())
        yield endpoint_url


@contextmanager
def running_strict_ministack(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the endpoint of a MiniStack that checks, and the certificate of the authority to trust for its TLS.

    It lets a function do what its role and the bucket's policy allow, and nothing else.
    """
    folder.mkdir(parents=True, exist_ok=True)
    authority, certificate = make_certificates(folder)
    settings = {
        "AUTH": "true",
        "USE_SSL": "1",
        "MINISTACK_SSL_CERT": str(certificate),
        "MINISTACK_SSL_KEY": str(certificate),
        "AWS_CA_BUNDLE": str(authority),  # the functions inherit it
    }
    with running_ministack(folder, **settings) as endpoint_url:
        yield endpoint_url, authority


@contextmanager
def _process(port: int, folder: Path, settings: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    folder.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))} | {
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "LOG_LEVEL": "WARNING",
        "S3_DATA_DIR": str(folder / "s3"),
        "TMPDIR": str(folder),
        **settings,
    }
    command = [sys.executable, str(GUARD), str(_executable())]
    with (folder / "ministack.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=environment,
            cwd=folder,
            start_new_session=True,  # a Ctrl-C is for the tests: the guard must live to end MiniStack
        )
    try:
        yield process
    finally:
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()  # the guard ends MiniStack, as it would if this process were killed
        process.wait()


def _wait_until_healthy(endpoint_url: str, process: subprocess.Popen[bytes]) -> bool:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    unchecked = ssl._create_unverified_context()
    while time.monotonic() < deadline_s and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(f"{endpoint_url}/_ministack/health", timeout=1, context=unchecked).close()
            return True
        time.sleep(0.05)
    return False
