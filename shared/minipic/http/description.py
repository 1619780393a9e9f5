"""What the OpenAPI document says beyond what FastAPI reads from the endpoints: raw bodies, headers, errors."""

from typing import Any

from minipic.domain.image import ImageFormat
from minipic.errors import (
    AccountLimitReached,
    AccountSuspended,
    BadRequest,
    DecodeError,
    ImageTooComplex,
    InputMissing,
    InternalServerError,
    MiniPicError,
    NotFound,
    OutputExpired,
    PayloadTooLarge,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
    UnsupportedMediaType,
)

Description = dict[str, Any]
Answers = dict[int | str, Description]

_BINARY: Description = {"type": "string", "format": "binary"}
IMAGE_CONTENT: Description = {image_format.media_type: {"schema": _BINARY} for image_format in ImageFormat}
IMAGE_BODY: Description = {
    "requestBody": {
        "required": True,
        "description": "The image's bytes. The format is found in the bytes; Content-Type means nothing.",
        "content": {"application/octet-stream": {"schema": _BINARY}} | IMAGE_CONTENT,
    }
}


def _header(description: str, kind: str = "integer") -> Description:
    return {"description": description, "schema": {"type": kind}}


METERED_HEADERS: Description = {
    "Compression-Count": _header("Images counted this month"),
    "Compression-Count-Remaining": _header("Images left: free ones of this month and credits"),
    "X-RateLimit-Limit": _header("Requests that may come at once"),
    "X-RateLimit-Remaining": _header("Requests that may come at once now"),
    "X-RateLimit-Reset": _header("Whole seconds until all of them may come again"),
}
IMAGE_HEADERS: Description = {
    "Image-Width": _header("Pixels as a viewer shows the picture"),
    "Image-Height": _header("Pixels as a viewer shows the picture"),
}
SIZE_HEADERS: Description = {
    "X-Input-Size": _header("Bytes sent"),
    "X-Output-Size": _header("Bytes of the result"),
    "X-Ratio": _header("Output / input, 4 decimals", "number"),
    "X-Effort": _header("`reduced` where a time budget lowered the effort", "string"),
}
LOCATION_HEADER: Description = {"Location": _header("Where the result is", "string")}

ERROR_SCHEMA: Description = {
    "type": "object",
    "required": ["error", "message", "request_id"],
    "properties": {
        "error": {"type": "string", "description": "A stable code"},
        "message": {"type": "string", "description": "What happened and what to do"},
        "request_id": {"type": "string"},
        "upgrade_url": {"type": "string", "description": "With AccountLimitReached"},
        "max_bytes": {"type": "integer", "description": "With PayloadTooLarge: the plan's limit"},
    },
}
SECURITY: Description = {
    "basic": {"type": "http", "scheme": "basic", "description": "Any user name; the key as password."},
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def _errors(*kinds: type[MiniPicError]) -> Answers:
    """Return the descriptions of these errors by status, each with an example."""
    by_status: Answers = {}
    for kind in kinds:
        described = by_status.setdefault(
            kind.status,
            {
                "description": "",
                "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Error"}, "examples": {}},
                },
            },
        )
        described["description"] = ", ".join(filter(None, [described["description"], kind.code]))
        example = {"error": kind.code, "message": kind.text, "request_id": "5f2c9a01d4b7e63880aa"}
        described["content"]["application/json"]["examples"][kind.code] = {"value": example}
        if kind.retry_after_default_s is not None:
            described["headers"] = {"Retry-After": _header("Seconds to wait, at least 1")}
    return by_status


ERRORS_OF_COMPRESSION = _errors(
    BadRequest,
    InputMissing,
    Unauthorized,
    AccountSuspended,
    PayloadTooLarge,
    UnsupportedMediaType,
    DecodeError,
    ImageTooComplex,
    TooManyRequests,
    AccountLimitReached,
    InternalServerError,
    ServiceUnavailable,
)
ERRORS_OF_DOWNLOAD = _errors(Unauthorized, AccountSuspended, NotFound, OutputExpired, InternalServerError)


SHRUNK: Description = {
    "description": "The smaller image is kept at the address in `Location`.",
    "headers": LOCATION_HEADER | IMAGE_HEADERS | METERED_HEADERS,
}
COMPRESSED: Description = {
    "description": "The smaller image.",
    "headers": SIZE_HEADERS | IMAGE_HEADERS | METERED_HEADERS,
    "content": IMAGE_CONTENT,
}
DOWNLOADED: Description = {
    "description": "The result's bytes; with a key, also where the account stands.",
    "headers": IMAGE_HEADERS | METERED_HEADERS,
    "content": IMAGE_CONTENT,
}
REDIRECTED: Description = {
    "description": "The result is more than one response carries here: it is at the address in `Location`.",
    "headers": LOCATION_HEADER,
}
