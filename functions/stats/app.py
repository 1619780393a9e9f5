"""GET /api/v1/usage and /api/v1/stats: twelve months of an account, as the TinyJPG-compatible face tells them."""

import minipic.http.early  # noqa: F401 - before all that takes long to load

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from minipic.http.app import create_app
from minipic.http.context import CallerDep, ServicesDep
from minipic.http.description import ERRORS_OF_STATS, STATS, Answers
from minipic.http.faces import tinyjpg
from minipic.http.headers import metered_headers
from minipic.http.on_lambda import lambda_handler
from minipic.http.stats_answers import StatsAnswer, stats_json
from minipic.service.access import caller_standing
from minipic.service.stats import stats

router = APIRouter()
ANSWERS: Answers = {200: STATS | {"model": StatsAnswer}, **ERRORS_OF_STATS}


@router.get("/api/v1/usage", name="get_usage_of_a_year", responses=ANSWERS)
@router.get("/api/v1/stats", name="get_stats", responses=ANSWERS)
def get_stats(services: ServicesDep, caller: CallerDep) -> JSONResponse:
    """Say what the account did in the last twelve months: images by month and type, bytes saved, what is left."""
    body = stats_json(stats(services, caller)).model_dump()
    return JSONResponse(body, 200, metered_headers(caller_standing(services, caller)))


app = create_app(router, face=tinyjpg)
handler = lambda_handler(app)
