"""SeaweedFS, an S3 server that checks signatures, policies and their end, which MiniStack does not."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from minipic.stores.aws.clients import make_clients
from tests.aws_stack.server import GUARD, NotStarted
from tests.aws_stack.template import PROJECT_FOLDER
from tests.loopback import free_port

BUCKET = "minipic-strict"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test-secret", "AWS_EC2_METADATA_DISABLED": "true"}
START_TIMEOUT_S = 60
_IDENTITY = {
    "name": "test",
    "credentials": [{"accessKey": CREDENTIALS["AWS_ACCESS_KEY_ID"], "secretKey": CREDENTIALS["AWS_SECRET_ACCESS_KEY"]}],
    "actions": ["Admin", "Read", "Write", "List", "Tagging"],
}


def _executable() -> Path:
    path = PROJECT_FOLDER / ".venvs" / "seaweedfs" / "bin" / "weed"
    if not path.exists():
        raise NotStarted(f"{path} is missing: make .venvs/seaweedfs/ready")
    return path


@contextmanager
def running_seaweedfs(folder: Path) -> Iterator[str]:
    """Yield the endpoint of a fresh server with an empty bucket; CREDENTIALS have to be in the environment."""
    (folder / "s3.json").write_text(json.dumps({"identities": [_IDENTITY]}))
    port, s3_grpc_port, *others = (free_port() for _ in range(8))
    names = [f"{part}.port{kind}" for part in ("master", "volume", "filer") for kind in ("", ".grpc")]
    ports = dict(zip(names, others, strict=True))
    options = {
        "dir": str(folder),
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "master.telemetry": "false",
        "master.volumeSizeLimitMB": "16",
        "volume.max": "8",
        "filer": "true",
        "s3": "true",
        "s3.port": str(port),
        "s3.port.grpc": str(s3_grpc_port),
        "s3.port.iceberg": "0",
        "s3.port.lance": "0",
        "s3.iam": "false",
        "s3.config": str(folder / "s3.json"),
        **{name: str(number) for name, number in ports.items()},
    }
    command = [sys.executable, str(GUARD), str(_executable()), "server"]
    with (folder / "seaweedfs.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, *(f"-{name}={value}" for name, value in options.items())],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={"WEED_S3_SSE_KEY": "test", "PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder)},
            cwd=folder,
            start_new_session=True,
        )
    try:
        endpoint_url = f"http://127.0.0.1:{port}"
        _make_bucket(endpoint_url, folder)
        yield endpoint_url
    finally:
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.wait()
        for number in {value for name, value in options.items() if ".port" in name and value != "0"}:
            for socket_file in Path("/tmp").glob(f"seaweedfs-*-{number}.sock"):  # it knows no other place for them
                socket_file.unlink(missing_ok=True)


def _make_bucket(endpoint_url: str, folder: Path) -> None:
    _, s3 = make_clients("eu-central-1", endpoint_url)
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline_s:
        with contextlib.suppress(ClientError, ConnectionError, HTTPClientError):
            s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
            return
        time.sleep(0.1)
    raise NotStarted((folder / "seaweedfs.log").read_text(errors="replace"))
