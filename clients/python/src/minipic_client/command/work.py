"""One image: read it, ask the cache and the service, and decide. No file is changed here."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from minipic_client.client import Client, Result
from minipic_client.command.cache import Cache, digest_of
from minipic_client.command.items import Item
from minipic_client.command.names import reason
from minipic_client.command.order import Order
from minipic_client.command.outcomes import Outcome, Status, failed, saved_percent
from minipic_client.command.targets import own_target, plain_target, target_for_type
from minipic_client.command.writing import digest_of_file, require_writable
from minipic_client.errors import MinipicError
from minipic_client.formats import format_of, is_image

MAX_READ_BYTES = 512 * 1024**2
DONE_BEFORE = "done before"


@dataclass(frozen=True)
class Made:
    """An image that was worked on and not yet written; ``data`` is what came in."""

    outcome: Outcome
    data: bytes = b""
    digest: str = ""
    read: os.stat_result | None = None
    result: Result | None = None


def make(
    item: Item,
    target: Path | None,
    order: Order,
    cache: Cache,
    client: Client | None,
    is_anothers: Callable[[Path], bool] = lambda _: False,
) -> Made:
    """Read an image and get its result, from the service only if it has to be; files stay as they are.

    Without a client nothing is sent. ``is_anothers`` tells what belongs to another image of the run.
    """
    if item.problem:
        return Made(failed(item, item.problem))
    if item.url:
        return _made_of_url(item, target, order, client)
    try:
        data, read = _read(item)
    except OSError as error:
        return Made(failed(item, reason(error)))
    digest = digest_of(data)
    expected = _expected(item, target, order, data)
    early = _without_sending(item, target, expected, order, cache, data, digest)
    if early is None and (expected is None or expected == target or not is_anothers(expected)):
        refusal = _refusal(item, expected, order)
        early = failed(item, refusal, before=len(data)) if refusal else None
    if early is not None:
        return Made(early, data, digest, read)
    if client is None:
        return Made(Outcome(item, Status.PLANNED, len(data), target=target))
    try:
        _require_place(target, order)
        result = client.compress(data, order.options)
    except OSError as error:
        return Made(failed(item, reason(error), before=len(data)))
    except MinipicError as error:
        return Made(failed(item, str(error), error, len(data)))
    cache.remember(digest, digest_of(result.data), len(result.data))
    final = target and target_for_type(item, target, order.options.format, result.media_type)
    return Made(_judged(item, final, order, data, result), data, digest, read, result)


def _read(item: Item) -> tuple[bytes, os.stat_result | None]:
    if item.path is None:
        return sys.stdin.buffer.read(MAX_READ_BYTES), None
    with item.path.open("rb") as file:
        read = os.fstat(file.fileno())
        if read.st_size > MAX_READ_BYTES:
            raise OSError(0, "is larger than 512 MiB")
        return file.read(), read


def _without_sending(
    item: Item, target: Path | None, expected: Path | None, order: Order, cache: Cache, data: bytes, digest: str
) -> Outcome | None:
    """Return the outcome where the cache settles it, None where the service has to be asked."""
    before = len(data)
    if not data:
        return failed(item, "is empty", before=0)
    known = cache.find(digest)
    if known is not None:
        outcome = Outcome(item, Status.KNOWN, before, known.size_bytes, target)
        on_purpose = _on_purpose(item, target, order, data)
        worth_it = order.policy.is_worth_it(before, known.size_bytes, on_purpose=on_purpose)
        if order.policy.check_percent is not None:
            return _checked(outcome, order.policy.check_percent)
        if known.digest == digest or not worth_it:
            stays = own_target(item, order.place, data)
            return replace(outcome, after=before, target=stays, note=_why_kept(before, known.size_bytes))
        # Where an earlier run left the original, its result has the plain name, and is in this run, too.
        for path in (target, expected, plain_target(item, order.place, order.options.format)):
            if path is not None and path != item.path and digest_of_file(path) == known.digest:
                return replace(outcome, target=path, note=DONE_BEFORE)
    return None


def _refusal(item: Item, target: Path | None, order: Order) -> str:
    """Return why a result would not be written at the target, before it is paid for; "" where nothing is in its way."""
    if target is None or not order.writes or order.replaces(item, target) or order.may_overwrite(target):
        return ""
    return order.refusal(target) if os.path.lexists(target) else ""


def _expected(item: Item, target: Path | None, order: Order, data: bytes) -> Path | None:
    """Return where the result will most likely go: a suffix that the data belie is made true.

    Where that is another image's of the run, the old suffix stays inside, when the result has come.
    """
    made = format_of(data) if order.options.format == "keep" else ""
    return target_for_type(item, target, order.options.format, f"image/{made}") if target and made else target


def _judged(item: Item, target: Path | None, order: Order, data: bytes, result: Result) -> Outcome:
    before, after = len(data), len(result.data)
    outcome = _result_outcome(item, before, target, result)
    if order.policy.check_percent is not None:
        return _checked(replace(outcome, status=Status.KEPT), order.policy.check_percent)
    if order.policy.is_worth_it(before, after, on_purpose=_on_purpose(item, target, order, data)):
        return outcome
    stays = own_target(item, order.place, data)
    return replace(outcome, status=Status.KEPT, after=before, target=stays, note=_why_kept(before, after))


def _result_outcome(item: Item, before: int, target: Path | None, result: Result) -> Outcome:
    score, left = result.score, result.images_left
    return Outcome(item, Status.COMPRESSED, before, len(result.data), target, score=score, images_left=left)


def _checked(outcome: Outcome, percent: float) -> Outcome:
    before, after = outcome.before or 0, outcome.after or 0
    return replace(outcome, status=Status.CAN_SHRINK) if saved_percent(before, after) > percent else outcome


def _on_purpose(item: Item, target: Path | None, order: Order, data: bytes) -> bool:
    """Tell whether a new format or size was asked for: then the result counts, larger or not."""
    wanted = order.options.format
    own = (item.path or item.relative).suffix
    is_renamed = item.is_stdin or (target is not None and target.suffix != own)
    new_format = wanted != "keep" and (is_renamed or not is_image(data, wanted))  # a JPEG may be called x.png
    return new_format or order.options.resize is not None


def _why_kept(before: int, after: int) -> str:
    return "nothing to gain" if after >= before else f"only {saved_percent(before, after):.1f} % to gain"


def _made_of_url(item: Item, target: Path | None, order: Order, client: Client | None) -> Made:
    if client is None:
        return Made(Outcome(item, Status.PLANNED, target=target))
    refusal = _refusal(item, target, order) if target is not None and target.suffix else ""
    if refusal:
        return Made(failed(item, refusal))
    try:
        _require_place(target, order)
        result = client.compress_url(item.url, order.options)
    except OSError as error:
        return Made(failed(item, reason(error)))
    except MinipicError as error:
        return Made(failed(item, str(error), error))
    final = target and target_for_type(item, target, order.options.format, result.media_type)
    outcome = _result_outcome(item, result.input_bytes, final, result)
    if order.policy.check_percent is not None:
        outcome = _checked(replace(outcome, status=Status.KEPT), order.policy.check_percent)
    return Made(outcome, result=result)


def _require_place(target: Path | None, order: Order) -> None:
    """Raise OSError before anything is sent if its result could not be written."""
    if target is not None and order.writes:
        require_writable(target.parent)
