"""The official Python client, unchanged, pointed at a service in the way that its users do."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import tinify

from tests.e2e.server import Server


@contextmanager
def pointed_at(service: Server, key: str) -> Iterator[None]:
    """Let the client use this service and key, and forget both afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        patch.setattr(tinify.Client, "API_ENDPOINT", service.base_url)
        tinify.key = key
        tinify.compression_count = None
        try:
            yield
        finally:
            tinify.get_client().close()
            tinify.key = None
