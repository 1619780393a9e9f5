"""The clients of AWS as the stores make them: late, rehearsed without a network, with the descriptions of the layer."""

import importlib.util
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import botocore
import pytest
from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import EndpointConnectionError
from botocore.session import Session

from minipic.errors import ServiceUnavailable
from minipic.settings import PROJECT_FOLDER
from minipic.stores.aws.accounts import DynamoAccounts
from minipic.stores.aws.clients import make_clients, make_sqs_client
from minipic.stores.aws.made_late import made_late
from minipic.stores.aws.rehearsal import close_connections, known, rehearsing
from minipic.stores.aws.results import S3Results
from minipic.stores.aws.values import to_attribute
from tests.aws_stack import CREDENTIALS

NOBODY = "http://127.0.0.1:1"
REGION = "eu-central-1"
SERVICES = ("dynamodb", "lambda", "s3", "sqs", "sts")


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have credentials that sign and open nothing."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


def test_what_is_made_late_is_made_once() -> None:
    """It is made at the first use, by one of the threads that use it, and stands in for the thing itself."""
    made: list[dict[str, int]] = []

    def make() -> dict[str, int]:
        made.append({"one": 1})
        return made[0]

    late = made_late(make)
    assert made == []
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda _: late.get("one"), range(32))) == [1] * 32
    assert len(made) == 1


@pytest.mark.parametrize(
    "value",
    ["text", "", 7, -7, True, False, b"bytes", [1, "a", [True]], {"a": {"b": 2}, "c": []}],
)
def test_values_are_those_of_boto3(value: object) -> None:
    """A value is told to DynamoDB as boto3 tells it."""
    assert to_attribute(value) == TypeSerializer().serialize(value)


@pytest.mark.parametrize("value", [1.5, None, object()])
def test_other_values_are_refused(value: object) -> None:
    """No item of ours holds a broken number, or anything without a meaning."""
    with pytest.raises(TypeError, match="no value of an item"):
        to_attribute(value)


def test_a_rehearsal_needs_no_network() -> None:
    """While rehearsing every call succeeds without leaving the process; before and after, calls go out."""
    dynamodb, s3 = make_clients(REGION, NOBODY)
    accounts, results = DynamoAccounts(dynamodb, "table"), S3Results(s3, "bucket")
    for _ in range(2):
        with rehearsing():
            accounts.ping()
            results.ping()
            results.put_original("agradtur5juldvdsukxenwbb6xkboc3s", b"data")
        with pytest.raises(ServiceUnavailable):
            accounts.ping()


def test_the_queue_takes_part_in_rehearsals() -> None:
    """So does SQS."""
    sqs = make_sqs_client(REGION, NOBODY)
    with rehearsing():
        assert (
            sqs.send_message(QueueUrl=f"{NOBODY}/queue", MessageBody="1")["ResponseMetadata"]["HTTPStatusCode"] == 200
        )


def test_connections_are_closed_and_opened_again() -> None:
    """After closing, a client works as before: a connection is made anew when a call wants one."""
    dynamodb, _s3 = make_clients(REGION, NOBODY)
    http: Any = dynamodb._endpoint.http_session  # type: ignore[attr-defined]
    http._manager.connection_from_url(NOBODY)
    assert len(http._manager.pools) == 1
    close_connections()
    assert len(http._manager.pools) == 0
    with pytest.raises(EndpointConnectionError):
        dynamodb.list_tables()


@pytest.fixture(scope="module")
def trimmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Botocore's descriptions as the layer has them."""
    data = tmp_path_factory.mktemp("trimmed") / "data"
    source = Path(botocore.__file__).parent / "data"
    services = (*SERVICES, "ec2")
    for name in services:
        shutil.copytree(source / name, data / name)
    for path in source.glob("*.json"):
        shutil.copy(path, data)
    path = PROJECT_FOLDER / "layers" / "runtime" / "trim_botocore.py"
    spec = importlib.util.spec_from_file_location("trim_botocore", path)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.trim(data, frozenset(SERVICES))
    return data


def test_other_services_are_left_out(trimmed: Path) -> None:
    """What no function calls is not in the layer, and nothing in it has to be unpacked."""
    assert {path.name for path in trimmed.iterdir() if path.is_dir()} == set(SERVICES)
    assert not list(trimmed.rglob("*.gz"))
    assert (trimmed / "endpoints.json").stat().st_size < 100_000


class Sent:
    """Remembers what clients are about to send."""

    def __init__(self) -> None:
        self.requests: list[tuple[Any, ...]] = []

    def __call__(self, request: Any, **_: Any) -> None:
        body = request.body if isinstance(request.body, bytes) else type(request.body)  # S3's is a stream
        self.requests.append((request.method, request.url, body, request.headers.get("Content-Type")))


CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("dynamodb", "get_item", {"TableName": "t", "Key": {"pk": {"S": "a"}}, "ConsistentRead": True}),
    ("dynamodb", "query", {"TableName": "t", "KeyConditionExpression": "pk = pk"}),
    ("s3", "put_object", {"Bucket": "b", "Key": "k", "Body": b"data", "Metadata": {"a": "b"}}),
    ("s3", "get_object", {"Bucket": "b", "Key": "k"}),
    ("s3", "head_object", {"Bucket": "b", "Key": "k"}),
    ("sqs", "send_message", {"QueueUrl": "https://sqs.eu-central-1.amazonaws.com/1/q", "MessageBody": "1"}),
    ("lambda", "invoke", {"FunctionName": "f", "Payload": b"{}"}),
]


def requests_of(session: Session) -> list[tuple[Any, ...]]:
    """Return what the session's clients send for one call of each kind."""
    sent = Sent()
    for service, name, arguments in CALLS:
        client: Any = session.create_client(service, region_name=REGION)
        client.meta.events.register_first("before-send.*.*", sent)
        known(client)
        with rehearsing():
            getattr(client, name)(**arguments)
    return sent.requests


def test_trimmed_descriptions_make_the_same_requests(trimmed: Path) -> None:
    """What a client sends to AWS by the layer's descriptions is what it sends by botocore's own."""
    session = Session()
    loader = session.get_component("data_loader")
    loader.search_paths[:] = [str(trimmed)]
    assert loader.list_available_services("service-2") == sorted(SERVICES)
    assert requests_of(session) == requests_of(Session())
