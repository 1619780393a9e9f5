"""What the OpenAPI document says of answers, beyond what FastAPI reads from the endpoints: headers, bytes, errors."""

from collections.abc import Mapping

from minipic.errors import (
    AccountLimitReached,
    AccountSuspended,
    BadRequest,
    ContentBlocked,
    DecodeError,
    IdempotencyConflict,
    ImageTooComplex,
    InputMissing,
    InternalServerError,
    MiniPicError,
    NotFound,
    NotImplementedYet,
    OutputExpired,
    PayloadTooLarge,
    RequestInProgress,
    ServiceUnavailable,
    SourceNotFound,
    TooManyRequests,
    Unauthorized,
    UnsupportedMediaType,
)
from minipic.http.answers import SCORE
from minipic.http.bodies import IMAGE_CONTENT, Description
from minipic.http.faces import InvalidFields, tinyjpg
from minipic.settings import Settings

Answers = dict[int | str, Description]


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
    "X-Quality-Score": _header(SCORE, "number"),
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
TINYJPG_ERROR_SCHEMA: Description = {
    "type": "object",
    "required": ["success", "message", "errors", "request_id"],
    "properties": {
        "success": {"type": "boolean", "enum": [False]},
        "message": {"type": "string", "description": "What happened and what to do"},
        "errors": {
            "type": "object",
            "description": "What is wrong, by field; empty where no field is at fault",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "request_id": {"type": "string"},
        "upgrade_url": {"type": "string", "description": "Where no images are left"},
        "max_bytes": {"type": "integer", "description": "Where the image is too large: the plan's limit"},
    },
}
EXAMPLE_REQUEST_ID = "5f2c9a01d4b7e63880aa"
SECURITY: Description = {
    "basic": {"type": "http", "scheme": "basic", "description": "Any user name; the key as password."},
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def _errors(*kinds: type[MiniPicError]) -> Answers:
    """Return the descriptions of these errors by status, each with an example."""
    by_status: Answers = {}
    for kind in kinds:
        example = {"error": kind.code, "message": kind.text, "request_id": EXAMPLE_REQUEST_ID}
        _describe(by_status, kind, kind.status, "Error", example)
    return by_status


def _tinyjpg_errors(*kinds: type[MiniPicError], invalid: Mapping[str, str] | None = None) -> Answers:
    """Return the same of the TinyJPG-compatible face, whose statuses and shape are others."""
    by_status: Answers = {}
    for error in (*(kind() for kind in kinds), *([InvalidFields(invalid)] if invalid else [])):
        status, example = tinyjpg(error, EXAMPLE_REQUEST_ID, Settings(), "https://api.example.com")
        _describe(by_status, type(error), status, "TinyJpgError", example)
    return by_status


def _describe(by_status: Answers, kind: type[MiniPicError], status: int, schema: str, example: Description) -> None:
    described = by_status.setdefault(
        status,
        {
            "description": "",
            "content": {
                "application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}, "examples": {}},
            },
        },
    )
    described["description"] = ", ".join(filter(None, [described["description"], kind.code]))
    described["content"]["application/json"]["examples"][kind.code] = {"value": example}
    if kind.retry_after_default_s is not None:
        described["headers"] = {"Retry-After": _header("Seconds to wait, at least 1")}


_KEY = (Unauthorized, AccountSuspended)
_WORK = (TooManyRequests, AccountLimitReached, InternalServerError, ServiceUnavailable)
_IMAGE = (PayloadTooLarge, UnsupportedMediaType, DecodeError, ImageTooComplex, ContentBlocked)
_RESULT = (NotFound, OutputExpired)
_REPEAT = (IdempotencyConflict, RequestInProgress)
ERRORS_OF_SHRINK = _errors(BadRequest, InputMissing, SourceNotFound, *_KEY, *_IMAGE, *_REPEAT, *_WORK)
ERRORS_OF_COMPRESSION = ERRORS_OF_SHRINK | _errors(NotImplementedYet)
ERRORS_OF_HEAD = _errors(*_KEY, *_RESULT, InternalServerError)
ERRORS_OF_DERIVE = _errors(
    BadRequest, *_KEY, *_RESULT, *_REPEAT, DecodeError, ImageTooComplex, *_WORK, NotImplementedYet
)
ERRORS_OF_DOWNLOAD = ERRORS_OF_DERIVE  # a GET may carry operations, as older clients send them
ERRORS_OF_UPLOADS = _errors(BadRequest, *_KEY, PayloadTooLarge, *_WORK)
ERRORS_OF_USAGE = _errors(BadRequest, *_KEY, InternalServerError)
ERRORS_OF_STATS = _tinyjpg_errors(*_KEY, InternalServerError, ServiceUnavailable)
ERRORS_OF_OPTIMIZE = _tinyjpg_errors(
    InputMissing, BadRequest, SourceNotFound, *_KEY, PayloadTooLarge, UnsupportedMediaType, ContentBlocked, *_WORK,
    invalid={"quality": "The quality must be a whole number between 1 and 100."},
)  # fmt: skip
ERRORS_OF_STATUS = _tinyjpg_errors(*_KEY, NotFound, InternalServerError, ServiceUnavailable)
ERRORS_OF_JOBS = _tinyjpg_errors(
    *_KEY, InternalServerError, ServiceUnavailable, invalid={"cursor": "The cursor must be that of the page before."}
)
ERRORS_OF_FILES = _tinyjpg_errors(Unauthorized, NotFound, OutputExpired, InternalServerError, ServiceUnavailable)
ERRORS_OF_KEYS = _errors(AccountSuspended, NotFound, InternalServerError)

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
DERIVED: Description = {
    "description": "The new result's bytes; it is kept at the address in `Location`.",
    "headers": LOCATION_HEADER | IMAGE_HEADERS | METERED_HEADERS,
    "content": IMAGE_CONTENT,
}
REDIRECTED: Description = {
    "description": "The result is more than one response carries here: it is at the address in `Location`.",
    "headers": LOCATION_HEADER,
}
OFFERED: Description = {"description": "A form for this file.", "headers": METERED_HEADERS}
USAGE: Description = {"description": "Where the account stands.", "headers": METERED_HEADERS}
STATS: Description = {"description": "The last 12 months and what is left.", "headers": METERED_HEADERS}
QUEUED: Description = {"description": "The images were taken in.", "headers": METERED_HEADERS}
JOB: Description = {"description": "What is known.", "headers": METERED_HEADERS}
FILE: Description = {
    "description": "The file's bytes.",
    "headers": {"Content-Disposition": _header("The file's name", "string")},
    "content": IMAGE_CONTENT,
}
PENDING: Description = {
    "description": "The result is still being made.",
    "headers": {"Retry-After": _header("Seconds to wait, at least 1")},
}
LEDGER_LINES: Description = {
    "description": "A page of lines.",
    "headers": METERED_HEADERS,
    "content": {"text/csv": {"schema": {"type": "string"}}},
}
KEY_FOUND: Description = {
    "description": "The key is good.",
    "headers": METERED_HEADERS
    | {"Paying-State": _header("`free` or `paid`", "string"), "Email-Address": _header("The account's name", "string")},
}
