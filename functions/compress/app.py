"""POST /v1/compress: an image comes in, the smaller one goes out at once."""

import minipic.http.early  # noqa: F401 - before all that takes long to load

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from minipic.http.app import create_app
from minipic.http.bodies import COMPRESS_BODY
from minipic.http.body import SourceOrFormDep
from minipic.http.context import CallerDep, EngineDep, ServicesDep
from minipic.http.description import COMPRESSED, ERRORS_OF_COMPRESSION, REDIRECTED
from minipic.http.headers import image_headers, metered_headers, ratio, shown_score
from minipic.http.on_lambda import lambda_handler
from minipic.http.parameters import CompressOptionsDep, RepeatKeyDep
from minipic.service.access import caller_standing
from minipic.service.compress import compress
from minipic.service.keeping import redirect_url
from minipic_engine import EnginePool

router = APIRouter()


@router.post(
    "/v1/compress",
    openapi_extra=COMPRESS_BODY,
    response_class=Response,
    responses={200: COMPRESSED, 303: REDIRECTED, **ERRORS_OF_COMPRESSION},
)
def post_compress(
    services: ServicesDep,
    engine: EngineDep,
    caller: CallerDep,
    options: CompressOptionsDep,
    repeat_key: RepeatKeyDep,
    source: SourceOrFormDep,
) -> Response:
    """Compress the image in the body and answer with the result's bytes."""
    done = compress(services, engine, caller, source, options, repeat_key)
    facts, size_bytes = done.stored.facts, done.stored.size_bytes
    headers = {
        "X-Input-Size": str(facts.bytes_in),
        "X-Output-Size": str(size_bytes),
        "X-Ratio": f"{ratio(facts.bytes_in, size_bytes):.4f}",
        "X-Content-Type-Options": "nosniff",
    }
    score = shown_score(facts.score)
    if score is not None:
        headers["X-Quality-Score"] = f"{score:.2f}"
    if facts.reduced_effort:
        headers["X-Effort"] = "reduced"
    headers |= image_headers(facts) | metered_headers(caller_standing(services, caller))
    elsewhere = redirect_url(services, done)
    if elsewhere is not None:
        return RedirectResponse(elsewhere, 303, headers)
    return Response(done.stored.data, 200, headers, facts.format.media_type)


app = create_app(router, EnginePool)
handler = lambda_handler(app)
