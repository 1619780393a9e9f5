"""One image's end: its result, or what stays as it is, is written where it belongs."""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import replace
from pathlib import Path

from minipic_client.command.cache import Cache, digest_of
from minipic_client.command.names import reason
from minipic_client.command.order import TAKEN, Order
from minipic_client.command.outcomes import Outcome, Status
from minipic_client.command.work import DONE_BEFORE, Made
from minipic_client.command.writing import Changed, digest_of_file, keep_backup, require_unchanged, write_file

NO_FURTHER = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}  # what the next image would meet, too


def finish(made: Made, order: Order, cache: Cache) -> Outcome:
    """Write what there is to write; the outcome says how that went."""
    outcome = made.outcome
    try:
        if not order.writes or outcome.status not in {Status.COMPRESSED, Status.KEPT, Status.KNOWN}:
            return outcome
        if outcome.status is Status.COMPRESSED and made.result is not None:
            _put(made, made.result.data, order)
            cache.remember(digest_of(made.result.data), digest_of(made.result.data), len(made.result.data))
        elif made.data and _goes_elsewhere(outcome) and not _holds(outcome.target, outcome, made):
            _put(made, made.data, order)  # what gains nothing goes along as it is
    except FileExistsError:
        return unwritten(outcome, TAKEN if outcome.target is None else order.refusal(outcome.target))
    except Changed:
        return unwritten(outcome, "was changed by somebody else meanwhile")
    except OSError as error:
        is_last = error.errno in NO_FURTHER
        return replace(unwritten(outcome, reason(error)), ends_the_run=is_last)
    return outcome


def unwritten(outcome: Outcome, note: str) -> Outcome:
    """Return the outcome of an image whose result found no place: nothing was saved."""
    return replace(outcome, status=Status.FAILED, after=None, target=None, note=note)


def _goes_elsewhere(outcome: Outcome) -> bool:
    """Tell whether what stays as it is has yet to be put somewhere; standard input always has."""
    return outcome.item.is_stdin or outcome.target != outcome.item.path


def _put(made: Made, data: bytes, order: Order) -> None:
    item, target = made.outcome.item, made.outcome.target
    if target is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    replaces = order.replaces(item, target)
    is_original = item.path is not None and os.path.realpath(target) == os.path.realpath(item.path)
    is_its_place = is_original or order.place.in_place  # elsewhere a folder may have a group of its own
    if made.read is not None and item.path is not None and is_its_place:
        require_unchanged(item.path, made.read)
    if replaces and order.keep_original:
        keep_backup(target)
    overwrite = replaces or order.may_overwrite(target)
    write_file(
        target, data, made.read, overwrite=overwrite, keep_owner=is_its_place, keep_mtime=order.keep_mtime,
        is_original=is_original,
    )  # fmt: skip
    if order.place.in_place and not replaces and not order.keep_original and item.path is not None:
        if made.read is not None:
            require_unchanged(item.path, made.read)
        item.path.unlink()


def _holds(target: Path | None, outcome: Outcome, made: Made) -> bool:
    """Tell whether the target holds already what belongs there."""
    if target is None:
        return False
    return outcome.note == DONE_BEFORE or digest_of_file(target) == made.digest
