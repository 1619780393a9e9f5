"""What a client asks for, from text to ``Options``; a BadRequest names the parameter and what it takes."""

import re
from collections.abc import Iterable

from minipic.domain.image import OUTPUT_FORMATS, ImageFormat, Options, Preset, Quality, Rgb
from minipic.errors import BadRequest

BACKGROUND_PATTERN = "^(#[0-9a-fA-F]{6}|white|black)$"
_NAMED_COLOURS = {"white": (255, 255, 255), "black": (0, 0, 0)}
_HEX_COLOUR = re.compile(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")
_ALIASES = {"jpg": "jpeg"}
_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")
_SHOWN_CHARS = 40


def parse_options(quality: str = "", output_format: str = "", background: str = "") -> Options:
    """Return the options that three query parameters ask for; an empty one is absent."""
    return Options(
        quality=_quality(quality) if quality else Preset.SMART,
        formats=_formats(output_format),
        background=parse_background("background", background) if background else None,
    )


def shown(value: object) -> str:
    """Return a value as a message may repeat it: quoted, and cut when it is long."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"


def parse_month(text: str) -> int | None:
    """Return a month like 2026-11 as 202611, or None for none."""
    if not text:
        return None
    match = _MONTH.fullmatch(text)
    if match is None:
        raise _refuse("month", text, "a month such as 2026-11")
    return int(match[1] + match[2])


def parse_cursor(text: str) -> int:
    """Return the ``seq`` that a page begins after; 0 for none."""
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise _refuse("cursor", text, "the cursor of the page before")
    return int(text)


def parse_upload_size(body: object) -> int:
    """Return the size in bytes that ``{"size": …}`` announces."""
    size = body.get("size") if isinstance(body, dict) and list(body) == ["size"] else None
    number = whole_number(size)
    if number is None or number < 1:
        raise BadRequest(f'The body takes {{"size": bytes}}, a whole number from 1; {shown(body)} is none.')
    return number


def whole_number(value: object) -> int | None:
    """Return a JSON number that is whole, as 30 and 30.0 are, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if isinstance(value, int) or value.is_integer() else None


def parse_names(text: str) -> tuple[str, ...]:
    """Return the parts of a comma list; none for an empty one."""
    return tuple(part.strip() for part in text.split(",")) if text else ()


def parse_side(name: str, text: str) -> int | None:
    """Return a query's whole number, or None for none; its range is checked where it is used."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise _refuse(name, text, "a whole number")
    return int(text)


def _refuse(name: str, value: object, takes: str) -> BadRequest:
    return BadRequest(f"`{name}` takes {takes}; {shown(value)} is none of them.")


def _one_of(values: Iterable[str]) -> str:
    return ", ".join(values)


def _quality(text: str) -> Quality:
    if text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= 100:
        return int(text)
    try:
        return Preset(text)
    except ValueError:
        raise _refuse("quality", text, f"{_one_of(Preset)} or a whole number from 1 to 100") from None


def _formats(text: str) -> tuple[ImageFormat, ...]:
    if text in ("", "keep"):
        return ()
    name = _ALIASES.get(text, text)
    if name not in OUTPUT_FORMATS:
        raise _refuse("format", text, _one_of(["keep", *OUTPUT_FORMATS]))
    return (ImageFormat(name),)


def parse_background(name: str, value: object) -> Rgb:
    """Return the colour that ``value`` names: ``#RRGGBB``, ``white`` or ``black``."""
    text = value if isinstance(value, str) else ""
    if text in _NAMED_COLOURS:
        return _NAMED_COLOURS[text]
    match = _HEX_COLOUR.fullmatch(text)
    if match is None:
        raise _refuse(name, value, "#RRGGBB, white or black")
    red, green, blue = (int(channel, 16) for channel in match.groups())
    return red, green, blue
