"""What one machine does beside answering: work on jobs, call webhooks, send notices, forget what is old."""

import logging
import threading
from collections.abc import Callable

from minipic.domain.pruning import DAY_MS
from minipic.service import Engine, Services
from minipic.service.caretaking import prune_all
from minipic.service.job_hooks import call_hook
from minipic.service.job_work import let_go, work_on
from minipic.service.notices import deliver_due
from minipic.service.source import UPLOAD_LIFETIME_MS
from minipic.stores.local.jobs import SqliteJobs
from minipic.stores.local.repeats import SqliteRepeats
from minipic.stores.local.results import FileResults
from minipic.stores.local.uploads import FileUploads

SWEEP_EVERY_S = 600
DELIVER_EVERY_S = 5
HOOK_THREADS = 4
IDLE_S = 0.2  # what another process queued, or what was to wait, is found so late

Step = Callable[[], bool]  # does one thing, if there is one to do, and tells whether there was

log = logging.getLogger("minipic.local")


def resume(services: Services, jobs: SqliteJobs) -> int:
    """Bring back the jobs that the process before this one had begun: it is gone, and its places with it."""
    interrupted = jobs.interrupted()
    for job in interrupted:
        let_go(services, job)
    jobs.bring_all(services.now_ms())
    return len(interrupted)


def start_background(services: Services, engine: Engine, workers: int, stop: threading.Event) -> list[threading.Thread]:
    """Start every thread of one machine, ``workers`` of them for jobs; they end some time after ``stop`` is set.

    Return those whose work is worth waiting for then: a job that is broken off has one try less.
    """
    for work in (sweep, _deliver):
        threading.Thread(target=work, args=(services, stop), daemon=True).start()
    if isinstance(services.jobs, SqliteJobs):
        return start_workers(services, engine, services.jobs, workers, stop)
    return []


def sweep(services: Services, stop: threading.Event) -> None:
    """Delete what has expired every ten minutes, and once a day what accounts need no longer, until told to stop."""
    pruned_ms = 0
    while True:
        try:
            _sweep_once(services)
            if services.now_ms() >= pruned_ms + DAY_MS:
                pruned_ms = services.now_ms()
                prune_all(services)
        except Exception:  # the next round may do better; without a thread nothing would be deleted any more
            log.exception("what has expired was not deleted")
        if stop.wait(SWEEP_EVERY_S):
            return


def _sweep_once(services: Services) -> None:
    now_ms = services.now_ms()
    if isinstance(services.results, FileResults):
        services.results.sweep(now_ms, services.result_ttl_s)
    if isinstance(services.uploads, FileUploads):
        services.uploads.sweep(now_ms, UPLOAD_LIFETIME_MS // 1000)
    if isinstance(services.repeats, SqliteRepeats):
        services.repeats.sweep(now_ms)
    if isinstance(services.jobs, SqliteJobs):
        services.jobs.sweep(now_ms)


def _deliver(services: Services, stop: threading.Event) -> None:
    while not stop.wait(DELIVER_EVERY_S):
        try:
            deliver_due(services, within_s=DELIVER_EVERY_S)
        except Exception:  # the next round may do better; without a thread nobody would be told any more
            log.exception("notices were not delivered")


def start_workers(
    services: Services, engine: Engine, jobs: SqliteJobs, number: int, stop: threading.Event
) -> list[threading.Thread]:
    """Start so many threads for jobs, which are returned, and some for webhooks.

    They begin once no other process works on the same folder: whoever resumes takes all others for dead.
    """

    def work() -> bool:
        job_id = jobs.take_due(services.now_ms())
        if job_id is not None and not work_on(services, engine, job_id):
            jobs.bring_again(job_id, services.now_ms())
        return job_id is not None

    def call() -> bool:
        job_id = jobs.take_due_hook(services.now_ms())
        if job_id is not None:
            try:
                call_hook(services, job_id)
            finally:
                jobs.hook_done(job_id)
        return job_id is not None

    steps = [*[work] * number, *[call] * HOOK_THREADS]
    alone = threading.Event()
    threads = [threading.Thread(target=_run, args=(step, stop, alone, jobs.news), daemon=True) for step in steps]
    for thread in threads:
        thread.start()

    def begin() -> None:
        if jobs.wait_until_alone(stop):
            resume(services, jobs)
            alone.set()

    threading.Thread(target=begin, daemon=True).start()
    return threads[:number]


def _run(step: Step, stop: threading.Event, alone: threading.Event, news: threading.Event) -> None:
    while not alone.wait(IDLE_S):
        if stop.is_set():
            return
    while not stop.is_set():
        try:
            was_busy = step()
        except Exception:  # what was taken comes again; without a thread nothing would be worked on any more
            log.exception("a job was not worked on")
            was_busy = False
        if not was_busy:
            news.wait(IDLE_S)
            news.clear()
