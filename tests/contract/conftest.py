import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from functions.ledger_projector import app as projector
from mypy_boto3_dynamodb import DynamoDBClient

from minipic import wiring
from minipic.domain.account import Account
from minipic.stores import Accounts, Repeats, Results, Uploads
from minipic.stores.aws.accounts import DynamoAccounts
from minipic.stores.aws.clients import make_clients
from minipic.stores.aws.ledger import DynamoLedger
from minipic.stores.aws.repeats import DynamoRepeats
from minipic.stores.aws.results import S3Results
from minipic.stores.aws.uploads import S3Uploads
from minipic.stores.local.accounts import SqliteAccounts
from minipic.stores.local.database import Database
from minipic.stores.local.ledger import SqliteLedger
from minipic.stores.local.repeats import SqliteRepeats
from minipic.stores.local.results import FileResults
from minipic.stores.local.uploads import FileUploads
from tests.aws_stack import AwsStack, running_stack
from tests.aws_stack.stream import StreamReader
from tests.contract.account_values import make_account
from tests.contract.books import Books, project

STORES = ("local", "aws")


@pytest.fixture(scope="session")
def aws_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsStack]:
    with running_stack(tmp_path_factory.mktemp("ministack")) as stack:
        yield stack


@pytest.fixture(scope="session")
def dynamo_accounts(aws_stack: AwsStack) -> DynamoAccounts:
    dynamodb, _ = make_clients(aws_stack.region, aws_stack.endpoint_url)
    return DynamoAccounts(dynamodb, aws_stack.table_name)


@pytest.fixture(scope="session")
def other_dynamo_accounts(aws_stack: AwsStack) -> DynamoAccounts:
    """Open the same table as another process does: with a memory of its own."""
    dynamodb, _ = make_clients(aws_stack.region, aws_stack.endpoint_url)
    return DynamoAccounts(dynamodb, aws_stack.table_name)


@pytest.fixture(scope="session")
def s3_results(aws_stack: AwsStack) -> S3Results:
    _, s3 = make_clients(aws_stack.region, aws_stack.endpoint_url)
    return S3Results(s3, aws_stack.bucket_name)


@pytest.fixture(scope="session")
def sqlite_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sqlite") / "minipic.sqlite3"


@pytest.fixture(scope="session")
def sqlite_database(sqlite_path: Path) -> Iterator[Database]:
    database = Database(sqlite_path)
    yield database
    database.close()


@pytest.fixture(scope="session")
def sqlite_accounts(sqlite_database: Database) -> SqliteAccounts:
    return SqliteAccounts(sqlite_database)


@pytest.fixture(params=STORES)
def accounts(request: pytest.FixtureRequest) -> Accounts:
    store: Accounts = request.getfixturevalue({"local": "sqlite_accounts", "aws": "dynamo_accounts"}[request.param])
    return store


@pytest.fixture(params=STORES)
def results(request: pytest.FixtureRequest, tmp_path: Path) -> Results:
    if request.param == "local":
        return FileResults(tmp_path / "results")
    store: Results = request.getfixturevalue("s3_results")
    return store


@pytest.fixture(params=STORES)
def uploads(request: pytest.FixtureRequest, tmp_path: Path) -> Uploads:
    if request.param == "local":
        return FileUploads(tmp_path / "uploads")
    stack: AwsStack = request.getfixturevalue("aws_stack")
    _, s3 = make_clients(stack.region, stack.endpoint_url)
    return S3Uploads(s3, stack.bucket_name)


@pytest.fixture(params=STORES)
def repeats(request: pytest.FixtureRequest) -> Repeats:
    if request.param == "local":
        return SqliteRepeats(request.getfixturevalue("sqlite_database"))
    stack: AwsStack = request.getfixturevalue("aws_stack")
    return DynamoRepeats(request.getfixturevalue("client"), stack.table_name)


@pytest.fixture(scope="session")
def projection(aws_stack: AwsStack) -> Iterator[None]:
    """Let the projector's handler work on the stack, as it does on AWS: by its variables."""
    wiring.settings.cache_clear()
    projector.projection.cache_clear()
    with mock.patch.dict(os.environ, aws_stack.environment):
        projector.projection()
    wiring.settings.cache_clear()
    yield
    projector.projection.cache_clear()


@pytest.fixture(params=STORES)
def books(request: pytest.FixtureRequest) -> Books:
    if request.param == "local":
        database = request.getfixturevalue("sqlite_database")
        return Books(SqliteAccounts(database), SqliteLedger(database), lambda: None)
    books: Books = request.getfixturevalue("dynamo_books")
    return books


@pytest.fixture
def dynamo_books(aws_stack: AwsStack, client: DynamoDBClient, projection: None) -> Books:
    stream = StreamReader(aws_stack)
    return Books(
        DynamoAccounts(client, aws_stack.table_name),
        DynamoLedger(client, aws_stack.ledger_table_name),
        lambda: project(stream.read()),
    )


@pytest.fixture
def client(aws_stack: AwsStack) -> DynamoDBClient:
    dynamodb, _ = make_clients(aws_stack.region, aws_stack.endpoint_url)
    return dynamodb


@pytest.fixture
def store(client: DynamoDBClient, aws_stack: AwsStack) -> DynamoAccounts:
    return DynamoAccounts(client, aws_stack.table_name)


@pytest.fixture
def account(store: DynamoAccounts) -> Account:
    made = make_account()
    store.create(made)
    return made
