import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.aws_stack import PROJECT_FOLDER

# What a shell starts in the background has Ctrl-C ignored, and its programs, too.
STARTER = """
import signal, sys, time
from pathlib import Path
from tests.aws_stack import running_stack
signal.signal(signal.SIGINT, signal.default_int_handler)
with running_stack(Path(sys.argv[1])) as stack:
    print(stack.endpoint_url, flush=True)
    time.sleep(60)
"""
GONE_WITHIN_S = 15


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_no_stand_in_outlives_its_starter(tmp_path: Path, how: signal.Signals) -> None:
    """MiniStack ends with the process that started it, interrupted or killed, together with all of its group."""
    command = [sys.executable, "-c", STARTER, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PROJECT_FOLDER), str(PROJECT_FOLDER / "shared")])}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
        start_new_session=True,
    ) as starter:
        assert starter.stdout is not None
        port = int(starter.stdout.readline().rpartition(":")[2])
        assert is_listening(port)
        os.killpg(starter.pid, how)
        starter.wait()
    deadline_s = time.monotonic() + GONE_WITHIN_S
    while is_listening(port) and time.monotonic() < deadline_s:
        time.sleep(0.1)
    assert not is_listening(port)
