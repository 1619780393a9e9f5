"""POST /shrink: compress an image, keep the result for a while, hand out where it is."""

from minipic.domain.image import Options
from minipic.domain.repeats import identify
from minipic.service import Caller, Engine, Services
from minipic.service.keeping import Result, Task, keep, keep_original
from minipic.service.repeats import perform
from minipic.service.source import Source, named, refuse_blocked_look, refuse_no_image, screened, take_in


def shrink(
    services: Services, engine: Engine, caller: Caller, source: Source, options: Options, repeat_key: str | None = None
) -> Result:
    """Compress, store, charge one image, once for a ``repeat_key``. A step that fails leaves nothing stored."""

    def work(task: Task) -> Result:
        taken = take_in(services, engine, caller, source)
        compressed = engine.compress(taken.image, screened(services, options))
        refuse_blocked_look(services, compressed.fingerprint)
        result = task.result(
            compressed,
            len(taken.image),
            input_type=taken.format.media_type,
            original_id=task.result_id,
            options=options.to_json(),
        )
        with keep_original(task, taken.image), keep(task, result):
            task.settle("shrink", result, taken.format)
        return result

    refuse_no_image(engine, source)
    identity = None if repeat_key is None else identify(repeat_key, "shrink", options, named(source))
    return perform(services, caller, identity, work)
