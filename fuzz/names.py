"""The targets' names, apart from the codecs that they load."""

from minipic.domain.image import ImageFormat

NAMES = (
    "parse_any", "parse_metadata", *(f"parse_{kind}" for kind in ImageFormat),
    *(f"decode_{kind}" for kind in ImageFormat),
)  # fmt: skip
