"""The two files of a job: to whoever holds the token of one."""

from dataclasses import dataclass
from urllib.parse import quote

from minipic.domain.image import ImageFormat
from minipic.domain.jobs import File, Job, State, job_of_token
from minipic.domain.metering import LEASE_MS
from minipic.errors import NotFound, OutputExpired, Unauthorized
from minipic.service import Caller, Services
from minipic.service.access import confirm
from minipic.service.keeping import PRESIGNED_LINK_S

EXPIRED_TEXT = "The image waited longer than files are kept, and was not counted. Send it again."
_GONE = "This file is not here. Its address may be mistyped, or it was sent too long ago."


def files_are_kept(services: Services, job: Job) -> bool:
    """Tell whether a job's files can be downloaded: as long as any result, from when they were sent."""
    return services.now_ms() - job.created_ms < services.result_ttl_s * 1000


def as_it_stands(services: Services, job: Job) -> Job:
    """Return the job as it can be told of: one that is open when its files expire will never be completed."""
    if job.state is State.PROCESSING and services.now_ms() - job.created_ms >= services.result_ttl_s * 1000 + LEASE_MS:
        return job.failed(services.now_ms(), OutputExpired.code, EXPIRED_TEXT)
    return job


@dataclass(frozen=True, slots=True)
class JobFile:
    """A file to answer with; ``redirect_url`` is set where its bytes are more than one response carries."""

    format: ImageFormat
    size_bytes: int
    disposition: str
    data: bytes | None = None
    redirect_url: str | None = None


def find_file(services: Services, caller: Caller | None, kind: str, token: str) -> tuple[Job, File]:
    """Return the job and which of its files a token opens; NotFound for any other token, and past its lifetime.

    A key that comes with it has to be good. Where links are switched off it has to come, and be the account's own.
    """
    if caller is not None:
        confirm(services, caller)
    if kind not in list(File):
        raise NotFound
    file, job_id = File(kind), job_of_token(token)
    job = None if job_id is None else services.jobs.read(job_id)
    if job is None or not job.opens(file, token) or not files_are_kept(services, job):
        raise NotFound(_GONE)
    if not services.links_open:
        if caller is None:
            raise Unauthorized
        if caller.owner.account_id != job.account_id:
            raise NotFound(_GONE)
    return job, file


def open_file(services: Services, job: Job, file: File, want_bytes: bool) -> JobFile | None:
    """Return a file of a job, None as long as it is being made; NotFound for those of a failed job."""
    if job.state is State.FAILED:
        raise NotFound(f"This image could not be optimized, and was not counted. {job.message}")
    return _original(services, job, want_bytes) if file is File.ORIGINAL else _optimized(services, job, want_bytes)


def _original(services: Services, job: Job, want_bytes: bool) -> JobFile:
    media_type, disposition = job.format.media_type, _disposition(job.file_name(File.ORIGINAL))
    found = JobFile(job.format, job.size_bytes, disposition)
    if not want_bytes:
        return found
    if services.max_response_bytes is not None and job.size_bytes > services.max_response_bytes:
        link = services.results.presign_original(job.original_id, media_type, PRESIGNED_LINK_S, disposition)
        return JobFile(job.format, job.size_bytes, disposition, redirect_url=link)
    data = services.results.get_original(job.original_id)
    if data is None:
        raise OutputExpired(_GONE)
    return JobFile(job.format, len(data), disposition, data)


def _optimized(services: Services, job: Job, want_bytes: bool) -> JobFile | None:
    if job.state is State.PROCESSING:
        return None
    stored = services.results.get(job.result_id, services.max_response_bytes if want_bytes else 0)
    if stored is None:
        raise OutputExpired(_GONE)
    disposition, link = _disposition(job.file_name(File.OPTIMIZED)), None
    if want_bytes and stored.data is None:
        link = services.results.presign(job.result_id, PRESIGNED_LINK_S, disposition)
    return JobFile(stored.facts.format, stored.size_bytes, disposition, stored.data, link)


def _disposition(name: str) -> str:
    """Return a Content-Disposition; RFC 6266: a plain name for old readers, the whole one as UTF-8."""
    plain = "".join(char if char.isascii() else "_" for char in name)
    return f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
