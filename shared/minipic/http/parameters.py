"""Query parameters, described once; ``domain.options`` and ``domain.operations`` check what they hold."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Query

from minipic.domain.image import Options
from minipic.domain.operations import make_resize, parse_preserve
from minipic.domain.options import parse_names, parse_options, parse_side

QualityParam = Annotated[
    str,
    Query(
        description="`smart` (the default), `high`, `extreme`, `lossless`, or a whole number from 1 to 100",
        examples=["smart"],
    ),
]
FormatParam = Annotated[
    str, Query(alias="format", description="`keep` (the default), `png`, `jpeg` or `webp`", examples=["webp"])
]
BackgroundParam = Annotated[
    str,
    Query(description="`#RRGGBB`, `white` or `black`: fills what is transparent", examples=["#ffffff"]),
]
PreserveParam = Annotated[
    str,
    Query(
        description="Metadata to keep, by comma: `copyright`, `creation`, `location`",
        examples=["copyright,creation"],
    ),
]
SideParam = Annotated[str, Query(description="Pixels, 1 to 16383; the picture is never made larger")]
MethodParam = Annotated[
    str,
    Query(description="`scale` (one side; the default for one), `fit` (both; the default for both), `cover` (both)"),
]
LinkParam = Annotated[str, Query(description="The token of `output.url`: opens the result without a key")]
MonthParam = Annotated[str, Query(description="A month (UTC); the current one if none", examples=["2026-11"])]
CursorParam = Annotated[str, Query(description="`cursor` of the page before", examples=["1000"])]


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
