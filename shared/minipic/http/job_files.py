"""A job's file as a response, and what is answered while it is being made."""

from fastapi.responses import JSONResponse, RedirectResponse, Response

from minipic.domain.jobs import Job, State
from minipic.http.headers import metered_headers
from minipic.http.job_answers import PendingAnswer, job_json
from minipic.service import Caller, Services
from minipic.service.access import caller_standing
from minipic.service.job_files import JobFile

ASK_AGAIN = {"Retry-After": "2"}


def job_headers(services: Services, caller: Caller, job: Job) -> dict[str, str]:
    """Return where the account stands and, as long as the job is open, when to ask again."""
    headers = metered_headers(caller_standing(services, caller))
    return headers | ASK_AGAIN if job.state is State.PROCESSING else headers


def file_response(found: JobFile) -> Response:
    """Return the file's bytes under its name, or where they are."""
    headers = {
        "Content-Disposition": found.disposition,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private",
    }
    if found.redirect_url is not None:
        return RedirectResponse(found.redirect_url, 302, headers)
    headers["Content-Length"] = str(found.size_bytes)
    return Response(found.data or b"", 200, headers, found.format.media_type)


def pending_response(services: Services, job: Job) -> Response:
    """Return a 202 with what is known of the job, and when to ask again."""
    message = "This image is still being optimized. Ask again soon."
    return JSONResponse(PendingAnswer(message=message, data=job_json(services, job)).model_dump(), 202, ASK_AGAIN)
