"""Both stores in fresh places, each with the plainest durable write it can do, to compare with."""

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.aws_stack import running_stack

from minipic.domain.ledger import Line
from minipic.stores import Accounts, Ledger
from minipic.stores.aws.accounts import DynamoAccounts
from minipic.stores.aws.clients import make_clients
from minipic.stores.aws.ledger import DynamoLedger
from minipic.stores.aws.lines import line_item
from minipic.stores.local.accounts import SqliteAccounts
from minipic.stores.local.database import Database
from minipic.stores.local.ledger import SqliteLedger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import WriteRequestTypeDef

LedgerRow = tuple[str, Line]  # of which account
BATCH_ITEMS = 25  # of one BatchWriteItem


@dataclass(frozen=True, slots=True)
class Place:
    """A store. ``bare_write`` is one durable write of one small row; ``calls`` counts round trips, if there are any."""

    name: str
    accounts: Accounts
    ledger: Ledger
    bare_write: Callable[[], None]
    fill: Callable[[list[LedgerRow]], None]
    calls: list[int]
    is_real: bool


@contextmanager
def on_sqlite() -> Iterator[Place]:
    """Yield SQLite in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "minipic.sqlite3")
        with database.writing() as connection:
            connection.execute("CREATE TABLE bare (id INTEGER PRIMARY KEY, n INTEGER NOT NULL) STRICT")
            connection.execute("INSERT INTO bare VALUES (1, 0)")

        def bare_write() -> None:
            with database.writing() as connection:
                connection.execute("UPDATE bare SET n = n + 1 WHERE id = 1")

        def fill(rows: list[LedgerRow]) -> None:
            with database.writing() as connection:
                connection.executemany(
                    "INSERT INTO ledger VALUES (?, ?, ?, ?)",
                    [(account_id, line.month, line.seq, json.dumps(asdict(line))) for account_id, line in rows],
                )

        yield Place("SQLite", SqliteAccounts(database), SqliteLedger(database), bare_write, fill, [0], is_real=True)
        database.close()


@contextmanager
def on_dynamodb() -> Iterator[Place]:
    """Yield DynamoDB's stand-in on this machine: its calls and bytes are those of AWS, its times are not."""
    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder)) as stack:
        client, _ = make_clients(stack.region, stack.endpoint_url)
        calls = [0]

        def count(**_: Any) -> None:  # noqa: ANN401 - botocore's events carry anything
            calls[0] += 1

        client.meta.events.register("before-send.dynamodb", count)

        def bare_write() -> None:
            client.update_item(
                TableName=stack.ledger_table_name,
                Key={"pk": {"S": "bare"}, "sk": {"S": "bare"}},
                UpdateExpression="ADD n :one",
                ExpressionAttributeValues={":one": {"N": "1"}},
            )

        def fill(rows: list[LedgerRow]) -> None:
            for start in range(0, len(rows), BATCH_ITEMS):
                items = [line_item(account_id, line) for account_id, line in rows[start : start + BATCH_ITEMS]]
                puts: list[WriteRequestTypeDef] = [{"PutRequest": {"Item": item}} for item in items]
                client.batch_write_item(RequestItems={stack.ledger_table_name: puts})

        accounts = DynamoAccounts(client, stack.table_name)
        yield Place(
            "DynamoDB", accounts, DynamoLedger(client, stack.ledger_table_name), bare_write, fill, calls, is_real=False
        )
