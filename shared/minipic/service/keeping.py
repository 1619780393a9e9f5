"""Keeping results: stored before they are charged, deleted again when that fails."""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from minipic.domain.image import Compressed, Options
from minipic.service import Caller, Services
from minipic.stores import ResultFacts

LINK_TOKEN_BYTES = 20  # 160 bits
PRESIGNED_LINK_S = 3600


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored result. ``link_token`` opens it without a key; it is empty where links are off."""

    result_id: str
    link_token: str
    expires_ms: int
    presigned_url: str | None


@contextmanager
def keep_original(services: Services, original_id: str, image: bytes) -> Iterator[None]:
    """Store an upload for later operations; forgotten again when the block raises."""
    services.results.put_original(original_id, image)
    try:
        yield
    except BaseException:
        services.results.delete_original(original_id)
        raise


@contextmanager
def keep(
    services: Services, caller: Caller, result_id: str, compressed: Compressed, *, original_id: str, options: Options
) -> Iterator[Kept]:
    """Store a result with what later operations need; forgotten again when the block raises."""
    token = _link_token(services)
    facts = ResultFacts(
        account_id=caller.owner.account_id,
        format=compressed.format,
        width=compressed.width,
        height=compressed.height,
        link_hash=hash_link_token(token),
        original_id=original_id,
        options=options.to_json() if original_id else "",
    )
    services.results.put(result_id, facts, compressed.data)
    try:
        yield Kept(
            result_id=result_id,
            link_token=token,
            expires_ms=services.now_ms() + services.result_ttl_s * 1000,
            presigned_url=services.results.presign(result_id, min(PRESIGNED_LINK_S, services.result_ttl_s)),
        )
    except BaseException:
        services.results.delete(result_id)
        raise


def _link_token(services: Services) -> str:
    if not services.links_open:
        return ""
    return base64.b32encode(services.entropy(LINK_TOKEN_BYTES)).decode().lower()


def hash_link_token(token: str) -> str:
    """Return what is stored of a link token; empty for none, which opens nothing."""
    return hashlib.sha256(token.encode()).hexdigest() if token else ""


def is_too_large(services: Services, compressed: Compressed) -> bool:
    """Tell whether a result's bytes are more than one response of the platform carries."""
    return services.max_response_bytes is not None and compressed.size_bytes > services.max_response_bytes
