"""One try of a job: compress, keep, charge once; and what to do when that goes wrong.

A job is work with an Idempotency-Key of its own (see ``repeats``), one that no client can send. So however often it is
begun and wherever a try stops, it is charged at most once, and what was charged is found again.
"""

import logging
from dataclasses import asdict

from minipic.domain.image import Options
from minipic.domain.jobs import MAX_TRIES, Job, State
from minipic.domain.keys import KeyOwner
from minipic.domain.repeats import Identity, identify
from minipic.errors import (
    InternalServerError,
    MiniPicError,
    OutputExpired,
    RequestInProgress,
    ServiceUnavailable,
    TooManyRequests,
)
from minipic.service import CachedOwner, Caller, Engine, Services
from minipic.service.job_files import EXPIRED_TEXT, files_are_kept
from minipic.service.keeping import Result, Task, keep
from minipic.service.repeats import ResultGone, Work, perform
from minipic.service.source import refuse_blocked_look, screened

OPERATION = "optimize"
GIVEN_UP_MESSAGE = "JOB_GIVEN_UP account=%s job=%d"  # an alarm counts this word

log = logging.getLogger("minipic.jobs")


def work_on(services: Services, engine: Engine, job_id: int, *, is_last: bool = False) -> bool:
    """Try a job once. True when there is nothing more to do, False when it has to be brought again.

    ``is_last`` says that it has been brought too often: unless it never was really tried, it is ended one way or the
    other. ServiceUnavailable when the store is.
    """
    job = services.jobs.begin(job_id, services.now_ms())
    if job is None:
        return True
    if job.state is not State.PROCESSING:
        services.jobs.end(job)  # an earlier try may have stopped before its webhook was queued
        return True
    is_over = job.tries > MAX_TRIES or (is_last and job.tries > 1)
    ended = _give_up(services, job) if is_over else _try(services, engine, job)
    if ended is None:
        return False
    if services.jobs.end(ended):
        _tell(ended)
        if ended.state is State.FAILED:  # nothing was paid for, so nothing is kept
            services.results.delete_original(job.original_id)
    return True


def _try(services: Services, engine: Engine, job: Job) -> Job | None:
    """Return the job as it ended, None when another try may do better."""

    def work(task: Task) -> Result:
        # What nobody could download any more is not charged.
        image = services.results.get_original(job.original_id) if files_are_kept(services, job) else None
        if image is None:
            raise OutputExpired(EXPIRED_TEXT)
        compressed = engine.compress(image, screened(services, Options.from_json(job.options)))
        refuse_blocked_look(services, compressed.fingerprint)
        result = task.result(
            compressed,
            len(image),
            input_type=job.format.media_type,
            original_id=job.original_id,
            options=job.options,
        )
        with keep(task, result):
            task.settle(OPERATION, result, job.format)
        return result

    try:
        return _perform(services, job, work)
    except (RequestInProgress, TooManyRequests, ServiceUnavailable):
        services.jobs.put_back(job)  # another try of it still runs, too many of its key do, or the service is too busy
        return None
    except MiniPicError as error:
        return job.failed(services.now_ms(), error.code, error.message)
    except Exception:
        log.exception("job %d failed", job.id)
    return None if job.tries < MAX_TRIES else _give_up(services, job)


def _give_up(services: Services, job: Job) -> Job | None:
    """Return the job as it ends without another try: completed, if an earlier one was charged after all."""

    def no_work(_task: Task) -> Result:
        raise InternalServerError

    try:
        return _perform(services, job, no_work)
    except (RequestInProgress, TooManyRequests):
        return None  # as long as a try may still be charged, nobody can say how the job ends
    except ServiceUnavailable:
        return None
    except MiniPicError as error:
        log.error(GIVEN_UP_MESSAGE, job.account_id, job.id)
        return job.failed(services.now_ms(), error.code, error.message)


def _perform(services: Services, job: Job, work: Work) -> Job:
    try:
        result = perform(services, _caller(services, job), identity_of(job), work, from_queue=True)
    except ResultGone:
        return job.completed(services.now_ms(), "", job.format, 0)
    stored = result.stored
    return job.completed(services.now_ms(), result.id, stored.facts.format, stored.size_bytes)


def _caller(services: Services, job: Job) -> Caller:
    owner = KeyOwner(job.account_id, job.key_id, job.environment)
    return Caller(CachedOwner(owner, 0, services.plans.free))


def identity_of(job: Job) -> Identity:
    """Return what a job's tries have in common; no Idempotency-Key of a client holds a blank."""
    return identify(f"job {job.id}", OPERATION, Options(), str(job.id))


def let_go(services: Services, job: Job) -> None:
    """Free the place of a try whose process is gone: for whoever knows that, such as the only process there is."""
    claim = services.repeats.find(job.account_id, identity_of(job).key_hash, services.now_ms())
    if claim is not None:
        services.accounts.release(claim.lease)


def _tell(job: Job) -> None:
    kept = ("id", "account_id", "key_id", "state", "error", "tries", "size_bytes", "result_bytes")
    fields = {name: value for name, value in asdict(job).items() if name in kept}
    fields |= {"queued_ms": job.started_ms - job.created_ms, "worked_ms": job.ended_ms - job.started_ms}
    log.info("job", extra={f"job_{name}": value for name, value in fields.items()})
