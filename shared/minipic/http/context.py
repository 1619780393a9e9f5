"""What an endpoint asks for: the services, the engine, the caller. Built at start-up, found on the app's state."""

import base64
from typing import Annotated, cast

from fastapi import Depends, Request

from minipic.errors import ServiceUnavailable
from minipic.http.faces import tinyjpg
from minipic.service import Caller, Engine, Services
from minipic.service.access import identify
from minipic.settings import Settings


async def _services(request: Request) -> Services:
    return cast("Services", request.app.state.services)


async def _settings(request: Request) -> Settings:
    return cast("Settings", request.app.state.settings)


async def _engine(request: Request) -> Engine:
    engine: Engine | None = request.app.state.engine
    if engine is None:
        raise ServiceUnavailable
    return engine


# Of the gateway's 29 s: charging takes up to 2 s where the table answers late, and the answer has a way to go.
ANSWER_WITHIN_MS = 26_000

ServicesDep = Annotated[Services, Depends(_services)]
SettingsDep = Annotated[Settings, Depends(_settings)]
EngineDep = Annotated[Engine, Depends(_engine)]


def presented_key(request: Request) -> str | None:
    """Return the key that the request carries, "" for a credential that holds none, None for no credential at all.

    ``Authorization`` first (Basic with the key as password, or Bearer; the scheme in any case), then ``X-API-Key``; the
    TinyJPG-compatible face looks at ``X-API-Key`` first.
    """
    authorization, own = request.headers.get("authorization"), request.headers.get("x-api-key")
    if authorization is None or (own is not None and request.app.state.face is tinyjpg):
        return own
    scheme, _, credential = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        return credential.strip()
    if scheme.lower() == "basic":
        return _password(credential.strip())
    return ""


def _password(credential: str) -> str:
    try:
        return base64.b64decode(credential, validate=True).decode().partition(":")[2]
    except ValueError:  # not base64, beyond ASCII, or not UTF-8 inside
        return ""


def _caller(request: Request, services: ServicesDep) -> Caller:
    caller = identify(services, presented_key(request))
    caller.answer_by_ms = _answer_by_ms(request)
    request.state.caller = caller
    return caller


def _answer_by_ms(request: Request) -> int | None:
    """Return until when an answer still reaches the client: API Gateway gives up 29 s after a request came to it."""
    context = request.scope.get("aws.event", {}).get("requestContext", {})
    return context["requestTimeEpoch"] + ANSWER_WITHIN_MS if "requestTimeEpoch" in context else None


def _caller_if_any(request: Request, services: ServicesDep) -> Caller | None:
    return None if presented_key(request) is None else _caller(request, services)


CallerDep = Annotated[Caller, Depends(_caller)]
OptionalCallerDep = Annotated[Caller | None, Depends(_caller_if_any)]
