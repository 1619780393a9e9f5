"""What the official clients' own tests expect of a small logo that drags 15 kB of XMP along."""

import json
from typing import Any

import pytest

from tests.e2e.equipped import Equipped
from tests.e2e.wire import Reply, call, shrink
from tests.pictures import COPYRIGHT, LETTERED_LOGO_BYTES, lettered_logo_png, opened


@pytest.fixture(scope="module")
def key(full: Equipped) -> str:
    """A key of one account for all sizes."""
    return full.new_key("wide")


@pytest.fixture(scope="module")
def logo(full: Equipped, key: str) -> Reply:
    """The answer of /shrink."""
    image = lettered_logo_png()
    assert len(image) == LETTERED_LOGO_BYTES
    return shrink(full, key, image)


def _derived(full: Equipped, key: str, logo: Reply, **operations: Any) -> bytes:
    reply = call(full, "POST", logo["Location"], key, body=json.dumps(operations).encode())
    assert reply.status == 200, reply
    return reply.body


def test_png(logo: Reply) -> None:
    """The logo as PNG has 1000 to 1500 bytes."""
    assert 1000 < logo.json["output"]["size"] < 1500


def test_webp(full: Equipped, key: str, logo: Reply) -> None:
    """The logo as WebP has above 1000 bytes, and fewer than the PNG."""
    assert 1000 < len(_derived(full, key, logo, convert={"type": "image/webp"})) < logo.json["output"]["size"]


def test_resized(full: Equipped, key: str, logo: Reply) -> None:
    """The logo inside 50 by 20 is 50 by 8 pixels and 500 to 1000 bytes."""
    small = _derived(full, key, logo, resize={"method": "fit", "width": 50, "height": 20})
    assert opened(small).size == (50, 8)
    assert 500 < len(small) < 1000


def test_preserved(full: Equipped, key: str, logo: Reply) -> None:
    """The logo with its rights and time has 1000 to 2000 bytes, with the rights in plain text."""
    kept = _derived(full, key, logo, preserve=["copyright", "creation"])
    assert 1000 < len(kept) < 2000
    assert COPYRIGHT.encode() in kept
    assert b"2026" in kept
