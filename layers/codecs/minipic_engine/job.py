"""One job: a file, what is to be done to it, and what was found out on the way."""

from dataclasses import dataclass
from functools import cached_property

from minipic.domain.image import ImageFormat, Options, Preset

from . import colour, resize, steps
from .formats import DECODERS
from .goal import EXACT, Goal
from .header import Header
from .kept import Kept
from .picture import Picture, without_full_alpha, without_hidden_colours

_LOSSLESS_PRESETS_OF_GIF = (Preset.SMART, Preset.HIGH)


@dataclass(frozen=True)
class Job:
    """What is to be done to one file; decoded and prepared at most once, whatever the number of formats."""

    data: bytes
    header: Header
    options: Options
    goal: Goal
    plan: resize.Plan | None
    kept: Kept

    @property
    def size(self) -> resize.Size:
        """The result's, as a viewer sees it."""
        return self.header.shown_size if self.plan is None else self.plan.size

    @cached_property
    def stored(self) -> Picture:
        """The pixels as the file has them; of several pages the first."""
        return without_full_alpha(DECODERS[self.header.format].decode(self.data, self.header))

    @cached_property
    def verdict(self) -> colour.Verdict:
        """What becomes of the profile."""
        if self.header.icc is None:  # which needs no decoding
            return colour.Verdict.DROP
        return colour.judge(self.header.icc, self.stored.image.mode)

    @property
    def needed_icc(self) -> bytes | None:
        """The profile that has to go along with unchanged pixels."""
        return None if self.verdict is colour.Verdict.DROP else self.header.icc

    @cached_property
    def prepared(self) -> Picture:
        """The pixels to encode without loss."""
        return steps.apply(self.stored, steps.Work(self.header, self.verdict, self.plan, self.options.background))

    @cached_property
    def cleared(self) -> Picture:
        """The pixels to encode with loss: what nobody sees is black."""
        return without_hidden_colours(self.prepared)

    def goal_in(self, target: ImageFormat) -> Goal:
        """Return the goal that holds for ``target``: GIF loses something only where that was asked plainly."""
        is_exact = target is ImageFormat.GIF and self.options.quality in _LOSSLESS_PRESETS_OF_GIF
        return EXACT if is_exact else self.goal

    def picture_for(self, target: ImageFormat) -> Picture:
        """Return the pixels to encode in ``target``."""
        return self.prepared if self.goal.is_lossless or target is ImageFormat.TIFF else self.cleared

    def keeps_pixels(self, target: ImageFormat) -> bool:
        """Tell whether a result in ``target`` may hold the very pixels of the file."""
        if self.header.format is not target or self.plan is not None:
            return False
        if self.options.background is None:
            return not self.header.pages or self.options.resize is None
        return not (self.header.is_animated or self.header.pages or self.stored.has_alpha)
