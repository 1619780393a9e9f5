"""The log: JSON lines, one for each request, and no line with a secret in it."""

import logging
import re
from typing import TextIO

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from minipic.http.record import Record

log = logging.getLogger("minipic.access")

_SECRETS = re.compile(
    r"(?P<kept>mp_(?:live|test)_)[A-Za-z0-9]+"
    r"|(?P<signing>whsec_)[A-Za-z0-9+/=]+"
    r"|(?P<name>\blink(?:=|%3[Dd]))[^&\s\"'\\]+"
    r"|(?P<scheme>\b(?:[Bb]asic|[Bb]earer)\s+)[A-Za-z0-9._~+/=-]{8,}"
    r"|\b(?:[a-z2-7]{32}|[a-z2-7]{44})\b"  # a link or file token; a result's id looks so, too: no log needs it
)


def mask(text: str) -> str:
    """Return the text without keys, link tokens and credentials."""
    return _SECRETS.sub(lambda found: f"{found[found.lastgroup] if found.lastgroup else ''}***", text)


class _MaskingFormatter(LambdaPowertoolsFormatter):
    """JSON, masked as a whole: a traceback may quote what a client sent."""

    def format(self, record: logging.LogRecord) -> str:
        record.__dict__.pop("color_message", None)  # uvicorn's text for terminals
        return mask(super().format(record))


def set_up_logs(level: str, stream: TextIO) -> None:
    """Let everything that is logged in this process come out of ``stream`` as masked JSON lines."""
    formatter = _MaskingFormatter(use_rfc3339=True, utc=True)
    logger = Logger(service="minipic", level=level, stream=stream, logger_formatter=formatter)
    logging.getLogger("minipic").propagate = False
    root = logging.getLogger()
    root.handlers = [logger.logger_handler]
    root.setLevel(logging.WARNING)  # below, libraries log paths and requests


def log_access(record: Record) -> None:
    """Write the one line of a request."""
    fields = {
        "request_id": record.request_id,
        "operation": record.operation,
        "method": record.method,
        "status": record.status,
        "outcome": record.outcome,
        "error": record.error or None,
        "account_id": record.account_id or None,
        "key_id": record.key_id or None,
        "bytes_in": record.bytes_in,
        "bytes_out": record.bytes_out,
        "score": record.score,
        "trials": record.trials or None,
        "duration_ms": round(record.duration_ms, 1),
        "stages_ms": {name: round(spent_ms, 1) for name, spent_ms in record.stages_ms.items()},
    }
    log.info("request", extra=fields)
