"""POST /shrink: compress an image, keep the result for a while, hand out where it is."""

from dataclasses import dataclass

from minipic.domain.identifiers import RANDOM_BYTES, make_result_id
from minipic.domain.image import Compressed, ImageFormat, Options
from minipic.domain.metering import Charge
from minipic.service import Caller, Engine, Services
from minipic.service.keeping import Kept, keep, keep_original
from minipic.service.source import Source, refuse_blocked_look, screened, taken_in


@dataclass(frozen=True, slots=True)
class Shrunk:
    """A stored result, and what it was made of."""

    kept: Kept
    input_format: ImageFormat
    input_size_bytes: int
    output: Compressed


def shrink(services: Services, engine: Engine, caller: Caller, source: Source, options: Options) -> Shrunk:
    """Compress, store, charge one image. Nothing stays stored or is counted when any step fails."""
    with taken_in(services, engine, caller, source) as intake:
        compressed = engine.compress(intake.image, screened(services, options))
        refuse_blocked_look(services, compressed.fingerprint)
        result_id = make_result_id(services.now_ms(), services.entropy(RANDOM_BYTES))
        with (
            keep_original(services, result_id, intake.image),
            keep(services, caller, result_id, compressed, original_id=result_id, options=options) as kept,
        ):
            intake.admission.settle(Charge("shrink", result_id, len(intake.image), compressed.size_bytes))
    return Shrunk(kept, intake.format, len(intake.image), compressed)
