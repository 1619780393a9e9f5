"""The front door: a page that says what this is, the API's description, its documentation, and the health check."""

import minipic.http.early  # noqa: F401 - before all that takes long to load

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, JSONResponse, Response

from minipic.http.app import create_app
from minipic.http.context import ServicesDep
from minipic.http.on_lambda import lambda_handler
from minipic.http.pages import PAGE_HEADERS, docs_asset, page
from minipic.service.health import is_healthy

router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=["GET", "HEAD"])
def get_index() -> HTMLResponse:
    """Say what this service is."""
    return HTMLResponse(page("index.html"), headers=PAGE_HEADERS)


@router.api_route("/docs", methods=["GET", "HEAD"])
def get_docs() -> HTMLResponse:
    """Show the API's description for reading and trying."""
    return HTMLResponse(page("docs.html"), headers=PAGE_HEADERS)


@router.api_route("/docs/{name}", methods=["GET", "HEAD"])
def get_docs_asset(name: str) -> Response:
    """Return a script or style of the documentation page."""
    data, media_type = docs_asset(name)
    return Response(data, media_type=media_type, headers={"Cache-Control": "public, max-age=86400"})


@router.api_route("/openapi.json", methods=["GET", "HEAD"])
def get_openapi() -> Response:
    """Return the API's description."""
    return Response(page("openapi.json"), media_type="application/json")


@router.api_route("/healthz", methods=["GET", "HEAD"])
def get_health(services: ServicesDep) -> JSONResponse:
    """Answer 200 when the stores do, else 503."""
    healthy = is_healthy(services)
    return JSONResponse({"status": "ok" if healthy else "unavailable"}, 200 if healthy else 503)


app = create_app(router)
handler = lambda_handler(app)
