"""The container's command as a process, its stores on AWS's stand-ins: what the large lane is for."""

import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import boto3
import numpy as np
import pytest
import tinify
from PIL import Image

from minipic.settings import DEFAULT_PLANS, MIB
from minipic.stores.aws.clients import make_clients, make_dynamodb_client
from minipic.stores.aws.projection import LedgerProjection
from tests.aws_stack import AwsStack, running_stack
from tests.aws_stack.stream import StreamReader
from tests.e2e.processes import children, cpu_ticks
from tests.e2e.python_client import pointed_at
from tests.e2e.server import PROJECT_FOLDER, Server, running, wait_until
from tests.e2e.wire import Connection, Reply, basic, call, count, head, shrink
from tests.loopback import free_port
from tests.pictures import opened, photo_jpeg

SIDE = 5260
LAMBDA_CARRIES = 4_500_000  # bytes of image, each way
PUBLIC_URL = "https://img.example.com"
BUSY_TICKS = 20
DEFAULT_BODY_MEMORY = 160
LARGEST_BYTES = DEFAULT_PLANS["paid"].max_bytes


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsStack]:
    """Empty tables and an empty bucket."""
    with running_stack(tmp_path_factory.mktemp("aws")) as one:
        yield one


@pytest.fixture(scope="module")
def lane(stack: AwsStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A task of two cores as large-lane.yaml sets it, but for its name in public."""
    folder = tmp_path_factory.mktemp("lane")
    with running(folder, **stack.environment, MINIPIC_ENGINE_CHILDREN="2", MINIPIC_BODY_MEMORY="640") as server:
        yield server


@pytest.fixture(scope="module")
def tiff(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An uncompressed photo-like TIFF of 79 MB, which the paid plan just allows."""
    slope = np.linspace(0, 240, SIDE, dtype=np.uint8)
    pixels = np.random.default_rng(8).integers(0, 4, (SIDE, SIDE, 3), dtype=np.uint8)
    pixels += slope[:, None, None] // 2 + slope[None, :, None] // 2
    path = tmp_path_factory.mktemp("tiff") / "large.tiff"
    Image.fromarray(pixels).save(path)
    assert 79 * MIB < path.stat().st_size < LARGEST_BYTES
    return path.read_bytes()


def peak_bytes(pid: int) -> int:
    """Return the most memory that a process ever held."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def test_eighty_megabytes_by_the_unchanged_client(lane: Server, tiff: bytes) -> None:
    """The official client sends 79 MB to /shrink and downloads the result, larger than Lambda carries, as it is."""
    idle_bytes = peak_bytes(lane.pid)
    with pointed_at(lane, lane.new_key("paid")):
        result = tinify.from_buffer(tiff).to_buffer()
    assert LAMBDA_CARRIES < len(result) < len(tiff)
    smaller = opened(result)
    assert (smaller.format, smaller.size) == ("TIFF", (SIDE, SIDE))
    assert smaller.tobytes() == Image.frombytes("RGB", smaller.size, tiff[-SIDE * SIDE * 3 :]).tobytes()
    assert peak_bytes(lane.pid) < idle_bytes + 3 * len(tiff)


def test_nothing_is_a_redirect(lane: Server, tiff: bytes) -> None:
    """Large results come with 200 wherever Lambda would send to the storage: downloads, operations, /v1/compress."""
    key = lane.new_key("paid")
    location = shrink(lane, key, tiff)["Location"]
    download = call(lane, "GET", location, key)
    assert download.status == 200
    assert len(download.body) > LAMBDA_CARRIES
    resized = call(
        lane, "POST", location, key, body=json.dumps({"resize": {"method": "scale", "width": 2600}}).encode()
    )
    assert (resized.status, resized["Image-Width"]) == (200, "2600")
    older = call(lane, "GET", location, key, body=json.dumps({"resize": {"method": "scale", "width": 100}}).encode())
    assert (older.status, older["Image-Width"]) == (200, "100")
    compressed = call(lane, "POST", "/v1/compress?quality=lossless", key, body=tiff)
    assert compressed.status == 200
    assert len(compressed.body) > LAMBDA_CARRIES
    assert count(lane, key) == 4


def test_addresses_are_those_of_the_one_name(stack: AwsStack, tmp_path: Path) -> None:
    """Behind the balancer, which speaks plain HTTP to a task, all addresses are HTTPS under the public name."""
    with running(tmp_path, **stack.environment, MINIPIC_PUBLIC_URL=PUBLIC_URL, MINIPIC_ENGINE_CHILDREN="1") as server:
        key = server.new_key()
        forwarded = [("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "192.0.2.7"), basic(key)]
        reply = call(server, "POST", "/shrink", fields=forwarded, body=photo_jpeg())
        assert reply["Location"].startswith(f"{PUBLIC_URL}/output/")
        assert reply.json["output"]["url"].startswith(f"{PUBLIC_URL}/output/")
        assert call(server, "GET", "/metrics", fields=forwarded).status == 404


def test_a_form_for_a_large_file_is_the_buckets(lane: Server, stack: AwsStack) -> None:
    """POST /v1/uploads gives a form of the bucket, as the functions do."""
    body = json.dumps({"size": LARGEST_BYTES}).encode()
    offer = call(lane, "POST", "/v1/uploads", lane.new_key("paid"), [("Content-Type", "application/json")], body)
    assert offer.status == 201
    assert stack.bucket_name in offer.json["url"]


def test_a_job_is_queued_for_the_stacks_worker(lane: Server, stack: AwsStack) -> None:
    """POST /api/optimize answers at once, and the job waits in the queue of the main stack: no task takes it."""
    accepted = call(lane, "POST", "/api/optimize", lane.new_key(), body=photo_jpeg())
    assert accepted.json["data"]["status"] == "processing"
    sqs = boto3.client("sqs", region_name=stack.region, endpoint_url=stack.endpoint_url)
    (message,) = sqs.receive_message(QueueUrl=stack.queue_urls["JobsQueue"], WaitTimeSeconds=5)["Messages"]
    assert str(accepted.json["data"]["image_id"]) in message["Body"]


def test_the_images_health_check(lane: Server) -> None:
    """The command of the Dockerfile's HEALTHCHECK ends with 0 while the service answers, and not when nobody does."""
    dockerfile = re.sub(r"\\\n", "", (PROJECT_FOLDER / "Dockerfile").read_text())
    (command,) = re.findall(r"^HEALTHCHECK .* CMD (\[.*\])$", dockerfile, re.MULTILINE)
    _, *arguments = json.loads(command)

    def exit_code(port: int) -> int:
        done = subprocess.run([sys.executable, *arguments], env={"PORT": str(port)}, capture_output=True, check=False)
        return done.returncode

    assert exit_code(lane.port) == 0
    assert exit_code(free_port()) != 0


def test_a_task_leaves_the_stacks_work_to_the_stack(stack: AwsStack, tmp_path: Path) -> None:
    """A task makes no account and prints no key; the ledger's lines come of the stream, not of the task."""
    with running(tmp_path, **stack.environment, MINIPIC_ENGINE_CHILDREN="1") as server:
        assert "mp_live_" not in server.output
        key, stream = server.new_key(), StreamReader(stack)
        shrink(server, key, photo_jpeg())
        assert call(server, "GET", "/v1/ledger", key).json["lines"] == []
        client = make_dynamodb_client(stack.region, stack.endpoint_url)
        projection = LedgerProjection(client, stack.ledger_table_name)
        for record in stream.read():
            if record["dynamodb"]["Keys"]["sk"]["S"] == "STATE":
                projection.project(record["dynamodb"])
        (line,) = call(server, "GET", "/v1/ledger", key).json["lines"]
        assert (line["seq"], line["operation"], line["images"]) == (1, "shrink", 1)
    names = {str(account["name"]) for account in server.admin("accounts", "list")["accounts"]}
    assert "demo" not in names


def test_sigterm_lets_a_large_request_finish(stack: AwsStack, tmp_path: Path, tiff: bytes) -> None:
    """A request in work when SIGTERM comes is answered, stored and counted; then the process ends with code 0."""
    server = Server(tmp_path, **stack.environment, MINIPIC_ENGINE_CHILDREN="1")
    server.start()
    try:
        account = server.new_account("paid")
        key = server.new_key(account=account)
        (engine,) = children(server.pid)
        before = cpu_ticks(engine)
        replies: list[Reply] = []
        request = threading.Thread(target=lambda: replies.append(shrink(server, key, tiff)))
        request.start()
        wait_until(lambda: cpu_ticks(engine) > before + BUSY_TICKS, "a picture in work")
        assert not replies
        assert server.signal(signal.SIGTERM) == 0
        request.join()
    finally:
        server.end()
    (reply,) = replies
    result_id = reply["Location"].rpartition("/")[2]
    _, s3 = make_clients(stack.region, stack.endpoint_url)
    stored = s3.list_objects_v2(Bucket=stack.bucket_name, Prefix="results/")["Contents"]
    assert any(one["Key"].endswith(result_id) for one in stored)
    assert server.admin("accounts", "show", account)["images_this_month"] == 1


@pytest.mark.parametrize(("body_memory", "status"), [(DEFAULT_BODY_MEMORY, 503), (640, 100)])
def test_large_bodies_at_once(stack: AwsStack, tmp_path: Path, body_memory: int, status: int) -> None:
    """While one body of 80 MB is on its way another is let in where there is memory for two, else refused."""
    settings = {"MINIPIC_ENGINE_CHILDREN": "1", "MINIPIC_BODY_MEMORY": str(body_memory)}
    with running(tmp_path, **stack.environment, **settings) as server:
        fields = [basic(server.new_key("paid")), ("Content-Length", str(LARGEST_BYTES)), ("Expect", "100-continue")]
        with Connection(server) as one, Connection(server) as other:
            one.send(head("POST", "/shrink", fields))
            assert one.reply(bodiless=True).status == 100
            other.send(head("POST", "/shrink", fields))
            assert other.reply(bodiless=True).status == status
