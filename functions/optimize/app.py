"""POST /api/optimize: images come in and are answered at once; `optimize_worker` makes them smaller."""

import minipic.http.early  # noqa: F401 - before all that takes long to load

from anyio.to_thread import run_sync
from fastapi import APIRouter
from fastapi.responses import JSONResponse

from minipic.http.app import create_app
from minipic.http.bodies import OPTIMIZE_BODY
from minipic.http.context import CallerDep, EngineDep, ServicesDep
from minipic.http.description import ERRORS_OF_OPTIMIZE, QUEUED
from minipic.http.faces import tinyjpg
from minipic.http.headers import metered_headers
from minipic.http.job_answers import OptimizeAnswer, queued_json
from minipic.http.job_forms import SubmissionDep
from minipic.http.on_lambda import lambda_handler
from minipic.service.access import caller_standing
from minipic.service.optimize import submit
from minipic_engine import EnginePool

router = APIRouter()


@router.post(
    "/api/optimize",
    openapi_extra=OPTIMIZE_BODY,
    responses={200: QUEUED | {"model": OptimizeAnswer}, **ERRORS_OF_OPTIMIZE},
)
async def post_optimize(
    services: ServicesDep, engine: EngineDep, caller: CallerDep, submission: SubmissionDep
) -> JSONResponse:
    """Take images in. They are made smaller in the background, and each is counted when it is done."""
    jobs = await run_sync(submit, services, engine, caller, submission.sent, submission.order)
    body = queued_json(jobs, tells_secret=submission.tells_secret).model_dump()
    return JSONResponse(body, 200, metered_headers(caller_standing(services, caller)))


def without_children(_children: int) -> EnginePool:
    """Return an engine that tells formats and estimates sizes, and compresses nothing."""
    return EnginePool(0)


app = create_app(router, without_children, tinyjpg)
handler = lambda_handler(app)
