"""Keeping results: stored before they are charged, deleted again when they are not; and finding them again."""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from minipic.domain.identifiers import RANDOM_BYTES, created_ms, make_result_id
from minipic.domain.image import Compressed, ImageFormat
from minipic.domain.metering import Charge
from minipic.service import Services
from minipic.service.metered import Admission
from minipic.stores import ResultFacts, StoredResult

LINK_TOKEN_BYTES = 20  # 160 bits
PRESIGNED_LINK_S = 3600


@dataclass(frozen=True, slots=True)
class Result:
    """A result as answers tell of it. ``link_token`` opens it without a key; it is empty where links are off."""

    id: str
    link_token: str
    expires_ms: int
    stored: StoredResult


@dataclass(frozen=True, slots=True)
class Task:
    """Admitted work, with the id and the link token that its result will have."""

    admission: Admission
    result_id: str
    link_token: str

    def result(
        self, compressed: Compressed, bytes_in: int, *, input_type: str = "", original_id: str = "", options: str = ""
    ) -> Result:
        """Return what came out as the result of this task; nothing is stored yet."""
        facts = ResultFacts(
            account_id=self.admission.lease.account_id,
            format=compressed.format,
            width=compressed.width,
            height=compressed.height,
            link_hash=hash_link_token(self.link_token),
            original_id=original_id,
            options=options,
            bytes_in=bytes_in,
            input_type=input_type,
            reduced_effort=compressed.reduced_effort,
            score=compressed.score,
        )
        stored = StoredResult(facts, compressed.size_bytes, compressed.data)
        return _result(self.admission.services, self.result_id, self.link_token, stored)

    def settle(self, operation: str, result: Result, input_format: ImageFormat) -> None:
        """Charge the finished work; raises when it must not be handed out."""
        stored = result.stored
        self.admission.settle(
            Charge(operation, result.id, stored.facts.bytes_in, stored.size_bytes, format=input_format.value)
        )


def begin(admission: Admission) -> Task:
    """Return the task of a request that was just admitted."""
    services = admission.services
    result_id = make_result_id(services.now_ms(), services.entropy(RANDOM_BYTES))
    token = services.entropy(LINK_TOKEN_BYTES) if services.links_open else b""
    return Task(admission, result_id, base64.b32encode(token).decode().lower())


@contextmanager
def keep_original(task: Task, image: bytes) -> Iterator[None]:
    """Store an upload under its result's id, for later operations; forgotten again when the work is not charged."""
    results = task.admission.services.results
    results.put_original(task.result_id, image)
    try:
        yield
    except BaseException:
        if not task.admission.may_be_charged:
            results.delete_original(task.result_id)
        raise


@contextmanager
def keep(task: Task, result: Result) -> Iterator[None]:
    """Store a result; forgotten again when the work is not charged."""
    results = task.admission.services.results
    results.put(result.id, result.stored.facts, result.stored.data or b"")
    try:
        yield
    except BaseException:
        if not task.admission.may_be_charged:
            results.delete(result.id)
        raise


def find_result(services: Services, result_id: str, link_token: str) -> Result | None:
    """Return a result that was kept, as the task that made it told of it; None when it is gone or too old."""
    stored = services.results.get(result_id, services.max_response_bytes)
    if stored is None:
        return None
    result = _result(services, result_id, link_token, stored)
    return result if services.now_ms() < result.expires_ms else None


def _result(services: Services, result_id: str, link_token: str, stored: StoredResult) -> Result:
    return Result(result_id, link_token, created_ms(result_id) + services.result_ttl_s * 1000, stored)


def hash_link_token(token: str) -> str:
    """Return what is stored of a link token; empty for none, which opens nothing."""
    return hashlib.sha256(token.encode()).hexdigest() if token else ""


def is_too_large(services: Services, result: Result) -> bool:
    """Tell whether a result's bytes are more than one response of the platform carries."""
    return services.max_response_bytes is not None and result.stored.size_bytes > services.max_response_bytes


def direct_url(services: Services, result: Result) -> str | None:
    """Return a link straight to a kept result's bytes, None where only this service hands them out."""
    return services.results.presign(result.id, min(PRESIGNED_LINK_S, services.result_ttl_s))


def redirect_url(services: Services, result: Result) -> str | None:
    """Return where a result is whose bytes are more than one response carries, None for any other."""
    return direct_url(services, result) if is_too_large(services, result) else None
