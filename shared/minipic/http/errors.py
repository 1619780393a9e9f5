"""Errors as responses: told by the face of the app, with the headers that go with a refusal."""

from contextlib import suppress

from anyio.to_thread import run_sync
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from minipic.errors import (
    AccountSuspended,
    BadRequest,
    MethodNotAllowed,
    MiniPicError,
    NotFound,
    ServiceUnavailable,
    Unauthorized,
)
from minipic.http.headers import metered_headers
from minipic.http.links import base_url
from minipic.http.record import RECORD
from minipic.service import Caller
from minipic.service.access import caller_standing, confirm

ALLOWED_METHODS = "minipic.allowed_methods"  # in the scope: what the path takes, from whoever routed the request here


async def error_response(request: Request, error: MiniPicError) -> JSONResponse:
    """Return the response of an error.

    Behind a good key it says where the account stands, which may take one read; that read may also find that the
    key is off, and then the answer is the same 401 as to any other bad key.
    """
    headers: dict[str, str] = {}
    error, standing_headers = await _told_to_caller(request, error)
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = 'Basic realm="API key"'
    if RECORD in request.scope:
        request.scope[RECORD].error = error.code
    state = request.app.state
    status, body = state.face(error, request.state.request_id, state.settings, base_url(request))
    return JSONResponse(body, status, headers | standing_headers)


async def fault_headers(request: Request) -> dict[str, str]:
    """Return what the answer to a fault of ours says of the account, as far as that can still be found out."""
    caller: Caller | None = getattr(request.state, "caller", None)
    if caller is None:
        return {}
    services = request.app.state.services
    with suppress(Exception):  # what failed may fail again: the answer is the fault's, and not this one's
        await run_sync(confirm, services, caller)
        return metered_headers(caller_standing(services, caller))
    return {}


async def _told_to_caller(request: Request, error: MiniPicError) -> tuple[MiniPicError, dict[str, str]]:
    caller: Caller | None = getattr(request.state, "caller", None)
    if caller is None or isinstance(error, Unauthorized):
        return error, {}
    services = request.app.state.services
    try:
        await run_sync(confirm, services, caller)
    except Unauthorized as refused:
        return refused, {}
    except AccountSuspended as refused:
        error = refused
    except ServiceUnavailable:  # the store is down: what was to be said is said without it
        return error, {}
    return error, metered_headers(caller_standing(services, caller))


async def _on_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, MiniPicError)
    return await error_response(request, error)


async def _on_invalid_parameters(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"][1:])
    return await error_response(request, BadRequest(f"`{name}`: {first['msg']}."))


async def _on_routing(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    allowed = (error.headers or {}).get("Allow") or request.scope.get(ALLOWED_METHODS)
    if allowed:
        response = await error_response(request, MethodNotAllowed())
        response.headers["Allow"] = allowed
        return response
    return await error_response(request, NotFound() if error.status_code == 404 else BadRequest())


def add_error_handlers(app: FastAPI) -> None:
    """Let every error of the app end in the contract's shape; faults are the envelope's."""
    app.add_exception_handler(MiniPicError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_parameters)
    app.add_exception_handler(HTTPException, _on_routing)
