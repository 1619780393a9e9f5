"""What a reader has to know of a run: which tools it had, and that its ground is sound."""

import sys
from collections.abc import Iterable, Sequence

from benchmarks.quality.aims import SMART
from benchmarks.quality.cache import Cache
from benchmarks.quality.corpus import pairs
from benchmarks.quality.images import timeline
from benchmarks.quality.judging import engine_version, has_butteraugli
from benchmarks.quality.measuring import Observed
from benchmarks.quality.peers import SHARP_AVIF, SHARP_JPEG, SHARP_PREFIX, SHARP_WEBP, peers


def facts(kinds: Iterable[str], observed: Sequence[Observed], records: Cache, *, has_second_opinion: bool) -> list[str]:
    """Return lines about the tools; those that are not here are named."""
    tools = [peer for kind in kinds for peer in peers(kind)]
    here = "; ".join(f"{peer.name}: {peer.version}" for peer in tools if peer.is_here)
    absent = ", ".join(peer.name for peer in tools if not peer.is_here)
    lines = [f"Engine {engine_version()}. {here}.", f"Not here: {absent}." if absent else "Every tool was here."]
    if not has_second_opinion:
        why = "was not asked" if has_butteraugli() else "is not here (Debian: libjxl-devtools)"
        lines.append(f"Butteraugli {why}: its column is empty.")
    lines += _timelines(observed, records)
    lines += _apart_from_pairs(observed)
    return lines + [line for name in (SHARP_JPEG, SHARP_WEBP, SHARP_AVIF) if (line := _likeness(observed, name))]


def _timelines(observed: Sequence[Observed], records: Cache) -> list[str]:
    """Return how many animations that were packed without loss show the same at the same time."""
    films = [(one, one.points[SMART]) for one in observed if one.kind == "gif" and SMART in one.points]
    other = [one.source.name for one, point in films
             if timeline(one.source.data) != timeline(records.file(point.made.file))]  # fmt: skip
    if not films:
        return []
    said = f" Others: {', '.join(other)}." if other else ""
    return [f"GIF, {SMART}: {len(films) - len(other)} of {len(films)} show the same frames for the same times.{said}"]


def _apart_from_pairs(observed: Sequence[Observed]) -> list[str]:
    """Return how many of the PNGs are no recorded pairs, on which the settings of palettes were chosen."""
    names = {one.source.name: one.source.sha256 for one in observed if one.kind == "png"}
    if not names:
        return []
    recorded = {pair.before.sha256 for pair in pairs("png", sys.maxsize)}
    apart = sum(name not in recorded for name in names.values())
    return [
        f"PNG: {apart} of {len(names)} graphics and screens are none of the recorded pairs, on which most settings of"
        " palettes were chosen."
    ]


def _likeness(observed: Sequence[Observed], stand_in: str) -> str:
    """Return how many results of sharp itself are the very files that its stand-in makes; empty without sharp."""
    same = total = 0
    for one in observed:
        sharp = next((name for name in one.ladders if name.startswith(SHARP_PREFIX)), "")
        for rung in one.ladders.get(sharp, ()):
            theirs = one.rung(stand_in, rung.setting)
            same += theirs is not None and theirs.file == rung.file
            total += theirs is not None
    return f"{stand_in}: {same} of {total} results are byte for byte those of npm's sharp." if total else ""
