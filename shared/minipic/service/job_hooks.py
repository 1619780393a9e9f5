"""Telling a webhook that a job has ended: signed as Standard Webhooks says, tried again with growing pauses."""

import json
import logging
from typing import Any
from urllib.parse import quote, urlsplit

from minipic.domain.jobs import HOOK_WAITS_S, File, Job, State, percent_saved
from minipic.domain.notices import NotDelivered
from minipic.domain.statement import moment
from minipic.service import Services
from minipic.service.job_files import files_are_kept
from minipic.service.optimize import message_id
from minipic.service.signatures import signed_headers

FAILED_MESSAGE = "JOB_WEBHOOK_FAILED account=%s job=%d try=%d host=%s: %s"
GIVEN_UP_MESSAGE = "JOB_WEBHOOK_GIVEN_UP account=%s job=%d host=%s"

log = logging.getLogger("minipic.jobs")


def call_hook(services: Services, job_id: int) -> None:
    """Call the webhook of a job once, if it still is to be called; the next call is queued when this one fails."""
    job = services.jobs.read(job_id)
    if job is None or job.state is State.PROCESSING or job.hook is None or not job.hook.is_open:
        return
    body = _message(services, job)
    try:
        headers = signed_headers(message_id(job), services.now_ms() // 1000, job.hook.secret, body)
        services.sender.post(job.hook.url, headers, body)
    except NotDelivered as error:
        _failed(services, job, error)
    else:
        services.jobs.hook_called(job.hook_called(is_open=False), None)


def _failed(services: Services, job: Job, error: NotDelivered) -> None:
    assert job.hook is not None
    host = urlsplit(job.hook.url).hostname or ""  # the rest of a URL may be secret
    log.warning(FAILED_MESSAGE, job.account_id, job.id, job.hook.tries + 1, host, error)
    if job.hook.tries < len(HOOK_WAITS_S):
        services.jobs.hook_called(job.hook_called(is_open=True), HOOK_WAITS_S[job.hook.tries])
    else:
        log.error(GIVEN_UP_MESSAGE, job.account_id, job.id, host)
        services.jobs.hook_called(job.hook_called(is_open=False), None)


def _message(services: Services, job: Job) -> bytes:
    message = {"type": f"image.{job.state}", "timestamp": moment(job.ended_ms), "data": describe(services, job)}
    return json.dumps(message, separators=(",", ":")).encode()


def describe(services: Services, job: Job) -> dict[str, Any]:
    """Return what is told of a job: to its account, and to its webhook."""
    is_done = job.state is State.COMPLETED and bool(job.result_id)
    is_kept = files_are_kept(services, job) and job.state is not State.FAILED
    failure = {"code": job.error, "message": job.message} if job.state is State.FAILED else None
    return {
        "image_id": job.id,
        "status": str(job.state),
        "filename": job.name,
        "original_size": job.size_bytes,
        "estimated_optimized_size": job.estimated_bytes,
        "optimized_size": job.result_bytes if is_done else None,
        "compression_ratio": percent_saved(job.size_bytes, job.result_bytes) if is_done else None,
        "processing_time": (job.ended_ms - job.started_ms) / 1000 if job.ended_ms else None,
        "original_url": file_url(job, File.ORIGINAL) if is_kept else None,
        "optimized_url": file_url(job, File.OPTIMIZED) if is_kept else None,
        "created_at": moment(job.created_ms),
        "expires_at": moment(job.created_ms + services.result_ttl_s * 1000),
        "error": failure,
    }


def file_url(job: Job, file: File) -> str:
    """Return where a file of a job is; its token opens it without a key."""
    return f"{job.base_url}/direct-file/{file}/{job.token(file)}/{quote(job.file_name(file), safe='')}"
