"""POST /output/{id}: operations on the upload that a result was made from, so that nothing is compressed twice."""

from minipic.domain.image import Options
from minipic.domain.operations import Operations
from minipic.domain.repeats import identify
from minipic.errors import OutputExpired
from minipic.service import Caller, Engine, Services
from minipic.service.keeping import Result, Task, keep
from minipic.service.output import result_id_of
from minipic.service.repeats import perform
from minipic.stores import ResultFacts


def derive(
    services: Services,
    engine: Engine,
    caller: Caller,
    name: str,
    operations: Operations,
    repeat_key: str | None = None,
) -> Result:
    """Apply operations to the original of the result ``name``, store what comes out, charge one image.

    They are merged with those that the result was made with. OutputExpired also when only the original is gone. With a
    ``repeat_key`` all that is done once, and answered again for as long as what came out is there.
    """
    base = _find_base(services, caller, name)
    if base is None and repeat_key is None:
        raise OutputExpired  # what was made of it may still be there, and only that can be answered

    def work(task: Task) -> Result:
        original = services.results.get_original(base.original_id) if base else None
        if base is None or original is None:
            raise OutputExpired
        options = operations.on_top_of(Options.from_json(base.options))
        compressed = engine.compress(original, options)
        result = task.result(compressed, len(original), original_id=base.original_id, options=options.to_json())
        with keep(task, result):
            task.settle("derive", result, engine.sniff(original))
        return result

    asked = operations.on_top_of(Options())
    identity = None if repeat_key is None else identify(repeat_key, "derive", asked, name.partition(".")[0])
    return perform(services, caller, identity, work)


def _find_base(services: Services, caller: Caller, name: str) -> ResultFacts | None:
    try:
        stored = services.results.get(result_id_of(services, name), max_bytes=0)
        if stored is None or stored.facts.account_id != caller.owner.account_id or not stored.facts.original_id:
            return None
        result_id_of(services, stored.facts.original_id)
    except OutputExpired:
        return None
    return stored.facts
