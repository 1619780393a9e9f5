"""What holds for all images of a run, and which files it may replace."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from minipic_client.command.items import Item
from minipic_client.command.outcomes import Policy
from minipic_client.command.targets import Place
from minipic_client.formats import FORMAT_OF_SUFFIX
from minipic_client.options import Options

TAKEN = "exists already; --overwrite replaces it"
NOT_NAMED = "a file with the suffix of its true format exists already, and --output names another"


@dataclass(frozen=True)
class Order:
    """Everything that holds for all images of a run."""

    options: Options
    place: Place
    policy: Policy
    overwrite: bool = False
    keep_original: bool = False
    keep_mtime: bool = False
    dry_run: bool = False

    @property
    def writes(self) -> bool:
        """Whether results are written at all."""
        return not self.dry_run and self.policy.check_percent is None

    def replaces(self, item: Item, target: Path) -> bool:
        """Tell whether the result takes its original's place."""
        return self.place.in_place and target == item.path

    def may_overwrite(self, target: Path) -> bool:
        """Tell whether another file may give way to a result."""
        return self.overwrite and self._is_named(target)

    def refusal(self, target: Path) -> str:
        """Return why a file that exists does not give way."""
        return TAKEN if self._is_named(target) else NOT_NAMED

    def _is_named(self, target: Path) -> bool:
        """Tell whether the user can know that the target is one: `--output photo.png` does not name photo.jpg."""
        named = self.place.file
        return named is None or target == named or named.suffix.lower() not in FORMAT_OF_SUFFIX
