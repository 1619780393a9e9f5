"""Query parameters that several endpoints take, described once; ``domain.options`` checks what they hold."""

from typing import Annotated

from fastapi import Query

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
LinkParam = Annotated[str, Query(description="The token of `output.url`: opens the result without a key")]
