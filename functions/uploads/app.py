"""POST /v1/uploads: a form for an image that is too large for one request."""

import minipic.http.early  # noqa: F401 - before all that takes long to load

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from minipic.domain.options import parse_upload_size
from minipic.http.answers import UploadAnswer
from minipic.http.app import create_app
from minipic.http.bodies import UPLOAD_BODY
from minipic.http.body import JsonDep
from minipic.http.context import CallerDep, ServicesDep
from minipic.http.description import ERRORS_OF_UPLOADS, OFFERED
from minipic.http.headers import metered_headers
from minipic.http.links import base_url
from minipic.http.on_lambda import lambda_handler
from minipic.service.access import caller_standing
from minipic.service.uploads import offer_upload

router = APIRouter()


@router.post(
    "/v1/uploads",
    status_code=201,
    openapi_extra=UPLOAD_BODY,
    responses={201: OFFERED | {"model": UploadAnswer}, **ERRORS_OF_UPLOADS},
)
def post_uploads(request: Request, services: ServicesDep, caller: CallerDep, body: JsonDep) -> JSONResponse:
    """Offer a form to post a file to; then name it as `{"source": {"upload": id}}`."""
    offer = offer_upload(services, caller, parse_upload_size(body), base_url(request))
    answer = UploadAnswer(
        upload=offer.upload_id, url=offer.form.url, fields=offer.form.fields, expires_in=offer.expires_in_s
    )
    return JSONResponse(answer.model_dump(), 201, metered_headers(caller_standing(services, caller)))


app = create_app(router)
handler = lambda_handler(app)
