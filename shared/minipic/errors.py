"""Every error a client can meet: one class, one code, one status, one public text.

MiniPicError
├── BadRequest 400
│   ├── InputMissing
│   └── SourceNotFound
├── Unauthorized 401
├── AccountSuspended 403
├── NotFound 404
│   └── OutputExpired
├── MethodNotAllowed 405
├── IdempotencyConflict 409
├── RequestInProgress 409
├── PayloadTooLarge 413
├── UnsupportedMediaType 415
├── DecodeError 422
├── ImageTooComplex 422
├── ContentBlocked 422
├── TooManyRequests 429
├── AccountLimitReached 429
├── InternalServerError 500
├── NotImplementedYet 501
└── ServiceUnavailable 503

A message says what happened and what to do next. It may be replaced by a more precise one where the error is
raised; the code and the status never change. Nothing here knows about HTTP beyond the status number.
"""

from typing import ClassVar

Extra = str | int | float


class MiniPicError(Exception):
    """The base of all errors that are told to a client.

    ``message`` replaces the class's public text, ``retry_after_s`` (whole seconds, at least 1) becomes the
    ``Retry-After`` header, ``extra`` fields are added to the JSON body beside ``error`` and ``message``.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    text: ClassVar[str]
    retry_after_default_s: ClassVar[int | None] = None

    def __init__(self, message: str | None = None, *, retry_after_s: int | None = None, **extra: Extra) -> None:
        self.message = message or self.text
        wait_s = retry_after_s if retry_after_s is not None else self.retry_after_default_s
        self.retry_after_s = None if wait_s is None else max(1, wait_s)
        self.extra = extra
        super().__init__(self.message)


class BadRequest(MiniPicError):
    """The request itself is wrong: JSON that is none, or a parameter outside its range."""

    code, status = "BadRequest", 400
    text = "The request could not be understood, so nothing was compressed. Correct it and send it again."


class InputMissing(BadRequest):
    """The body holds no image."""

    code = "InputMissing"
    text = "No image arrived: the request's body is empty. Send the image's bytes as the body."


class SourceNotFound(BadRequest):
    """The source could not be fetched, or is not at a public address."""

    code = "SourceNotFound"
    text = "The source image could not be fetched. Check that its address is public and answers within 10 seconds."


class Unauthorized(MiniPicError):
    """No key, or one that is malformed, unknown, disabled or deleted: never told apart."""

    code, status = "Unauthorized", 401
    text = "The API key is missing or not valid. Check it, or ask the operator of this service for a new one."


class AccountSuspended(MiniPicError):
    """The key is good, its account is not."""

    code, status = "AccountSuspended", 403
    text = "This account is suspended. Contact the operator of this service if that is a mistake."


class NotFound(MiniPicError):
    """No such route, or an id that never was one."""

    code, status = "NotFound", 404
    text = "There is nothing at this address. Check the method, the path and the id."


class OutputExpired(NotFound):
    """A result that is past its lifetime, of another account, or unknown: never told apart."""

    code = "OutputExpired"
    text = "This result is no longer available. Compress the image again to get a new one."


class MethodNotAllowed(MiniPicError):
    """The path exists, the method does not."""

    code, status = "MethodNotAllowed", 405
    text = "This address does not take that method. The Allow header names those that it takes."


class IdempotencyConflict(MiniPicError):
    """The Idempotency-Key was used for another request."""

    code, status = "IdempotencyConflict", 409
    text = "This Idempotency-Key was used with a different request. Use a new key for a new request."


class RequestInProgress(MiniPicError):
    """The first request with this Idempotency-Key still runs."""

    code, status = "RequestInProgress", 409
    text = "The first request with this Idempotency-Key is still running. Ask again shortly."
    retry_after_default_s = 1


class PayloadTooLarge(MiniPicError):
    """Above the plan's limit, or above what this route can carry."""

    code, status = "PayloadTooLarge", 413
    text = "The image is larger than the plan allows."


class UnsupportedMediaType(MiniPicError):
    """The bytes are no image format that is known here."""

    code, status = "UnsupportedMediaType", 415
    text = "These bytes are no image in a supported format: PNG, JPEG, WebP, AVIF, GIF, TIFF, HEIC and BMP."


class DecodeError(MiniPicError):
    """A known format, but broken."""

    code, status = "DecodeError", 422
    text = "The image could not be decoded: the file is damaged or incomplete. Check it and send it again."


class ImageTooComplex(MiniPicError):
    """More pixels, frames or a longer side than can be worked on; read from the header, before decoding."""

    code, status = "ImageTooComplex", 422
    text = "The image is too large to work on. Make it smaller and send it again."


class ContentBlocked(MiniPicError):
    """Screening refused the image; it is deleted and not counted."""

    code, status = "ContentBlocked", 422
    text = "Screening refused this image. It was deleted and not counted."


class TooManyRequests(MiniPicError):
    """The key's rate or its number of requests in progress is used up."""

    code, status = "TooManyRequests", 429
    text = "Too many requests for this key at once. Wait for the time in Retry-After and send it again."
    retry_after_default_s = 1


class AccountLimitReached(MiniPicError):
    """No free image is left this month, and no credit. Clients search for the first words."""

    code, status = "AccountLimitReached", 429
    text = "Your monthly limit has been exceeded. Buy a credit pack, or wait for the first day of the next month."


class InternalServerError(MiniPicError):
    """A fault of ours; never the exception's text."""

    code, status = "InternalServerError", 500
    text = "Something failed on our side. Send the request again; quote request_id if it stays."


class NotImplementedYet(MiniPicError):
    """A documented operation that is not offered."""

    code, status = "NotImplemented", 501
    text = "This operation is not available here. The documentation lists those that are."


class ServiceUnavailable(MiniPicError):
    """Overload, maintenance, or work that took longer than its lease."""

    code, status = "ServiceUnavailable", 503
    text = "The service is too busy right now. Wait for the time in Retry-After and send the request again."
    retry_after_default_s = 1


def _classes(base: type[MiniPicError]) -> list[type[MiniPicError]]:
    return [found for child in base.__subclasses__() for found in (child, *_classes(child))]


BY_CODE: dict[str, type[MiniPicError]] = {error.code: error for error in _classes(MiniPicError)}
