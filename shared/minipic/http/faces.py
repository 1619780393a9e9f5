"""How each face of the API tells an error: one table of errors, one serializer a face."""

from collections.abc import Callable, Mapping
from typing import Any

from minipic.errors import (
    AccountLimitReached,
    AccountSuspended,
    BadRequest,
    ContentBlocked,
    DecodeError,
    ImageTooComplex,
    InputMissing,
    MiniPicError,
    PayloadTooLarge,
    SourceNotFound,
    UnsupportedMediaType,
)
from minipic.settings import Settings

Body = dict[str, Any]
# An error, the request's id, the settings and the service's own address become a status and JSON.
Face = Callable[[MiniPicError, str, Settings, str], tuple[int, Body]]

IMAGE_FIELD = "image"
_ABOUT_IMAGE = (
    InputMissing, SourceNotFound, PayloadTooLarge, UnsupportedMediaType, DecodeError, ImageTooComplex, ContentBlocked
)  # fmt: skip


class InvalidFields(BadRequest):
    """Fields of a form that hold what they must not: what is wrong, by field."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = dict(fields)
        super().__init__(" ".join(fields.values()))


def native(error: MiniPicError, request_id: str, settings: Settings, public_url: str) -> tuple[int, Body]:
    """Return an error as the native and the Tinify-compatible face tell it."""
    body: Body = {"error": error.code, "message": told(error, settings), "request_id": request_id}
    return error.status, body | _upgrade(error, settings, public_url) | error.extra


def tinyjpg(error: MiniPicError, request_id: str, settings: Settings, public_url: str) -> tuple[int, Body]:
    """Return an error as the TinyJPG-compatible face tells it: a used up quota is a 403, an invalid field a 422."""
    message = told(error, settings)
    if isinstance(error, InvalidFields):
        fields = {name: [text] for name, text in error.fields.items()}
    else:
        fields = {IMAGE_FIELD: [message]} if isinstance(error, _ABOUT_IMAGE) else {}
    body: Body = {"success": False, "message": message, "errors": fields, "request_id": request_id}
    return _tinyjpg_status(error), body | _upgrade(error, settings, public_url) | error.extra


def face_of(path: str) -> Face:
    """Return the face that tells the errors of a path that leads nowhere."""
    return tinyjpg if path.startswith(("/api/", "/direct-file/")) else native


def _tinyjpg_status(error: MiniPicError) -> int:
    if isinstance(error, AccountLimitReached):
        return 403
    return 422 if isinstance(error, (InvalidFields, InputMissing)) else error.status


def told(error: MiniPicError, settings: Settings) -> str:
    """Return an error's text, with whom to turn to where the operator names somebody."""
    for kind, contact in ((AccountSuspended, settings.support_contact), (ContentBlocked, settings.appeal_contact)):
        if isinstance(error, kind) and contact:
            return f"{error.message} Contact: {contact}."
    return error.message


def _upgrade(error: MiniPicError, settings: Settings, public_url: str) -> Body:
    return {"upgrade_url": settings.upgrade_url or f"{public_url}/"} if isinstance(error, AccountLimitReached) else {}
