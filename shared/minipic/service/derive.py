"""POST /output/{id}: operations on the upload that a result was made from, so that nothing is compressed twice."""

from dataclasses import dataclass

from minipic.domain.identifiers import RANDOM_BYTES, make_result_id
from minipic.domain.image import Compressed, Options
from minipic.domain.metering import Charge
from minipic.domain.operations import Operations
from minipic.errors import OutputExpired
from minipic.service import Caller, Engine, Services
from minipic.service.keeping import Kept, is_too_large, keep
from minipic.service.metered import admitted
from minipic.service.output import result_id_of


@dataclass(frozen=True, slots=True)
class Derived:
    """A new result; ``redirect_url`` is set where its bytes are more than one response carries."""

    kept: Kept
    output: Compressed
    redirect_url: str | None


def derive(services: Services, engine: Engine, caller: Caller, name: str, operations: Operations) -> Derived:
    """Apply operations to the original of the result ``name``, store what comes out, charge one image.

    They are merged with those that the result was made with. OutputExpired also when only the original is gone.
    """
    stored = services.results.get(result_id_of(services, name), max_bytes=0)
    if stored is None or stored.facts.account_id != caller.owner.account_id or not stored.facts.original_id:
        raise OutputExpired
    original_id = result_id_of(services, stored.facts.original_id)
    options = operations.on_top_of(Options.from_json(stored.facts.options))
    with admitted(services, caller) as admission:
        original = services.results.get_original(original_id)
        if original is None:
            raise OutputExpired
        compressed = engine.compress(original, options)
        result_id = make_result_id(services.now_ms(), services.entropy(RANDOM_BYTES))
        with keep(services, caller, result_id, compressed, original_id=original_id, options=options) as kept:
            admission.settle(Charge("derive", result_id, len(original), compressed.size_bytes))
    return Derived(kept, compressed, kept.presigned_url if is_too_large(services, compressed) else None)
