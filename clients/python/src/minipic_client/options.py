"""How an image is to be compressed."""

from __future__ import annotations

import re
from dataclasses import dataclass

PRESETS = ("smart", "high", "extreme", "lossless")
FORMATS = ("keep", "png", "jpeg", "webp", "avif", "gif", "tiff")
PRESERVABLE = ("copyright", "creation", "location")
METHODS = ("fit", "cover", "scale")
MAX_SIDE = 16_383
_RESIZE = re.compile(r"(?:(fit|cover|scale):)?([0-9]{0,5})x([0-9]{0,5})")
_BACKGROUND = re.compile(r"#[0-9a-fA-F]{6}|white|black")


class BadOption(ValueError):
    """An option out of range; the text names what is allowed."""


@dataclass(frozen=True)
class Resize:
    """A new size in pixels, 0 for a side that follows; nothing is ever made larger."""

    method: str
    width: int
    height: int

    def __post_init__(self) -> None:
        sides = [side for side in (self.width, self.height) if side]
        if self.method not in METHODS or not sides or not all(1 <= side <= MAX_SIDE for side in sides):
            raise BadOption(f"a size is WIDTHxHEIGHT, WIDTHx or xHEIGHT, sides 1 to {MAX_SIDE}")
        if (len(sides) == 1) != (self.method == "scale"):
            raise BadOption("scale takes one side (800x or x600), fit and cover take both (800x600, cover:800x600)")

    @classmethod
    def parse(cls, text: str) -> Resize:
        """Read ``800x600`` (fit), ``800x`` or ``x600`` (scale), ``cover:800x600``; BadOption otherwise."""
        found = _RESIZE.fullmatch(text)
        if not found:
            raise BadOption("a size is 800x600, 800x, x600 or cover:800x600")
        width, height = int(found[2] or 0), int(found[3] or 0)
        return cls(found[1] or ("fit" if width and height else "scale"), width, height)


@dataclass(frozen=True)
class Options:
    """What ``POST /v1/compress`` is asked for; BadOption where it would refuse."""

    quality: str = "smart"
    format: str = "keep"
    resize: Resize | None = None
    preserve: tuple[str, ...] = ()
    background: str = ""

    def __post_init__(self) -> None:
        if self.quality not in PRESETS and not re.fullmatch("[1-9][0-9]?|100", self.quality):
            raise BadOption(f"quality is {', '.join(PRESETS)} or a number from 1 to 100")
        if self.format not in FORMATS:
            raise BadOption(f"format is one of {', '.join(FORMATS)}")
        if not set(self.preserve) <= set(PRESERVABLE):
            raise BadOption(f"preserve takes {', '.join(PRESERVABLE)}, by comma")
        if self.background and not _BACKGROUND.fullmatch(self.background):
            raise BadOption("background is #RRGGBB, white or black")

    def query(self) -> dict[str, str]:
        """Return the query's parameters, without those at their default; the same for equal options."""
        asked = {
            "quality": self.quality if self.quality != "smart" else "",
            "format": self.format if self.format != "keep" else "",
            "preserve": ",".join(sorted(set(self.preserve))),
            "background": self.background,
        }
        if self.resize:
            asked["method"] = self.resize.method
            asked["width"] = str(self.resize.width or "")
            asked["height"] = str(self.resize.height or "")
        return {name: value for name, value in asked.items() if value}
