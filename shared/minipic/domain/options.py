"""What a client asks for, from text to ``Options``; a BadRequest names the parameter and what it takes."""

import re
from collections.abc import Iterable

from minipic.domain.image import ImageFormat, Options, Preset, Quality, Rgb
from minipic.errors import BadRequest

_NAMED_COLOURS = {"white": (255, 255, 255), "black": (0, 0, 0)}
_HEX_COLOUR = re.compile(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")
_ALIASES = {"jpg": "jpeg"}
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
    try:
        return (ImageFormat(_ALIASES.get(text, text)),)
    except ValueError:
        raise _refuse("format", text, _one_of(["keep", *ImageFormat])) from None


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
