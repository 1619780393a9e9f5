"""OPTIONS, and what browsers of other origins need to be told: nothing unless the operator named their origins."""

from fastapi.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from minipic.http.errors import ALLOWED_METHODS

PREFLIGHT_VALID_S = 600
_METHODS = "GET, HEAD, POST"
_REQUEST_HEADERS = "Authorization, Content-Type, Idempotency-Key, X-API-Key, X-Request-Id"
_EXPOSED_HEADERS = ", ".join(
    (
        "Compression-Count",
        "Compression-Count-Remaining",
        "Image-Height",
        "Image-Width",
        "Location",
        "Retry-After",
        "X-Effort",
        "X-Input-Size",
        "X-Output-Size",
        "X-Quality-Score",
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
        "X-Ratio",
        "X-Request-Id",
    )
)
Headers = list[tuple[bytes, bytes]]


def cors_headers(origins: tuple[str, ...], scope: Scope) -> Headers:
    """Return what every answer says to the browser behind this request."""
    if not origins:
        return []
    if "*" in origins:
        return _allowing("*") if _header(scope, b"origin") else []
    vary = [(b"Vary", b"Origin")]  # whatever the origin: a cache must not mix the answers up
    origin = _header(scope, b"origin")
    return [*vary, *_allowing(origin)] if origin in origins else vary


def _allowing(origin: str) -> Headers:
    return [
        (b"Access-Control-Allow-Origin", origin.encode()),
        (b"Access-Control-Expose-Headers", _EXPOSED_HEADERS.encode()),
    ]


def options_response(origins: tuple[str, ...], scope: Scope) -> Response | None:
    """Return the answer to OPTIONS on a path that exists; None for everything else.

    A browser asks this before it sends a key, so no key is asked for.
    """
    allowed = _methods_of_path(scope) if scope["method"] == "OPTIONS" else set()
    if not allowed:
        return None
    response = Response(status_code=204, headers={"Allow": ", ".join(sorted(allowed | {"OPTIONS"}))})
    origin = _header(scope, b"origin")
    if origin and (origin in origins or "*" in origins) and _header(scope, b"access-control-request-method"):
        response.headers["Access-Control-Allow-Methods"] = _METHODS
        response.headers["Access-Control-Allow-Headers"] = _REQUEST_HEADERS
        response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_VALID_S)
    return response


def _methods_of_path(scope: Scope) -> set[str]:
    if ALLOWED_METHODS in scope:
        return {method for method in scope[ALLOWED_METHODS].split(", ") if method}
    methods: set[str] = set()
    for route in scope["app"].state.routes:
        if route.matches(scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return methods


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for found, value in scope["headers"] if found == name), "")
