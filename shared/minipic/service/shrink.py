"""POST /shrink: compress an image, keep the result for a while, hand out where it is."""

import base64
import hashlib
from dataclasses import dataclass

from minipic.domain.identifiers import RANDOM_BYTES, make_result_id
from minipic.domain.image import Compressed, ImageFormat, Options
from minipic.domain.metering import Charge
from minipic.service import Caller, Engine, Services
from minipic.service.access import check_size
from minipic.service.metered import admitted, settle
from minipic.stores import ResultFacts

LINK_TOKEN_BYTES = 20  # 160 bits
PRESIGNED_LINK_S = 3600


@dataclass(frozen=True, slots=True)
class Shrunk:
    """A stored result. ``link_token`` opens it without a key; it is empty where links are off."""

    result_id: str
    link_token: str
    input_format: ImageFormat
    input_size_bytes: int
    output: Compressed
    expires_ms: int
    presigned_url: str | None


def shrink(services: Services, engine: Engine, caller: Caller, image: bytes, options: Options) -> Shrunk:
    """Compress, store, charge one image. Nothing is stored or counted when any step fails."""
    input_format = engine.sniff(image)
    with admitted(services, caller) as lease:
        check_size(services, caller, len(image))
        compressed = engine.compress(image, options)
        now_ms = services.now_ms()
        result_id = make_result_id(now_ms, services.entropy(RANDOM_BYTES))
        token = _link_token(services)
        facts = ResultFacts(
            account_id=caller.owner.account_id,
            format=compressed.format,
            width=compressed.width,
            height=compressed.height,
            link_hash=hash_link_token(token),
        )
        services.results.put(result_id, facts, compressed.data)
        try:
            settle(services, caller, lease, Charge("shrink", result_id, len(image), compressed.size_bytes))
        except BaseException:
            services.results.delete(result_id)
            raise
    return Shrunk(
        result_id=result_id,
        link_token=token,
        input_format=input_format,
        input_size_bytes=len(image),
        output=compressed,
        expires_ms=now_ms + services.result_ttl_s * 1000,
        presigned_url=services.results.presign(result_id, min(PRESIGNED_LINK_S, services.result_ttl_s)),
    )


def _link_token(services: Services) -> str:
    if not services.links_open:
        return ""
    return base64.b32encode(services.entropy(LINK_TOKEN_BYTES)).decode().lower()


def hash_link_token(token: str) -> str:
    """Return what is stored of a link token; empty for none, which opens nothing."""
    return hashlib.sha256(token.encode()).hexdigest() if token else ""
