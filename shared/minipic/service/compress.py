"""POST /v1/compress: compress an image and hand the bytes back at once."""

from contextlib import ExitStack
from dataclasses import dataclass

from minipic.domain.identifiers import RANDOM_BYTES, make_result_id
from minipic.domain.image import Compressed, Options
from minipic.domain.metering import Charge
from minipic.service import Caller, Engine, Services
from minipic.service.keeping import is_too_large, keep
from minipic.service.source import Source, refuse_blocked_look, screened, taken_in


@dataclass(frozen=True, slots=True)
class Answer:
    """A result; ``redirect_url`` is set where its bytes are more than one response carries."""

    input_size_bytes: int
    output: Compressed
    redirect_url: str | None


def compress(services: Services, engine: Engine, caller: Caller, source: Source, options: Options) -> Answer:
    """Compress and charge one image. Only a result that one response cannot carry is stored."""
    redirect_url = None
    with taken_in(services, engine, caller, source) as intake, ExitStack() as stored:
        compressed = engine.compress(intake.image, screened(services, options))
        refuse_blocked_look(services, compressed.fingerprint)
        result_id = make_result_id(services.now_ms(), services.entropy(RANDOM_BYTES))
        if is_too_large(services, compressed):
            kept = stored.enter_context(keep(services, caller, result_id, compressed, original_id="", options=options))
            redirect_url = kept.presigned_url
        intake.admission.settle(Charge("compress", result_id, len(intake.image), compressed.size_bytes))
    return Answer(len(intake.image), compressed, redirect_url)
