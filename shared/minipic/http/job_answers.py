"""The JSON of jobs, as models: one place for the OpenAPI document and the code."""

from typing import Literal

from pydantic import BaseModel, Field

from minipic.domain.jobs import File, Job
from minipic.service import Services
from minipic.service.job_hooks import describe, file_url
from minipic.service.optimize import MAX_BATCH

Status = Literal["processing", "completed", "failed"]
_ID = "A whole number below 2^53; only its own account can ask for it"
_OPTIMIZED_URL = "Where the result is once it is there; needs no key. Null when the job failed, or too long ago"


class QueuedImage(BaseModel):
    """An image that was taken in."""

    image_id: int = Field(description=_ID, examples=[1170935903116289])
    original_url: str = Field(description="The upload itself; needs no key")
    optimized_url: str = Field(description="Where the result will be; needs no key")
    status: Status = Field(examples=["processing"])
    original_size: int = Field(description="Bytes", examples=[2048576])
    estimated_optimized_size: int = Field(description="Bytes, an estimate", examples=[1024288])
    webhook_secret: str | None = Field(
        description="What the call of `webhook_url` will be signed with, where the request named none; shown this once"
    )


class OptimizeAnswer(BaseModel):
    """The answer of `POST /api/optimize`."""

    success: Literal[True] = True
    message: str = Field(examples=["The image was taken in and is being optimized."])
    data: QueuedImage | list[QueuedImage] = Field(
        description=f"A list where several images were sent, {MAX_BATCH} at most"
    )


class JobFailure(BaseModel):
    """Why an image was not optimized; it was not counted."""

    code: str = Field(examples=["DecodeError"])
    message: str


class JobAnswer(BaseModel):
    """What is known of an image."""

    image_id: int = Field(description=_ID, examples=[1170935903116289])
    status: Status = Field(examples=["completed"])
    filename: str = Field(examples=["photo.jpg"])
    original_size: int = Field(description="Bytes", examples=[2048576])
    estimated_optimized_size: int = Field(description="Bytes, an estimate", examples=[1024288])
    optimized_size: int | None = Field(description="Bytes; null before the end", examples=[1024288])
    compression_ratio: float | None = Field(description="Percent saved, 2 decimals", examples=[50.0])
    processing_time: float | None = Field(description="Seconds of work, without the queue", examples=[2.34])
    original_url: str | None
    optimized_url: str | None = Field(description=_OPTIMIZED_URL)
    created_at: str = Field(examples=["2026-11-22T10:00:00Z"])
    expires_at: str = Field(description="Until when the files can be downloaded", examples=["2026-11-23T10:00:00Z"])
    error: JobFailure | None


class StatusAnswer(BaseModel):
    """The answer of `GET /api/status/{image_id}`."""

    success: Literal[True] = True
    data: JobAnswer


class JobsPage(BaseModel):
    """A page of images, the newest first."""

    jobs: list[JobAnswer]
    cursor: str | None = Field(description="Asks for the next page; null on the last")


class JobsAnswer(BaseModel):
    """The answer of `GET /api/jobs`."""

    success: Literal[True] = True
    data: JobsPage


class PendingAnswer(BaseModel):
    """What is at a file's address while it is being made."""

    success: Literal[True] = True
    message: str
    data: JobAnswer


def queued_json(jobs: list[Job], *, tells_secret: bool) -> OptimizeAnswer:
    """Return the answer for images that were just taken in."""
    images = [
        QueuedImage(
            image_id=job.id,
            original_url=file_url(job, File.ORIGINAL),
            optimized_url=file_url(job, File.OPTIMIZED),
            status=job.state.value,
            original_size=job.size_bytes,
            estimated_optimized_size=job.estimated_bytes,
            webhook_secret=job.hook.secret if job.hook is not None and tells_secret else None,
        )
        for job in jobs
    ]
    if len(images) == 1:
        return OptimizeAnswer(message="The image was taken in and is being optimized.", data=images[0])
    return OptimizeAnswer(message=f"{len(images)} images were taken in and are being optimized.", data=images)


def job_json(services: Services, job: Job) -> JobAnswer:
    """Return what is known of an image, as the API tells it."""
    return JobAnswer(**describe(services, job))
