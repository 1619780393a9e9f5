"""The services and the engine as endpoints get them: what takes time counts as a stage of the request."""

from collections.abc import Mapping
from typing import Any, cast

from minipic.domain.image import Compressed
from minipic.http.headers import shown_score
from minipic.http.record import current_record, stage
from minipic.service import Engine, Services

_ACCOUNTS = {"find_key": "auth", "read": "auth", "admit": "admit", "settle": "settle", "release": "settle"}
_REPEATS = {"claim": "admit", "find": "admit", "finish": "settle", "forget": "settle"}
_RESULTS = dict.fromkeys(("put", "get", "delete", "put_original", "get_original", "delete_original"), "store")
_UPLOADS = {"offer": "store", "take": "store"}
_SOURCES = {"fetch": "fetch"}


class _Measured:
    """Passes everything on to ``target``; calls of the methods in ``stages`` are timed."""

    def __init__(self, target: object, stages: Mapping[str, str]) -> None:
        self._target = target
        self._stages = stages

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the target has
        attribute = getattr(self._target, name)
        if name not in self._stages:
            return attribute

        def timed(*args: object, **kwargs: object) -> Any:  # noqa: ANN401 - whatever the target returns
            with stage(self._stages[name]):
                return attribute(*args, **kwargs)

        setattr(self, name, timed)  # found at once the next time
        return timed


class _MeasuredEngine(_Measured):
    """The engine; what it saves of the bytes that it is given counts too."""

    def compress(self, data: bytes, *args: object, **kwargs: object) -> Compressed:
        with stage("engine"):
            result: Compressed = cast("Any", self._target).compress(data, *args, **kwargs)
        record = current_record()
        if record is not None:
            record.bytes_saved += max(0, len(data) - result.size_bytes)
            record.score = shown_score(result.score)
            record.trials += result.trials
        return result


class _MeasuredServices(_Measured):
    """The services; the ports that take time are timed."""

    def __init__(self, services: Services) -> None:
        super().__init__(services, {})
        self.accounts = _Measured(services.accounts, _ACCOUNTS)
        self.repeats = _Measured(services.repeats, _REPEATS)
        self.results = _Measured(services.results, _RESULTS)
        self.uploads = _Measured(services.uploads, _UPLOADS)
        self.sources = _Measured(services.sources, _SOURCES)


def measured_services(services: Services) -> Services:
    """Return the same services, timed."""
    return cast("Services", _MeasuredServices(services))


def measured_engine(engine: Engine) -> Engine:
    """Return the same engine, timed."""
    return cast("Engine", _MeasuredEngine(engine, {}))
