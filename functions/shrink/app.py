"""POST /shrink: an image comes in, a smaller one is kept for a while, its address goes out."""

import minipic.http.early  # noqa: F401 - before all that takes long to load

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from minipic.domain.statement import moment
from minipic.http.answers import ShrinkAnswer, ShrinkInput, ShrinkOutput
from minipic.http.app import create_app
from minipic.http.bodies import SHRINK_BODY
from minipic.http.body import SourceDep
from minipic.http.context import CallerDep, EngineDep, ServicesDep, SettingsDep
from minipic.http.description import ERRORS_OF_SHRINK, SHRUNK
from minipic.http.headers import image_headers, metered_headers, ratio, shown_score
from minipic.http.links import base_url, location, output_url
from minipic.http.on_lambda import lambda_handler
from minipic.http.parameters import RepeatKeyDep, ShrinkOptionsDep
from minipic.service.access import caller_standing
from minipic.service.keeping import direct_url
from minipic.service.shrink import shrink
from minipic_engine import EnginePool

router = APIRouter()


@router.post(
    "/shrink",
    status_code=201,
    openapi_extra=SHRINK_BODY,
    responses={201: SHRUNK | {"model": ShrinkAnswer}, **ERRORS_OF_SHRINK},
)
def post_shrink(
    request: Request,
    settings: SettingsDep,
    services: ServicesDep,
    engine: EngineDep,
    caller: CallerDep,
    options: ShrinkOptionsDep,
    repeat_key: RepeatKeyDep,
    source: SourceDep,
) -> JSONResponse:
    """Compress the image in the body. The result stays for a day at the address in `Location`."""
    done = shrink(services, engine, caller, source, options, repeat_key)
    base, facts, size_bytes = base_url(request), done.stored.facts, done.stored.size_bytes
    url = output_url(base, done.id, done.link_token)
    answer = ShrinkAnswer(
        input=ShrinkInput(size=facts.bytes_in, type=facts.input_type),
        output=ShrinkOutput(
            size=size_bytes,
            type=facts.format.media_type,
            width=facts.width,
            height=facts.height,
            ratio=ratio(facts.bytes_in, size_bytes),
            score=shown_score(facts.score),
            url=url,
            expires_at=moment(done.expires_ms),
            download_url=direct_url(services, done) or url,
        ),
    )
    headers = {"Location": location(base, settings, done.id, done.link_token)}
    headers |= image_headers(facts) | metered_headers(caller_standing(services, caller))
    return JSONResponse(answer.model_dump(), 201, headers)


app = create_app(router, EnginePool)
handler = lambda_handler(app)
