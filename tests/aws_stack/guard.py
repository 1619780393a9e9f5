"""Run a command until it ends or whoever started this goes away, however suddenly: then end the command."""

import contextlib
import os
import signal
import subprocess
import sys
import threading

GRACE_S = 3


def main() -> int:
    """Run the arguments as a command; standard input is a pipe that closes when the starter dies."""
    server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)

    def end_with_starter() -> None:
        sys.stdin.buffer.read()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(GRACE_S)
            os.killpg(server.pid, signal.SIGKILL)

    threading.Thread(target=end_with_starter, daemon=True).start()
    return server.wait()


if __name__ == "__main__":
    sys.exit(main())
