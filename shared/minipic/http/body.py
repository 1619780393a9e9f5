"""What is in a request's body, read no further than the plan allows."""

import json
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import Depends, Request

from minipic.errors import BadRequest, InputMissing
from minipic.http.context import CallerDep, ServicesDep
from minipic.http.forms import file_of_form, is_form
from minipic.service import Caller, Services
from minipic.service.access import check_size, expected_plan
from minipic.service.source import Source, parse_source

MAX_JSON_BYTES = 64 * 1024


def is_json(request: Request) -> bool:
    """Tell whether the request says that its body is JSON, with whatever parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


async def _source(request: Request, services: ServicesDep, caller: CallerDep) -> Source:
    """Return the image, or where it is.

    Content-Type means nothing but ``application/json``: clients send none, or a wrong one, over raw bytes.
    """
    if is_json(request):
        body = await read_json_bytes(request)
        if not body:
            raise InputMissing
        return parse_source(body)
    body = await _read(request, services, caller)
    if not body:
        raise InputMissing
    return body


async def _source_or_form(request: Request, services: ServicesDep, caller: CallerDep) -> Source:
    """Return the image, where it is, or the file of a form."""
    source = await _source(request, services, caller)
    if not isinstance(source, bytes) or not is_form(request, source):
        return source
    image = await file_of_form(request, source)
    if not image:
        raise InputMissing
    return image


async def _read(request: Request, services: Services, caller: Caller) -> bytes:
    declared = request.headers.get("content-length", "0")
    await _check(services, caller, int(declared) if declared.isdigit() else 0)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        await _check(services, caller, len(body))
    return bytes(body)


async def _check(services: Services, caller: Caller, size_bytes: int) -> None:
    if size_bytes > expected_plan(services, caller).max_bytes:  # only then may the store have to be asked
        await run_sync(check_size, services, caller, size_bytes)


async def read_json_bytes(request: Request) -> bytes:
    """Return a small body whole; BadRequest above 64 KiB."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_JSON_BYTES:
            raise BadRequest(f"A JSON body takes at most {MAX_JSON_BYTES} bytes.")
    return bytes(body)


async def _json(request: Request, caller: CallerDep) -> object:
    """Return the body as JSON, whatever its Content-Type; an empty one as an empty object."""
    del caller  # asked for before the body is read: a bad key is refused first
    body = await read_json_bytes(request)
    try:
        return json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise BadRequest("The body is not valid JSON.") from None


SourceDep = Annotated[Source, Depends(_source)]
SourceOrFormDep = Annotated[Source, Depends(_source_or_form)]
JsonDep = Annotated[object, Depends(_json)]
