"""POST /v1/compress: compress an image and hand the bytes back at once."""

from dataclasses import dataclass

from minipic.domain.identifiers import RANDOM_BYTES, make_result_id
from minipic.domain.image import Compressed, Options
from minipic.domain.metering import Charge
from minipic.service import Caller, Engine, Services
from minipic.service.access import check_size
from minipic.service.metered import admitted, settle
from minipic.service.shrink import PRESIGNED_LINK_S
from minipic.stores import ResultFacts


@dataclass(frozen=True, slots=True)
class Answer:
    """A result; ``redirect_url`` is set where its bytes are more than one response carries."""

    input_size_bytes: int
    output: Compressed
    redirect_url: str | None


def compress(services: Services, engine: Engine, caller: Caller, image: bytes, options: Options) -> Answer:
    """Compress and charge one image. Only a result that one response cannot carry is stored."""
    engine.sniff(image)
    with admitted(services, caller) as lease:
        check_size(services, caller, len(image))
        compressed = engine.compress(image, options)
        result_id = make_result_id(services.now_ms(), services.entropy(RANDOM_BYTES))
        redirect_url = _store_if_large(services, caller, result_id, compressed)
        settle(services, caller, lease, Charge("compress", result_id, len(image), compressed.size_bytes))
    return Answer(len(image), compressed, redirect_url)


def _store_if_large(services: Services, caller: Caller, result_id: str, compressed: Compressed) -> str | None:
    if services.max_response_bytes is None or compressed.size_bytes <= services.max_response_bytes:
        return None
    facts = ResultFacts(
        account_id=caller.owner.account_id,
        format=compressed.format,
        width=compressed.width,
        height=compressed.height,
        link_hash="",
    )
    services.results.put(result_id, facts, compressed.data)
    return services.results.presign(result_id, PRESIGNED_LINK_S)
