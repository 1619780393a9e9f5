from collections.abc import Iterator

import pytest

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
