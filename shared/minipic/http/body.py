"""The image in a request's body, read no further than the plan allows."""

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import Depends, Request

from minipic.errors import InputMissing, NotImplementedYet
from minipic.http.context import CallerDep, ServicesDep
from minipic.service import Caller, Services
from minipic.service.access import check_size, expected_plan


async def _image(request: Request, services: ServicesDep, caller: CallerDep) -> bytes:
    """Return the body's bytes.

    Content-Type means nothing but ``application/json``: clients send none, or a wrong one, over raw bytes.
    """
    body = await _read(request, services, caller)
    if not body:
        raise InputMissing
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json":
        raise NotImplementedYet("Sources in JSON are not available here yet. Send the image's bytes as the body.")
    return body


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


ImageDep = Annotated[bytes, Depends(_image)]
