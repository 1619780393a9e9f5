"""POST /output/{id}: resize, convert, preserve, transform, from the original upload."""

import minipic.http.early  # noqa: F401 - before all that takes long to load

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import RedirectResponse, Response

from minipic.domain.operations import parse_operations
from minipic.http.app import create_app
from minipic.http.bodies import OPERATIONS_BODY
from minipic.http.body import JsonDep
from minipic.http.context import CallerDep, EngineDep, ServicesDep, SettingsDep
from minipic.http.description import DERIVED, ERRORS_OF_DERIVE, REDIRECTED
from minipic.http.headers import image_headers, metered_headers
from minipic.http.links import base_url, location
from minipic.http.on_lambda import lambda_handler
from minipic.http.parameters import RepeatKeyDep
from minipic.service.access import caller_standing, confirm
from minipic.service.derive import derive
from minipic.service.keeping import redirect_url
from minipic.service.output import download
from minipic_engine import EnginePool

router = APIRouter()


@router.post(
    "/output/{id}",
    openapi_extra=OPERATIONS_BODY,
    response_class=Response,
    responses={200: DERIVED, 303: REDIRECTED, **ERRORS_OF_DERIVE},
)
def post_output(
    request: Request,
    settings: SettingsDep,
    services: ServicesDep,
    engine: EngineDep,
    caller: CallerDep,
    name: Annotated[str, Path(alias="id")],
    repeat_key: RepeatKeyDep,
    body: JsonDep,
) -> Response:
    """Make another result of the original: one image. An empty object is a plain download, which is not counted."""
    operations = parse_operations(body)
    if operations.are_none:
        confirm(services, caller)
        found = download(services, caller, "", name, want_bytes=True)
        stored, elsewhere, headers = found.stored, found.redirect_url, dict[str, str]()
    else:
        done = derive(services, engine, caller, name, operations, repeat_key)
        stored, elsewhere = done.stored, redirect_url(services, done)
        headers = {"Location": location(base_url(request), settings, done.id, done.link_token)}
    headers |= image_headers(stored.facts) | metered_headers(caller_standing(services, caller))
    headers["X-Content-Type-Options"] = "nosniff"
    if elsewhere is not None:
        return RedirectResponse(elsewhere, 303, headers)
    return Response(stored.data, 200, headers, stored.facts.format.media_type)


app = create_app(router, EnginePool)
handler = lambda_handler(app)
