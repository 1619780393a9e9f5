"""What can go wrong.

MinipicError
├── BadSetting          a key or an address that cannot be one
├── Unreachable         no answer, or none that can be trusted
├── Stopped             somebody asked to stop while a request waited
└── ServiceError        the service said no: status, code, message, request_id
    ├── KeyRefused      401, 403
    ├── LimitReached    nothing left this month; upgrade_url
    └── Busy            429, 503 or 409 until patience ended
"""

from __future__ import annotations

import json
from typing import Any

LIMIT_REACHED = "AccountLimitReached"
IN_PROGRESS = "RequestInProgress"


class MinipicError(Exception):
    """Anything that this package raises; its text is fit for people and never holds a key."""


class BadSetting(MinipicError):
    """A key or an address that cannot be one, or none at all."""


class Unreachable(MinipicError):
    """The service gave no answer, or none that can be trusted."""


class Stopped(MinipicError):
    """A request was given up because the program ends."""


class ServiceError(MinipicError):
    """The service refused: ``code`` is stable, the text says what happened and what to do."""

    def __init__(self, status: int, code: str, message: str, told: dict[str, Any]) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.request_id = str(told.get("request_id") or "")
        self.upgrade_url = str(told.get("upgrade_url") or "")
        self.offers_upload = bool(told.get("upload_url"))


class KeyRefused(ServiceError):
    """The key is unknown or disabled, or its account suspended."""


class LimitReached(ServiceError):
    """The month's images and all credits are used."""


class Busy(ServiceError):
    """The service asked to wait for longer than is reasonable."""


def service_error(status: int, body: bytes) -> ServiceError:
    """Return the error that an answer of the service stands for, whatever its body is."""
    told = _told(body)
    code = str(told.get("error") or f"HTTP {status}")
    message = str(told.get("message") or f"The service answered {status}.")
    kind = ServiceError
    if code == LIMIT_REACHED:
        kind = LimitReached
    elif status in {401, 403}:
        kind = KeyRefused
    elif status in {429, 503} or code == IN_PROGRESS:
        kind = Busy
    return kind(status, code, message, told)


def _told(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
