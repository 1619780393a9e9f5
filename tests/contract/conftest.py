from collections.abc import Iterator
from pathlib import Path

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from minipic.domain.account import Account
from minipic.stores import Accounts, Results
from minipic.stores.aws.accounts import DynamoAccounts
from minipic.stores.aws.clients import make_clients
from minipic.stores.aws.results import S3Results
from minipic.stores.local.accounts import SqliteAccounts
from minipic.stores.local.database import Database
from minipic.stores.local.results import FileResults
from tests.aws_stack import AwsStack, running_stack
from tests.contract.account_values import make_account

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
def sqlite_accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteAccounts]:
    database = Database(tmp_path_factory.mktemp("sqlite") / "minipic.sqlite3")
    yield SqliteAccounts(database)
    database.close()


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
