"""GET and HEAD /output/{id}: a kept result, to its account's keys or to whoever holds its link. Loads no codec."""

import minipic.http.early  # noqa: F401 - before all that takes long to load

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Request
from fastapi.responses import RedirectResponse, Response

from minipic.http.app import create_app
from minipic.http.context import OptionalCallerDep, ServicesDep
from minipic.http.description import DOWNLOADED, ERRORS_OF_DOWNLOAD, ERRORS_OF_HEAD, REDIRECTED, Answers
from minipic.http.handover import hand_over, operations_in
from minipic.http.headers import image_headers, metered_headers
from minipic.http.on_lambda import lambda_handler
from minipic.http.parameters import LinkParam
from minipic.service import Caller, Services
from minipic.service.access import caller_standing, confirm
from minipic.service.output import download

router = APIRouter()
ANSWERS: Answers = {200: DOWNLOADED, 302: REDIRECTED}


@router.head("/output/{id}", operation_id="head_output", response_class=Response, responses=ANSWERS | ERRORS_OF_HEAD)
@router.get("/output/{id}", response_class=Response, responses=ANSWERS | ERRORS_OF_DOWNLOAD)
async def get_output(
    request: Request,
    services: ServicesDep,
    caller: OptionalCallerDep,
    name: Annotated[str, Path(alias="id")],
    link: LinkParam = "",
) -> Response:
    """Download a result. Its id may carry a file extension; a `link` token opens it without a key.

    With operations as JSON body, as older clients send them, it is answered as the `POST` is.
    """
    operations = await operations_in(request)
    if operations:
        return await hand_over(request, operations)
    return await run_sync(_answer, services, caller, link, name, request.method == "GET")


def _answer(services: Services, caller: Caller | None, link: str, name: str, want_bytes: bool) -> Response:
    if caller is not None:
        confirm(services, caller)
    found = download(services, caller, link, name, want_bytes)
    facts = found.stored.facts
    headers = image_headers(facts) | {"X-Content-Type-Options": "nosniff", "Cache-Control": "private"}
    if caller is not None:
        headers |= metered_headers(caller_standing(services, caller))
    if found.redirect_url is not None:
        return RedirectResponse(found.redirect_url, 302, headers)
    headers["Content-Length"] = str(found.stored.size_bytes)
    return Response(found.stored.data or b"", 200, headers, facts.format.media_type)


app = create_app(router)
handler = lambda_handler(app)
