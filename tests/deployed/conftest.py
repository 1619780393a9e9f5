from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.deployed.asking import Client
from tests.deployed.homes import Home, on_aws, on_one_machine
from tests.e2e.equipped import hosting

HOMES: dict[str, Callable[[Path, str], AbstractContextManager[Home]]] = {"one-machine": on_one_machine, "aws": on_aws}


@pytest.fixture(scope="session", params=["one-machine", pytest.param("aws", marks=pytest.mark.aws_home)])
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A running service with plans, sources and CORS for the tests; every test uses keys of its own."""
    with hosting() as host, HOMES[request.param](tmp_path_factory.mktemp(request.param), host) as running:
        yield running


@pytest.fixture
def key(home: Home) -> str:
    """A key of a fresh free account."""
    return home.new_key()


@pytest.fixture
def client(home: Home, key: str) -> Iterator[Client]:
    """A client with that key."""
    with Client(home, key) as client:
        yield client


@pytest.fixture
def stranger(home: Home) -> Iterator[Client]:
    """A client without a key."""
    with Client(home) as client:
        yield client
