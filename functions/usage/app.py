"""GET /v1/usage, /v1/ledger and /keys/{key}: where an account stands, and every line of how it got there."""

import minipic.http.early  # noqa: F401 - before all that takes long to load

from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import JSONResponse, Response

from minipic.domain.options import parse_cursor, parse_month
from minipic.errors import AccountSuspended, MiniPicError, NotFound
from minipic.http.answers import LedgerAnswer, UsageAnswer
from minipic.http.app import create_app
from minipic.http.context import CallerDep, ServicesDep, presented_key
from minipic.http.description import ERRORS_OF_KEYS, ERRORS_OF_USAGE, KEY_FOUND, LEDGER_LINES, USAGE
from minipic.http.headers import metered_headers
from minipic.http.on_lambda import lambda_handler
from minipic.http.parameters import CursorParam, MonthParam
from minipic.http.standing import ledger_csv, ledger_json, usage_json
from minipic.service.access import caller_standing, confirm, identify
from minipic.service.usage import ledger_page, usage

router = APIRouter()


@router.get("/v1/usage", responses={200: USAGE | {"model": UsageAnswer}, **ERRORS_OF_USAGE})
def get_usage(services: ServicesDep, caller: CallerDep) -> JSONResponse:
    """Say where the account stands in this month."""
    body = usage_json(usage(services, caller)).model_dump()
    return JSONResponse(body, 200, metered_headers(caller_standing(services, caller)))


@router.get("/v1/ledger", responses={200: LEDGER_LINES | {"model": LedgerAnswer}, **ERRORS_OF_USAGE})
def get_ledger(
    services: ServicesDep,
    caller: CallerDep,
    month: MonthParam = "",
    cursor: CursorParam = "",
    accept: Annotated[str, Header()] = "",
) -> Response:
    """List a month's lines in order, up to 1000 at once: as JSON, or as CSV for `Accept: text/csv`."""
    lines = ledger_page(services, caller, parse_month(month), parse_cursor(cursor))
    headers = metered_headers(caller_standing(services, caller))
    if "text/csv" in accept:
        return Response(ledger_csv(lines), 200, headers, "text/csv")
    return JSONResponse(ledger_json(lines).model_dump(), 200, headers)


@router.get("/keys/{key}", responses={200: KEY_FOUND, **ERRORS_OF_KEYS})
def get_key(request: Request, services: ServicesDep, key: str) -> JSONResponse:
    """Say whether a key is good: 404, never 401, for one that is not, or not the caller's own account's."""
    try:
        caller = identify(services, presented_key(request))
        account = confirm(services, caller)
        asked = account.keys.get(identify(services, key).owner.key_id)
        if asked is None or not asked.enabled:
            raise NotFound
    except AccountSuspended:
        raise
    except MiniPicError:
        raise NotFound from None
    headers = metered_headers(caller_standing(services, caller))
    headers |= {"Paying-State": "free" if account.plan == "free" else "paid", "Email-Address": account.name}
    return JSONResponse({}, 200, headers)


app = create_app(router)
handler = lambda_handler(app)
