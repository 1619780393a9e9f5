"""Every tool and the engine on every picture: what is known from before is read, the rest is measured."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.quality.aims import AIMS, FORMATS, Aim
from benchmarks.quality.cache import Cache, Record
from benchmarks.quality.corpus import PARTS, Source, sources
from benchmarks.quality.judging import Judge
from benchmarks.quality.ours import Engine, Made
from benchmarks.quality.peers import Peer, peers
from benchmarks.quality.progress import Progress
from benchmarks.quality.rate_distortion import Curve, Rung


@dataclass(frozen=True, slots=True)
class Point:
    """What the engine made for an aim: ``target`` is the score asked for, ``score`` the one measured."""

    made: Made
    score: float
    target: float | None


@dataclass(frozen=True, slots=True)
class Observed:
    """All that was measured on one picture for one kind of result."""

    kind: str
    part: str
    source: Source
    ladders: dict[str, list[Rung]]
    """By tool; without the settings at which it failed."""
    points: dict[str, Point]
    """By aim; without those that the engine refused."""

    def curve(self, peer: str) -> Curve:
        """Return a tool's curve."""
        return Curve(self.ladders.get(peer, []))

    def rung(self, peer: str, setting: str) -> Rung | None:
        """Return a tool's result at a setting."""
        return next((rung for rung in self.ladders.get(peer, []) if rung.setting == setting), None)


class Measuring:
    """Measures pictures, and says how far it is."""

    def __init__(self, records: Cache, engine: Engine, judge: Judge, only_aims: set[str]) -> None:
        self._records, self._engine, self._judge = records, engine, judge
        self._aims = {
            kind: tuple(aim for aim in aims if not only_aims or aim.name in only_aims) for kind, aims in AIMS.items()
        }

    def observe(self, kinds: Iterable[str], sample: int, max_film_pixels: int) -> list[Observed]:
        """Return what was measured on every part of the corpus that ``kinds`` have, at most ``sample`` a folder."""
        work = [(kind, source) for kind in kinds for part in PARTS[kind]
                for source in sources(part, sample, max_film_pixels)]  # fmt: skip
        tools = {kind: [peer for peer in peers(kind) if peer.is_here] for kind in kinds}
        progress = Progress(
            sum(len(self._aims[kind]) + sum(len(peer.settings) for peer in tools[kind]) for kind, _ in work)
        )
        return [self.observed(kind, source, tools[kind], progress) for kind, source in work]

    def observed(self, kind: str, source: Source, tools: list[Peer], progress: Progress) -> Observed:
        """Return what was measured on one picture."""
        ladders = {peer.name: self._ladder(source, peer, progress) for peer in tools}
        observed = Observed(kind, source.part, source, ladders, {})
        for aim in self._aims[kind]:
            point = self._point(observed, aim, tools, progress)
            if point is not None:
                observed.points[aim.name] = point
        return observed

    def _ladder(self, source: Source, peer: Peer, progress: Progress) -> list[Rung]:
        rungs = []
        for setting in peer.settings:
            key = ("peer", source.sha256, peer.name, setting, peer.version)
            known = self._records.read(*key)
            record = known or self._records.write(self._encoded(source, peer, setting), *key)
            progress.step(f"{peer.name} {setting}, {source.name}", was_known=known is not None)
            score = None if "error" in record else self._score(source, record["file"], peer.name)
            if score is not None:
                rungs.append(Rung(setting, record["size_bytes"], score, record["cpu_s"], record["file"]))
        return rungs

    def _encoded(self, source: Source, peer: Peer, setting: str) -> Record:
        try:
            made, cpu_s = peer.encode(source.data, setting)
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}"[:200]}
        return {"size_bytes": len(made), "cpu_s": cpu_s, "file": self._records.keep(made)}

    def _point(self, observed: Observed, aim: Aim, tools: list[Peer], progress: Progress) -> Point | None:
        target = self._target(observed, aim, tools)
        if aim.like and target is None:
            progress.step(aim.name, was_known=True)
            return None
        asked = (observed.source, FORMATS[observed.kind], aim.quality, target if aim.is_free else None, aim.yardstick)
        was_known = self._engine.is_known(*asked)
        made = self._engine.compress(*asked)
        progress.step(f"ours, {aim.name}, {observed.source.name}", was_known=was_known)
        score = None if made is None else self._score(observed.source, made.file, f"ours, {aim.name}")
        return None if made is None or score is None else Point(made, score, target)

    def _score(self, source: Source, file: str, whose: str) -> float | None:
        """Return a result's score; None, and a word on it, where it is another size or cannot be read."""
        try:
            return self._judge.score(source.data, source.sha256, file)
        except (ValueError, OSError) as error:
            print(f"{whose}, {source.name}: {error}", file=sys.stderr)
            return None

    def _target(self, observed: Observed, aim: Aim, tools: list[Peer]) -> float | None:
        """Return the score to aim at; None where there is none, or the tool to aim like gave nothing."""
        if not aim.like:
            return aim.score
        peer = next((peer for peer in tools if peer.name == aim.like), None)
        rung = observed.rung(aim.like, peer.default) if peer else None
        return rung.score if rung else None
