"""POST /v1/compress: compress an image and hand the bytes back at once."""

from contextlib import ExitStack

from minipic.domain.image import Options
from minipic.domain.repeats import identify
from minipic.service import Caller, Engine, Services
from minipic.service.keeping import Result, Task, is_too_large, keep
from minipic.service.repeats import perform
from minipic.service.source import Source, named, refuse_blocked_look, refuse_no_image, screened, take_in


def compress(
    services: Services, engine: Engine, caller: Caller, source: Source, options: Options, repeat_key: str | None = None
) -> Result:
    """Compress and charge one image, once for a ``repeat_key``.

    Only a result that one response cannot carry, or that may be asked for again, is stored.
    """

    def work(task: Task) -> Result:
        taken = take_in(services, engine, caller, source)
        compressed = engine.compress(taken.image, screened(services, options))
        refuse_blocked_look(services, compressed.fingerprint)
        result = task.result(compressed, len(taken.image))
        with ExitStack() as kept:
            if identity is not None or is_too_large(services, result):
                kept.enter_context(keep(task, result))
            task.settle("compress", result, taken.format)
        return result

    refuse_no_image(engine, source)
    identity = None if repeat_key is None else identify(repeat_key, "compress", options, named(source))
    return perform(services, caller, identity, work)
