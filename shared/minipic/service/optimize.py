"""POST /api/optimize: take images in, answer at once, compress them later; and what can be asked for meanwhile."""

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from minipic.domain.identifiers import RANDOM_BYTES as ID_BYTES
from minipic.domain.identifiers import make_result_id
from minipic.domain.image import Options
from minipic.domain.jobs import INPUT_FORMATS, LIFETIME_MS, RANDOM_BYTES, SECRET_BYTES, Hook, Job, State, make_job_id
from minipic.errors import AccountLimitReached, NotFound, ServiceUnavailable, UnsupportedMediaType
from minipic.service import Caller, Engine, Services
from minipic.service.access import caller_standing, confirm
from minipic.service.job_files import as_it_stands
from minipic.service.metered import admitted
from minipic.service.source import Source, Taken, take_in

MAX_BATCH = 20
ID_TRIES = 5
PAGE_JOBS = 50


@dataclass(frozen=True, slots=True)
class Sent:
    """One file of a request: its name as it was sent, and where its bytes are."""

    name: str
    source: Source


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for all files of a request. ``base_url`` is the service's own address, for those who are told."""

    options: Options
    hook: Hook | None
    base_url: str


def submit(services: Services, engine: Engine, caller: Caller, sent: Sequence[Sent], order: Order) -> list[Job]:
    """Take the files in and queue a job for each: all of them, or none. Nothing is charged yet."""
    for one in sent:
        if isinstance(one.source, bytes):
            _check_format(engine, one.source)
    with admitted(services, caller), ExitStack() as kept:
        _check_images_left(services, caller, len(sent))
        taken = [take_in(services, engine, caller, one.source) for one in sent]
        for image in taken:
            _check_format(engine, image.image)
        jobs = [_job(services, engine, caller, one.name, image, order) for one, image in zip(sent, taken, strict=True)]
        for job, image in zip(jobs, taken, strict=True):
            services.results.put_original(job.original_id, image.image)
            kept.callback(services.results.delete_original, job.original_id)
        made = _create(services, jobs)
        kept.pop_all()
    return made


def _check_format(engine: Engine, image: bytes) -> None:
    try:
        is_taken = engine.sniff(image) in INPUT_FORMATS
    except UnsupportedMediaType:
        is_taken = False
    if not is_taken:
        raise UnsupportedMediaType(
            "This address takes JPEG, PNG, GIF and WebP. POST /v1/compress takes other formats, too."
        )


def _check_images_left(services: Services, caller: Caller, images: int) -> None:
    standing = caller_standing(services, caller)
    assert standing is not None  # admission saw the account
    if not caller.is_sandbox and standing.images_remaining < images:
        raise AccountLimitReached(
            f"Your monthly limit has been exceeded: {standing.images_remaining} images are left, {images} were sent. "
            "None of them was taken. Send fewer, or buy a credit pack."
        )


def _job(services: Services, engine: Engine, caller: Caller, name: str, taken: Taken, order: Order) -> Job:
    now_ms = services.now_ms()
    return Job(
        id=0,
        account_id=caller.owner.account_id,
        key_id=caller.owner.key_id,
        environment=caller.owner.environment,
        created_ms=now_ms,
        name=name,
        format=taken.format,
        options=order.options.to_json(),
        size_bytes=len(taken.image),
        estimated_bytes=engine.estimate(taken.image, order.options),
        original_id=make_result_id(now_ms, services.entropy(ID_BYTES)),
        secret=services.entropy(SECRET_BYTES).hex(),
        base_url=order.base_url,
        hook=order.hook,
    )


def _create(services: Services, jobs: Sequence[Job]) -> list[Job]:
    for _ in range(ID_TRIES):
        named = [job.named(make_job_id(job.created_ms, services.entropy(RANDOM_BYTES))) for job in jobs]
        if len({job.id for job in named}) == len(named) and services.jobs.create(named):
            return named
    raise ServiceUnavailable  # five times a number that was taken: so many jobs in one second are too many


def find_job(services: Services, caller: Caller, job_id: int | None) -> Job:
    """Return a job of the caller's account; NotFound for any other, and for one that is forgotten."""
    confirm(services, caller)
    job = None if job_id is None else services.jobs.read(job_id)
    if job is None or job.account_id != caller.owner.account_id or is_forgotten(services, job):
        raise NotFound("There is no image with this id. It may be another account's, or too long ago.")
    return as_it_stands(services, job)


def is_forgotten(services: Services, job: Job) -> bool:
    """Tell whether a job is past its lifetime; a store may keep it a little longer."""
    return services.now_ms() - job.created_ms >= LIFETIME_MS


def list_jobs(services: Services, caller: Caller, state: State | None, before_id: int) -> tuple[list[Job], int | None]:
    """Return a page of the account's jobs, the newest first, and where the next page begins; None on the last.

    Each page is one read of at most 50 jobs: with a ``state`` it may hold fewer of them, or none.
    """
    confirm(services, caller)
    read = services.jobs.page(caller.owner.account_id, before_id, PAGE_JOBS)
    known = [as_it_stands(services, job) for job in read if not is_forgotten(services, job)]
    jobs = [job for job in known if state in (None, job.state)]
    return jobs, read[-1].id if len(read) == PAGE_JOBS else None


def message_id(job: Job) -> str:
    """Return the id of the message that tells of a job's end: the same at every try, and no secret."""
    return f"msg_{hashlib.sha256(f'{job.account_id} {job.id}'.encode()).hexdigest()[:32]}"
