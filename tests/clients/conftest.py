from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.command import Command
from tests.clients.front import Front, fronting
from tests.e2e.equipped import Equipped, equipped, hosting


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Equipped]:
    """A running service with sources and plans, shared by all tests that use a key of their own."""
    with hosting() as host, equipped(tmp_path_factory.mktemp("service"), host) as server:
        yield server


@pytest.fixture
def key(service: Equipped) -> str:
    """A key of a fresh account that has enough of everything."""
    return service.new_key("wide")


@pytest.fixture
def minipic(service: Equipped, key: str, tmp_path: Path) -> Command:
    """The installed command in a folder of its own, with a key in the environment."""
    return Command(tmp_path, MINIPIC_URL=service.base_url, MINIPIC_API_KEY=key)


@pytest.fixture
def front() -> Iterator[Front]:
    """A stand-in for the service that answers what a test puts into it."""
    with fronting() as one:
        yield one
