"""Errors as responses: one serializer over the one table, and the headers that go with a refusal."""

from contextlib import suppress

from anyio.to_thread import run_sync
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from minipic.errors import (
    AccountLimitReached,
    AccountSuspended,
    BadRequest,
    ContentBlocked,
    MethodNotAllowed,
    MiniPicError,
    NotFound,
    ServiceUnavailable,
    Unauthorized,
)
from minipic.http.headers import metered_headers
from minipic.http.links import base_url
from minipic.service import Caller
from minipic.service.access import caller_standing, confirm
from minipic.settings import Settings

ALLOWED_METHODS = "minipic.allowed_methods"  # in the scope: what the path takes, from whoever routed the request here


def error_body(
    error: MiniPicError, request_id: str, settings: Settings, public_url: str
) -> dict[str, str | int | float]:
    """Return the JSON of an error: ``error``, ``message``, ``request_id`` and the error's own fields."""
    body: dict[str, str | int | float] = {"error": error.code, "message": error.message, "request_id": request_id}
    if isinstance(error, AccountLimitReached):
        body["upgrade_url"] = settings.upgrade_url or f"{public_url}/"
    for kind, contact in ((AccountSuspended, settings.support_contact), (ContentBlocked, settings.appeal_contact)):
        if isinstance(error, kind) and contact:
            body["message"] = f"{error.message} Contact: {contact}."
    return body | error.extra


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
    body = error_body(error, request.state.request_id, request.app.state.settings, base_url(request))
    return JSONResponse(body, error.status, headers | standing_headers)


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
