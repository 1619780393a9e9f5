"""What a request for /api/optimize holds: a form with images, the bytes of one, or JSON that says where one is."""

import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from minipic.domain.image import Options
from minipic.domain.jobs import MAX_URL_CHARS, Hook, clean_name
from minipic.domain.options import shown
from minipic.errors import BadRequest, InputMissing, PayloadTooLarge
from minipic.http.body import is_json, read_json_bytes
from minipic.http.context import CallerDep, ServicesDep
from minipic.http.faces import IMAGE_FIELD, InvalidFields
from minipic.http.forms import announces_form, is_form
from minipic.http.links import base_url
from minipic.service import Caller, Services
from minipic.service.access import check_size, confirm, expected_plan
from minipic.service.optimize import MAX_BATCH, Order, Sent
from minipic.service.signatures import make_secret, parse_secret
from minipic.service.source import parse_source

DEFAULT_QUALITY = 80
MAX_BATCH_BYTES = 40 * 1024**2  # of all images of one form together, where the plan allows no larger one
FORM_OVERHEAD_BYTES = 64 * 1024
MAX_FIELDS = 20
QUALITY, WEBHOOK_URL, WEBHOOK_SECRET = "quality", "webhook_url", "webhook_secret"
FIELDS = (QUALITY, WEBHOOK_URL, WEBHOOK_SECRET)
_IMAGE_FIELDS = (IMAGE_FIELD, f"{IMAGE_FIELD}[]", "images", "images[]")


@dataclass(frozen=True, slots=True)
class Submission:
    """What was sent, and what is asked for it."""

    sent: list[Sent]
    order: Order
    tells_secret: bool


async def _submission(request: Request, services: ServicesDep, caller: CallerDep) -> Submission:
    """Return what the request holds; InvalidFields, InputMissing, PayloadTooLarge and BadRequest for what it lacks."""
    if is_json(request):
        sent, fields = _of_json(await read_json_bytes(request))
    else:
        body = await _read(request, services, caller)
        if is_form(request, body):
            sent, fields = await _of_form(request, services, caller, body)
        elif body:
            sent, fields = [Sent("image", body)], dict(request.query_params)
        else:
            sent, fields = [], {}
    if not sent:
        raise InputMissing("The image field is required: send a file in it.")
    return Submission(sent, _order(request, services, fields), tells_secret=not fields.get(WEBHOOK_SECRET))


def _of_json(body: bytes) -> tuple[list[Sent], dict[str, Any]]:
    try:
        fields = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        raise BadRequest("The body says that it is JSON, and is none.") from None
    if not isinstance(fields, dict):
        raise BadRequest('The body takes an object such as {"source": {"url": "https://…"}, "quality": 80}.')
    if "source" not in fields:
        return [], {}
    unknown = fields.keys() - {"source", *FIELDS}
    if unknown:
        raise InvalidFields({shown(name): "There is no such field." for name in sorted(unknown)})
    source = parse_source(json.dumps({"source": fields["source"]}).encode())
    return [Sent("image", source)], {name: fields[name] for name in FIELDS if name in fields}


async def _of_form(
    request: Request, services: Services, caller: Caller, body: bytes
) -> tuple[list[Sent], dict[str, Any]]:
    async def chunks() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        form = await MultiPartParser(request.headers, chunks(), max_files=MAX_BATCH, max_fields=MAX_FIELDS).parse()
    except (MultiPartException, ValueError) as error:  # a charset that is none is a ValueError
        raise InvalidFields(
            {IMAGE_FIELD: f"The form is damaged, or holds more than {MAX_BATCH} images or {MAX_FIELDS} other fields."}
        ) from error
    try:
        sent = []
        for name in _IMAGE_FIELDS:
            for value in form.getlist(name):
                if not isinstance(value, UploadFile):
                    raise InvalidFields({name: "This field takes a file, not a text."})
                image = await value.read()
                if not image:
                    raise InputMissing("The image field is required: a file in it is empty.")
                await run_sync(check_size, services, caller, len(image))
                sent.append(Sent(clean_name(value.filename or ""), image))
        return sent, _texts(form)
    finally:
        await form.close()


def _texts(form: FormData) -> dict[str, Any]:
    return {name: value for name, value in form.multi_items() if name in FIELDS and isinstance(value, str)}


async def _read(request: Request, services: Services, caller: Caller) -> bytes:
    """Return the body whole, read no further than one image of the plan, or than a form may hold.

    What is announced counts before anything is read: places for large bodies are few, and not for a key that is off.
    """
    declared = request.headers.get("content-length", "0")
    await _check(request, services, caller, int(declared) if declared.isdigit() else 0)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        await _check(request, services, caller, len(body))
    return bytes(body)


async def _check(request: Request, services: Services, caller: Caller, size_bytes: int) -> None:
    plan_bytes = expected_plan(services, caller).max_bytes
    if size_bytes <= plan_bytes:
        return
    await run_sync(confirm, services, caller)
    if not announces_form(request):
        await run_sync(check_size, services, caller, size_bytes)
    elif size_bytes > max(MAX_BATCH_BYTES, plan_bytes) + FORM_OVERHEAD_BYTES:
        raise PayloadTooLarge(f"The images of one form take at most {MAX_BATCH_BYTES // 1024**2} MB together.")


def _order(request: Request, services: Services, fields: Mapping[str, Any]) -> Order:
    wrong: dict[str, str] = {}
    quality = fields.get(QUALITY, DEFAULT_QUALITY)
    text = str(quality).strip() if isinstance(quality, int | str) and not isinstance(quality, bool) else ""
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= 100):
        wrong[QUALITY] = "The quality must be a whole number between 1 and 100."
    hook = _hook(services, fields, wrong)
    if wrong:
        raise InvalidFields(wrong)
    return Order(Options(quality=int(text)), hook, base_url(request))


def _hook(services: Services, fields: Mapping[str, Any], wrong: dict[str, str]) -> Hook | None:
    """Return whom to call, None for nobody; what is wrong with the fields is added to ``wrong``."""
    url, secret = fields.get(WEBHOOK_URL), fields.get(WEBHOOK_SECRET)
    if not url:
        if secret:
            wrong[WEBHOOK_SECRET] = f"This field needs a {WEBHOOK_URL} beside it."
        return None
    try:
        services.sender.check(str(url))
        if len(str(url)) > MAX_URL_CHARS:
            raise BadRequest(f"A webhook's URL has at most {MAX_URL_CHARS} characters.")
    except BadRequest as error:
        wrong[WEBHOOK_URL] = error.message
    try:
        chosen = parse_secret(str(secret)) if secret else make_secret(services.entropy)
    except BadRequest as error:
        wrong[WEBHOOK_SECRET] = error.message
        return None
    return Hook(str(url), chosen)


SubmissionDep = Annotated[Submission, Depends(_submission)]
