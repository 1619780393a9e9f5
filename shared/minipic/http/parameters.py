"""Query parameters and one header, described once; the domain checks what they hold."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Header, Query
from pydantic.json_schema import SkipJsonSchema

from minipic.domain.image import Options, ResizeMethod
from minipic.domain.jobs import MAX_ID, State, parse_job_id
from minipic.domain.operations import make_resize, parse_preserve
from minipic.domain.options import BACKGROUND_PATTERN, parse_names, parse_options, parse_side
from minipic.domain.repeats import HEADER, KEY_PATTERN, parse_key
from minipic.http.faces import InvalidFields

QualityParam = Annotated[
    str,
    Query(
        description="`smart` (the default), `high`, `extreme`, `lossless`, or a whole number from 1 to 100",
        examples=["smart"],
        json_schema_extra={"pattern": "^(smart|high|extreme|lossless|[1-9][0-9]?|100)?$"},
    ),
]
FormatParam = Annotated[
    str,
    Query(
        alias="format",
        description="`keep` (the default), `png`, `jpeg`, `webp`, `avif`, `gif` or `tiff`",
        examples=["webp"],
        json_schema_extra={"enum": ["", "keep", "png", "jpeg", "jpg", "webp", "avif", "gif", "tiff"]},
    ),
]
BackgroundParam = Annotated[
    str,
    Query(
        description="`#RRGGBB`, `white` or `black`: fills what is transparent",
        examples=["#ffffff"],
        json_schema_extra={"pattern": f"{BACKGROUND_PATTERN}|^$"},
    ),
]
PreserveParam = Annotated[
    str,
    Query(
        description="Metadata to keep, by comma: `copyright`, `creation`, `location`",
        examples=["copyright,creation"],
        json_schema_extra={"pattern": "^((copyright|creation|location)(,(copyright|creation|location))*)?$"},
    ),
]
SideParam = Annotated[
    str,
    Query(
        description="Pixels, 1 to 16383; the picture is never made larger",
        json_schema_extra={"pattern": "^([1-9][0-9]{0,3}|1[0-5][0-9]{3}|16[0-2][0-9]{2}|163[0-7][0-9]|1638[0-3])?$"},
    ),
]
MethodParam = Annotated[
    str,
    Query(
        description="`scale` (one side; the default for one), `fit` (both; the default for both), `cover` (both)",
        json_schema_extra={"enum": ["", *ResizeMethod]},
    ),
]
LinkParam = Annotated[str, Query(description="The token of `output.url`: opens the result without a key")]
MonthParam = Annotated[
    str,
    Query(
        description="A month (UTC); the current one if none",
        examples=["2026-11"],
        json_schema_extra={"pattern": "^(20[0-9]{2}-(0[1-9]|1[0-2]))?$"},
    ),
]
CursorParam = Annotated[
    str,
    Query(
        description="`cursor` of the page before",
        examples=["1000"],
        json_schema_extra={"pattern": "^[0-9]{0,15}$"},
    ),
]
JobCursorParam = Annotated[
    str,
    Query(
        description="`cursor` of the page before",
        examples=["1170935903116289"],
        json_schema_extra={"pattern": "^([1-9][0-9]{0,15})?$"},
    ),
]
RepeatKeyParam = Annotated[
    str | SkipJsonSchema[None],
    Header(
        alias=HEADER,
        description="A key of your own for this request, such as a UUID: a repeat with the same key, as long as the "
        "result is kept, gets the first answer and is not counted",
        examples=["4b0c6c1e-7d0a-4f7e-9d5f-1f2f9d1f8a55"],
        json_schema_extra={"pattern": KEY_PATTERN},
    ),
]


JobStateParam = Annotated[
    str,
    Query(
        alias="status",
        description="Only images of which this came; all if none",
        json_schema_extra={"enum": ["", *State]},
    ),
]


async def _job_state(state: JobStateParam = "") -> State | None:
    if state and state not in list(State):
        raise InvalidFields({"status": f"The status must be one of {', '.join(State)}."})
    return State(state) if state else None


async def _job_cursor(cursor: JobCursorParam = "") -> int:
    before_id = parse_job_id(cursor) if cursor else MAX_ID
    if before_id is None:
        raise InvalidFields({"cursor": "The cursor must be that of the page before."})
    return before_id


async def _repeat_key(key: RepeatKeyParam = None) -> str | None:
    return None if key is None else parse_key(key)


async def _shrink_options(quality: QualityParam = "", output_format: FormatParam = "") -> Options:
    return parse_options(quality, output_format)


async def _compress_options(
    quality: QualityParam = "",
    output_format: FormatParam = "",
    background: BackgroundParam = "",
    preserve: PreserveParam = "",
    width: SideParam = "",
    height: SideParam = "",
    method: MethodParam = "",
) -> Options:
    options = replace(parse_options(quality, output_format, background), preserve=parse_preserve(parse_names(preserve)))
    if not (width or height or method):
        return options
    default = "fit" if width and height else "scale"
    resize = make_resize(method or default, parse_side("width", width), parse_side("height", height))
    return replace(options, resize=resize)


ShrinkOptionsDep = Annotated[Options, Depends(_shrink_options)]
CompressOptionsDep = Annotated[Options, Depends(_compress_options)]
JobStateDep = Annotated[State | None, Depends(_job_state)]
JobCursorDep = Annotated[int, Depends(_job_cursor)]
RepeatKeyDep = Annotated[str | None, Depends(_repeat_key)]
