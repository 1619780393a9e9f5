"""Bytes at equal score, ours and others', on the same files in the same session; and recorded work of TinyPNG.

Results are remembered by the file, the tool, its setting and its version, so that a second run measures only what has
changed. CPU times are compared within one process that ran both tools one after the other.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from benchmarks.quality import corpus, facts, oracle, pairs, report, table
from benchmarks.quality.cache import Cache
from benchmarks.quality.judging import Judge, has_butteraugli
from benchmarks.quality.measuring import Measuring, Observed
from benchmarks.quality.ours import Engine
from benchmarks.quality.peers import peers

REPORT = corpus.ROOT / "build" / "bench" / "index.html"
_PAIRED = ("jpeg", "png")


def main() -> None:
    """Measure what is asked, print the table, write the report."""
    chosen = _arguments()
    with Cache() as records, Engine(records) as engine:
        findings = _findings(chosen, records, engine)
        page = report.page(findings, records)
    if chosen.json:
        print(json.dumps({"facts": findings.facts, "rows": [_as_json(row) for row in findings.rows]}, indent=1))
    else:
        print(table.as_text(findings.rows), *findings.facts, sep="\n")
    if chosen.each:
        print(table.each([one for group in findings.groups for one in group]))
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(page)
    print(f"Written: {REPORT.relative_to(corpus.ROOT)}", file=sys.stderr)


def _findings(chosen: argparse.Namespace, records: Cache, engine: Engine) -> report.Findings:
    kinds: list[str] = chosen.formats
    asks_butteraugli = has_butteraugli() and not chosen.no_butteraugli
    judge = Judge(records, asks_butteraugli)
    aims = {name for name in chosen.aims.split(",") if name}
    observed = Measuring(records, engine, judge, aims).observe(kinds, chosen.sample, chosen.film_megapixels * 1_000_000)
    matching = pairs.Matching(records, engine, judge)
    matches = {kind: matching.match(kind, chosen.pairs) for kind in kinds if kind in _PAIRED and chosen.pairs}
    groups = _groups(observed)
    rows = [row for group in groups for row in table.rows_of(group, peers(group[0].kind), judge)]
    rows += [row for kind, found in matches.items() for row in pairs.rows_of(kind, found)]
    told = facts.facts(kinds, observed, records, has_second_opinion=asks_butteraugli)
    told.append(oracle.checked(observed, records))
    return report.Findings(rows, groups, matches, told)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--formats", default=",".join(corpus.PARTS), help="some of: %(default)s")
    parser.add_argument("--sample", type=int, default=12, help="files of each folder, %(default)s at most")
    parser.add_argument("--pairs", type=int, default=200, help="recorded pairs of each format, %(default)s at most")
    parser.add_argument("--film-megapixels", type=int, default=100, help="leave out longer animations")
    parser.add_argument("--aims", default="", help="only these of ours, such as smart,high; `none`: only the others")
    parser.add_argument("--each", action="store_true", help="print ours picture by picture as well")
    parser.add_argument("--no-butteraugli", action="store_true", help="spare its time")
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args()
    chosen.formats = [kind.strip().replace("->", "→") for kind in chosen.formats.split(",")]
    if unknown := set(chosen.formats) - set(corpus.PARTS):
        parser.error(f"unknown formats: {', '.join(unknown)}")
    if not corpus.is_here():
        parser.error("The corpus is not here; `make bench-fast` works without it.")
    return chosen


def _groups(observed: Sequence[Observed]) -> list[list[Observed]]:
    keys = dict.fromkeys((one.kind, one.part) for one in observed)
    return [[one for one in observed if (one.kind, one.part) == key] for key in keys]


def _as_json(row: table.Row) -> dict[str, object]:
    goals = [{"goal": str(goal), "met": met} for goal, met in row.goals()]
    return {**asdict(row), "goals": goals}


if __name__ == "__main__":
    main()
