"""What the cost model says that a request asks of AWS, counted while requests run through the whole service."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from benchmarks.cost import model
from starlette.testclient import TestClient

from minipic.domain.keys import Environment
from minipic.local import build_app
from minipic.service.administration import create_account, create_key
from minipic.settings import read_settings
from minipic.stores.aws.accounts import DynamoAccounts
from minipic.stores.aws.clients import make_clients
from minipic.stores.aws.ledger import DynamoLedger
from minipic.stores.aws.projection import LedgerProjection
from minipic.stores.aws.results import S3Results
from minipic.wiring import build_services
from minipic_engine import EnginePool
from tests.aws_stack import AwsStack
from tests.aws_stack.stream import StreamReader
from tests.pictures import photo_jpeg

TRANSACTION = "TransactWriteItems"
WRITES = {"UpdateItem", "PutItem", "DeleteItem", TRANSACTION}
READS = {"GetItem", "Query"}
RESIZE = {"resize": {"method": "scale", "width": 20}}
WRITE_UNIT_BYTES = 1024


class Counted:
    """The service on a stack, and what its stores and its projector sent since they were last asked."""

    def __init__(self, stack: AwsStack, engine: EnginePool) -> None:
        dynamodb, s3 = make_clients(stack.region, stack.endpoint_url)
        self._sent: Counter[str] = Counter()
        for client in (dynamodb, s3):
            client.meta.events.register("before-send", self._count)
        settings = read_settings(stack.environment)
        services = replace(
            build_services(settings),
            accounts=DynamoAccounts(dynamodb, stack.table_name),
            ledger=DynamoLedger(dynamodb, stack.ledger_table_name),
            results=S3Results(s3, stack.bucket_name),
        )
        app, _ = build_app(settings, services, engine)
        self.client = TestClient(app)
        self._projection = LedgerProjection(dynamodb, stack.ledger_table_name)
        self._stream = StreamReader(stack)
        account = create_account(services, "calls", services.plans.free)
        self.key = create_key(services, account.id, "calls", Environment.LIVE).text
        self.written: list[dict[str, Any]] = []

    def _count(self, request: Any, event_name: str, **_: Any) -> None:
        name = event_name.rpartition(".")[2]
        # In a transaction each item costs two units.
        self._sent[name] += 2 * len(json.loads(request.body)["TransactItems"]) if name == TRANSACTION else 1

    def ask(self, method: str, path: str, by_key: bool = True, **request: Any) -> tuple[Any, model.Calls]:
        """Send a request, let its line be projected, and return the answer with the calls of both."""
        self._sent.clear()
        headers = {"X-API-Key": self.key} if by_key else {}
        answer = self.client.request(method, path, headers=headers, **request)
        assert answer.status_code in (200, 201), answer.text
        own = Counter(self._sent)
        self._sent.clear()
        self.written = [record["dynamodb"] for record in self._stream.read() if is_account(record)]
        for record in self.written:
            self._projection.project(record)
        lines = self._sent
        return answer, model.Calls(
            writes=total(own, WRITES),
            reads=total(own, READS),
            puts=own["PutObject"],
            gets=own["GetObject"] + own["HeadObject"],
            ledger_writes=total(lines, WRITES),
            ledger_reads=total(lines, READS),
        )


def is_account(record: dict[str, Any]) -> bool:
    return bool(record["dynamodb"]["Keys"]["sk"]["S"] == "STATE")  # the stream's filter


def total(sent: Counter[str], names: set[str]) -> int:
    return sum(sent[name] for name in names)


def item_bytes(value: dict[str, Any]) -> int:
    """Return the size of an attribute's value as DynamoDB counts it, on the safe side for numbers."""
    ((kind, held),) = value.items()
    if kind == "M":
        return 3 + sum(len(name) + 1 + item_bytes(part) for name, part in held.items())
    if kind == "L":
        return 3 + sum(1 + item_bytes(part) for part in held)
    return len(held) if kind in ("S", "B") else 1 if kind in ("BOOL", "NULL") else 2 + (len(held) + 1) // 2


@pytest.fixture(scope="module")
def counted(aws_stack: AwsStack) -> Iterator[Counted]:
    engine = EnginePool(1)
    engine.start()
    service = Counted(aws_stack, engine)
    service.ask("POST", "/v1/compress", content=photo_jpeg(32, 32))  # after it the process knows the key
    yield service
    service.client.close()
    engine.close()


def test_compress(counted: Counted) -> None:
    """/v1/compress asks of the stores what the cost model says."""
    assert counted.ask("POST", "/v1/compress", content=photo_jpeg(64, 48))[1] == model.COMPRESS


def test_shrink_download_and_derive(counted: Counted) -> None:
    """/shrink, a download either way and an operation ask of the stores what the cost model says."""
    shrunk, calls = counted.ask("POST", "/shrink", content=photo_jpeg(64, 48))
    assert calls == model.SHRINK
    path = shrunk.headers["Location"]
    assert counted.ask("GET", path)[1] == model.DOWNLOAD_BY_KEY
    link = shrunk.json()["output"]["url"].partition("?")[2]
    assert counted.ask("GET", f"{path}?{link}", by_key=False)[1] == model.DOWNLOAD_BY_LINK
    assert counted.ask("POST", path, json=RESIZE)[1] == model.DERIVE


def test_an_account_costs_one_unit_a_write(counted: Counted) -> None:
    """An account's item with a key, a lease, a year of months and a pack of credits is below the 1 KB of a unit."""
    counted.ask("POST", "/shrink", content=photo_jpeg(64, 48))
    largest = max(item_bytes({"M": record["NewImage"]}) for record in counted.written)
    months = 3 * 12 * (6 + 1 + 4)  # images, free ones and sandbox calls: a name and a number each
    pack = 80
    assert largest + months + pack < WRITE_UNIT_BYTES
