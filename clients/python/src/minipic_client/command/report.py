"""What is shown: progress, the table at the end, and the same as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from minipic_client.command.names import shown
from minipic_client.command.outcomes import Outcome, Status, ends_the_run, saved_percent
from minipic_client.errors import LimitReached, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COLOURS = {
    Status.COMPRESSED: "green",
    Status.CAN_SHRINK: "yellow",
    Status.FAILED: "red",
    Status.NOT_TRIED: "red",
}
WIDE = 1000  # columns of a table that goes to a file: no name is cut there


class Screen:
    """Where everything is printed; the key is in nothing of it, wherever the text came from."""

    def __init__(self) -> None:
        self.secret = ""
        self._out = _console(False)
        self._err = _console(True)

    def clean(self, text: str) -> str:
        """Return text without the key and without anything that a terminal obeys."""
        return shown(text.replace(self.secret, "…") if self.secret else text)

    def use_stderr(self) -> None:
        """Leave standard output to the image."""
        self._out = self._err

    def say_all(self, text: str) -> None:
        """Print lines for people on standard error."""
        for line in text.splitlines():
            self.say(line)

    def say(self, text: str) -> None:
        """Print a line for people on standard error."""
        self._err.print(Text(self.clean(text)), soft_wrap=True)

    def show(self, outcomes: Sequence[Outcome], title_counts: str) -> None:
        """Print a table of all images and the sum."""
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        table.add_column("File", overflow="ellipsis", no_wrap=True, ratio=None)
        for name in ("Before", "After", "Saved"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("", overflow="fold")
        reasons: set[str] = set()
        for outcome in outcomes:
            table.add_row(*self._cells(outcome, is_known=outcome.note in reasons))
            if ends_the_run(outcome.error):  # images in work at that moment all meet it
                reasons.add(outcome.note)
        self._out.print(table)
        self._out.print(Text(self.clean(f"\n{title_counts}".strip())), soft_wrap=True)

    def show_json(self, told: dict[str, Any]) -> None:
        """Print an object for scripts."""
        text = json.dumps(told, indent=2)  # in ASCII, whatever the output takes
        secret = json.dumps(self.secret)[1:-1]
        self._out.file.write((text.replace(secret, "\\u2026") if secret else text) + "\n")
        self._out.file.flush()

    def show_pairs(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Print names and values below each other."""
        table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        for name, value in pairs:
            table.add_row(Text(name, style="bold"), Text(self.clean(value)))
        self._out.print(table)

    @contextmanager
    def progress(self, count: int) -> Iterator[Callable[[Outcome], None]]:
        """Show a bar while images are worked on, where somebody looks at a terminal."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self._err, transient=True, disable=not self._err.is_terminal) as bar:
            task = bar.add_task("Compressing", total=count)
            yield lambda _outcome: bar.advance(task)

    def _cells(self, outcome: Outcome, *, is_known: bool) -> tuple[Text, ...]:
        status = outcome.status
        reason = "as above" if is_known else outcome.note
        note = f"{status.value}: {reason}" if reason else status.value
        name = outcome.item.name
        if outcome.target is not None and outcome.target != outcome.item.path and status is Status.COMPRESSED:
            note = f"→ {outcome.target}"
        saved = ""
        if outcome.before and outcome.after is not None:
            saved = f"{saved_percent(outcome.before, outcome.after):.1f} %"
        cells = (name, size_text(outcome.before), size_text(outcome.after), saved, note)
        return tuple(Text(self.clean(cell), style=COLOURS.get(status, "")) for cell in cells)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to `main`: rich would end the process with the exit code 1, which means something here."""
        raise BrokenPipeError


def _console(to_stderr: bool) -> Console:
    console = _Console(stderr=to_stderr, highlight=False, emoji=False, markup=False)
    return console if console.is_terminal else _Console(stderr=to_stderr, highlight=False, emoji=False, width=WIDE)


def size_text(size_bytes: int | None) -> str:
    """Return a size for people, in powers of 1000."""
    if size_bytes is None:
        return ""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    size = size_bytes / 1000
    return f"{size:.1f} kB" if size < 1000 else f"{size / 1000:.1f} MB"


def total_line(outcomes: Sequence[Outcome], *, is_check: bool = False) -> str:
    """Return the sum of a run in a sentence or two; nothing was written by one that only checks."""
    counts = Counter(outcome.status for outcome in outcomes)
    parts = ", ".join(f"{counts[status]} {status.value}" for status in Status if counts[status])
    images = "image" if len(outcomes) == 1 else "images"
    line = f"{len(outcomes)} {images}: {parts}."
    before, after = _sums(outcomes)
    if before:
        verb = "could be saved" if is_check else "saved"
        line += f" {size_text(before)} → {size_text(after)}, {saved_percent(before, after):.1f} % {verb}."
    left = [outcome.images_left for outcome in outcomes if outcome.images_left is not None]
    return line + (f" Images left: {min(left)}." if left else "")


def told(outcomes: Sequence[Outcome], exit_code: int) -> dict[str, Any]:
    """Return a run as an object for scripts."""
    before, after = _sums(outcomes)
    return {
        "files": [_told_one(outcome) for outcome in outcomes],
        "total": {
            "files": len(outcomes),
            "before": before,
            "after": after,
            "saved": before - after,
            "saved_percent": round(saved_percent(before, after), 1),
        },
        "exit_code": exit_code,
    }


def _told_one(outcome: Outcome) -> dict[str, Any]:
    error = outcome.error
    one: dict[str, Any] = {
        "file": shown(outcome.item.name),
        "status": outcome.status.value,
        "before": outcome.before,
        "after": outcome.after,
        "output": None if outcome.target is None else shown(str(outcome.target)),
        "score": outcome.score,
        "note": shown(outcome.note),
    }
    if isinstance(error, ServiceError):
        one["error"] = {"status": error.status, "code": shown(error.code), "request_id": shown(error.request_id)}
    if isinstance(error, LimitReached) and error.upgrade_url:
        one["error"]["upgrade_url"] = shown(error.upgrade_url)
    return one


def _sums(outcomes: Sequence[Outcome]) -> tuple[int, int]:
    sized = [(o.before, o.after) for o in outcomes if o.before is not None and o.after is not None]
    return sum(before for before, _ in sized), sum(after for _, after in sized)
