"""Derived operations, from JSON to ``Operations``; a BadRequest names the field, its value and what it takes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import cast

from minipic.domain.image import (
    MAX_RESIZE_PIXELS,
    OUTPUT_FORMATS,
    ImageFormat,
    Options,
    Preserve,
    Resize,
    ResizeMethod,
    Rgb,
)
from minipic.domain.options import parse_background, shown, whole_number
from minipic.errors import BadRequest, NotImplementedYet

Json = Mapping[str, object]

MEDIA_TYPES = {image_format.media_type: image_format for image_format in OUTPUT_FORMATS} | {
    "image/jpg": ImageFormat.JPEG
}
ANY_TYPE = "*/*"


@dataclass(frozen=True, slots=True)
class Operations:
    """What is to be done to the original; None stands for what was not asked."""

    resize: Resize | None = None
    formats: tuple[ImageFormat, ...] | None = None
    preserve: frozenset[Preserve] | None = None
    background: Rgb | None = None

    @property
    def are_none(self) -> bool:
        """Whether nothing was asked: then it is a plain download."""
        return self == Operations()

    def on_top_of(self, options: Options) -> Options:
        """Return the options with these operations merged in: the later of one name wins."""
        return replace(
            options,
            resize=self.resize or options.resize,
            formats=options.formats if self.formats is None else self.formats,
            preserve=options.preserve if self.preserve is None else self.preserve,
            background=self.background or options.background,
        )


def parse_operations(body: object) -> Operations:
    """Return the operations that a JSON body asks for; null is absent, an unknown field a BadRequest."""
    fields = _object("body", body, ("resize", "convert", "preserve", "transform", "store"))
    if fields.get("store") is not None:
        raise NotImplementedYet("`store` is not offered here: download the result and store it yourself.")
    return Operations(
        resize=_resize(fields.get("resize")),
        formats=_convert(fields.get("convert")),
        preserve=_preserve(fields.get("preserve")),
        background=_transform(fields.get("transform")),
    )


def _object(name: str, value: object, names: Iterable[str]) -> Json:
    if not isinstance(value, dict):
        raise BadRequest(f"`{name}` takes an object; {shown(value)} is none.")
    unknown = sorted(set(value) - set(names))
    if unknown:
        raise BadRequest(f"`{name}` takes {', '.join(names)}; {shown(unknown[0])} is none of them.")
    return cast("Json", value)


def _resize(value: object) -> Resize | None:
    if value is None:
        return None
    fields = _object("resize", value, ("method", "width", "height"))
    return make_resize(fields.get("method"), fields.get("width"), fields.get("height"), "resize.")


def make_resize(method: object, width: object, height: object, prefix: str = "") -> Resize:
    """Return a resize of these values; ``prefix`` stands before the names in messages."""
    if method == "thumb":
        raise NotImplementedYet(f"`{prefix}method` thumb is not offered here; cover crops around the centre.")
    if method not in tuple(ResizeMethod):
        raise BadRequest(f"`{prefix}method` takes {', '.join(ResizeMethod)}; {shown(method)} is none of them.")
    chosen = ResizeMethod(cast("str", method))
    sides = {"width": _side(f"{prefix}width", width), "height": _side(f"{prefix}height", height)}
    given = [name for name, side in sides.items() if side is not None]
    if chosen is ResizeMethod.SCALE and len(given) != 1:
        raise BadRequest(f"`{prefix}method` scale takes exactly one of `{prefix}width` and `{prefix}height`.")
    if chosen is not ResizeMethod.SCALE and len(given) != 2:
        raise BadRequest(f"`{prefix}method` {chosen} takes both `{prefix}width` and `{prefix}height`.")
    return Resize(chosen, sides["width"], sides["height"])


def _side(name: str, value: object) -> int | None:
    if value is None:
        return None
    number = whole_number(value)
    if number is None or not 1 <= number <= MAX_RESIZE_PIXELS:
        raise BadRequest(f"`{name}` takes a whole number from 1 to {MAX_RESIZE_PIXELS}; {shown(value)} is none.")
    return number


def _convert(value: object) -> tuple[ImageFormat, ...] | None:
    if value is None:
        return None
    asked = _object("convert", value, ("type",)).get("type")
    names = asked if isinstance(asked, list) else [asked]
    takes = f"{', '.join(MEDIA_TYPES)}, a list of those, or {ANY_TYPE}"
    formats: list[ImageFormat] = []
    for name in names:
        if name == ANY_TYPE:
            formats += OUTPUT_FORMATS
        elif isinstance(name, str) and name in MEDIA_TYPES:
            formats.append(MEDIA_TYPES[name])
        else:
            raise BadRequest(f"`convert.type` takes {takes}; {shown(name)} is none of them.")
    if not formats:
        raise BadRequest(f"`convert.type` takes {takes}; the list is empty.")
    return tuple(dict.fromkeys(formats))


def _preserve(value: object) -> frozenset[Preserve] | None:
    if value is None:
        return None
    if value == []:
        return None  # a client that is asked to keep nothing sends an empty list: nothing was asked
    if not isinstance(value, list):
        raise BadRequest(f"`preserve` takes a list of {', '.join(Preserve)}; {shown(value)} is none.")
    return parse_preserve(value)


def parse_preserve(names: Iterable[object]) -> frozenset[Preserve]:
    """Return what of the metadata is to be kept."""
    kept = set()
    for name in names:
        if name not in tuple(Preserve):
            raise BadRequest(f"`preserve` takes {', '.join(Preserve)}; {shown(name)} is none of them.")
        kept.add(Preserve(cast("str", name)))
    return frozenset(kept)


def _transform(value: object) -> Rgb | None:
    if value is None:
        return None
    background = _object("transform", value, ("background",)).get("background")
    return None if background is None else parse_background("transform.background", background)
