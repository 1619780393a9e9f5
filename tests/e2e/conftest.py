from collections.abc import Iterator

import pytest

from tests.e2e.equipped import Equipped, equipped, hosting
from tests.e2e.server import Server, running


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running service with the default settings, shared by all tests that use a key of their own."""
    with running(tmp_path_factory.mktemp("service")) as server:
        yield server


@pytest.fixture
def key(service: Server) -> str:
    """A key of a fresh free account of the shared service."""
    return service.new_key()


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Equipped]:
    """A running service with sources, screening and plans, shared by all tests that use a key of their own."""
    with hosting() as host, equipped(tmp_path_factory.mktemp("full"), host) as server:
        yield server
