"""GET /api/status/{image_id}, /api/jobs and /direct-file: what came of an image, and its two files. Loads no codec."""

import minipic.http.early  # noqa: F401 - before all that takes long to load

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, Response

from minipic.domain.jobs import File, parse_job_id
from minipic.http.app import create_app
from minipic.http.context import CallerDep, OptionalCallerDep, ServicesDep
from minipic.http.description import (
    ERRORS_OF_FILES,
    ERRORS_OF_JOBS,
    ERRORS_OF_STATUS,
    FILE,
    JOB,
    PENDING,
    REDIRECTED,
    Answers,
)
from minipic.http.faces import tinyjpg
from minipic.http.headers import metered_headers
from minipic.http.job_answers import JobsAnswer, JobsPage, PendingAnswer, StatusAnswer, job_json
from minipic.http.job_files import file_response, job_headers, pending_response
from minipic.http.on_lambda import lambda_handler
from minipic.http.parameters import JobCursorDep, JobStateDep
from minipic.service.access import caller_standing
from minipic.service.job_files import find_file, open_file
from minipic.service.optimize import find_job, list_jobs

router = APIRouter()
FILE_ANSWERS: Answers = {200: FILE, 202: PENDING | {"model": PendingAnswer}, 302: REDIRECTED, **ERRORS_OF_FILES}


@router.get("/api/status/{image_id}", responses={200: JOB | {"model": StatusAnswer}, **ERRORS_OF_STATUS})
def get_status(services: ServicesDep, caller: CallerDep, image_id: str) -> JSONResponse:
    """Say what came of an image. While it is being worked on `Retry-After` says when to ask again."""
    job = find_job(services, caller, parse_job_id(image_id))
    body = StatusAnswer(data=job_json(services, job))
    return JSONResponse(body.model_dump(), 200, job_headers(services, caller, job))


@router.get("/api/jobs", responses={200: JOB | {"model": JobsAnswer}, **ERRORS_OF_JOBS})
def get_jobs(services: ServicesDep, caller: CallerDep, state: JobStateDep, before_id: JobCursorDep) -> JSONResponse:
    """List the account's images of the last week, the newest first; with a `status`, a page may hold few or none."""
    jobs, next_id = list_jobs(services, caller, state, before_id)
    page = JobsPage(jobs=[job_json(services, job) for job in jobs], cursor=None if next_id is None else str(next_id))
    return JSONResponse(JobsAnswer(data=page).model_dump(), 200, metered_headers(caller_standing(services, caller)))


@router.head("/direct-file/{file}/{token}/{filename}", operation_id="head_file", responses=FILE_ANSWERS)
@router.get("/direct-file/{file}/{token}/{filename}", response_class=Response, responses=FILE_ANSWERS)
def get_file(
    request: Request,
    services: ServicesDep,
    caller: OptionalCallerDep,
    kind: Annotated[str, Path(alias="file", json_schema_extra={"enum": list(File)})],
    token: str,
    _filename: Annotated[str, Path(alias="filename", description="Any name: what counts is the token")],
) -> Response:
    """Download an upload, or what was made of it. The token opens it without a key."""
    job, file = find_file(services, caller, kind, token)
    found = open_file(services, job, file, request.method == "GET")
    return pending_response(services, job) if found is None else file_response(found)


app = create_app(router, face=tinyjpg)
handler = lambda_handler(app)
