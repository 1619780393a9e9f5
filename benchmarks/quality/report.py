"""The report: one HTML file with the table, the charts, the worst cases and crops; no scripts, nothing fetched."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.quality.cache import Cache
from benchmarks.quality.charts import charts
from benchmarks.quality.crops import crops
from benchmarks.quality.measures import Goal
from benchmarks.quality.measuring import Observed
from benchmarks.quality.pairs import Match
from benchmarks.quality.table import HEAD, LOSSLESS_SCORE, Row, cells, unmeasured

_STYLE = Path(__file__).with_name("report.css")
_WORST = 12
_READ = """\
<p>A ratio is a geometric mean of our bytes divided by the other tool's, per picture at the same score: the other tool's
bytes are read between the settings around our score, and a picture whose score no two settings enclose drops out (the
number after the minus). A number in brackets after a ratio is our mean score minus theirs, where scores are not equal.
CPU is process time, ours divided by the other tool's default on the same picture in the same process. Butter. is the
ratio of Butteraugli's 3-norms, which judges the same pictures by another rule; below 1 ours is closer to the input.
Landing is score minus target; landed is the share within -0.5 … +1.5. Peak is the most memory of one process.</p>
"""


@dataclass(frozen=True, slots=True)
class Findings:
    """All that a report shows; ``groups`` are the pictures of one kind and part each."""

    rows: Sequence[Row]
    groups: Sequence[Sequence[Observed]]
    matches: Mapping[str, Sequence[Match]]
    facts: Sequence[str]
    """Lines about the tools, their versions, what is not here, and how the metric was checked."""


def page(findings: Findings, records: Cache) -> str:
    """Return the page."""
    titles = list(dict.fromkeys((row.kind, row.part) for row in findings.rows))
    groups = {(group[0].kind, group[0].part): group for group in findings.groups if group}
    links = "".join(f'<a href="#{_anchor(title)}">{html.escape(", ".join(title))}</a>' for title in titles)
    sections = "".join(_section(title, findings, groups.get(title, ()), records) for title in titles)
    facts = "".join(f"<li>{html.escape(fact)}</li>" for fact in findings.facts)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>MiniPic: bytes at equal quality</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE.read_text()}</style></head><body><h1>Bytes at equal quality</h1>"
        f"<nav>{links}</nav><h2>What was promised</h2>{_promises(findings.rows)}"
        f"<h2>How to read the tables</h2>{_READ}<ul>{facts}</ul>{sections}</body></html>\n"
    )


def _anchor(title: tuple[str, str]) -> str:
    return "-".join(title).replace(" ", "-").replace("→", "to")


def _section(title: tuple[str, str], findings: Findings, group: Sequence[Observed], records: Cache) -> str:
    rows = [row for row in findings.rows if (row.kind, row.part) == title]
    parts = [f'<h2 id="{_anchor(title)}">{html.escape(", ".join(title))}</h2>', _table(rows)]
    if group:
        parts.append(f'<div class="plots">{"".join(charts(group))}</div>')
        parts.append(_worst(group))
        shown = crops(group, records)
        parts.append(f"<h3>Crops at twice their size, transparency on white</h3>{shown}" if shown else "")
    elif title[0] in findings.matches:
        parts.append(_worst_pairs(findings.matches[title[0]]))
    return "".join(parts)


def _promises(rows: Sequence[Row]) -> str:
    lines = [
        f'<tr><td>{html.escape(f"{row.kind}, {row.part}: {row.measure}")}</td><td class="text">{html.escape(str(goal))}'
        f"</td><td>{_found(row, goal)}</td><td>{_mark(met)}</td></tr>"
        for row in rows for goal, met in row.goals()
    ]  # fmt: skip
    lines += [
        f'<tr><td>{html.escape(f"{goal.kind}: {goal.measure}")}</td><td class="text">{html.escape(str(goal))}</td>'
        "<td></td><td>not measured</td></tr>"
        for goal in unmeasured(rows)
    ]
    return _scrolling(f"<tr><th>measure</th><th class='text'>goal</th><th>found</th><th></th></tr>{''.join(lines)}")


def _found(row: Row, goal: Goal) -> str:
    value = getattr(row, goal.field)
    if value is None:
        return ""
    return f"{value:.0%}" if goal.field == "landed_share" else f"{value:.3g}"


def _mark(met: bool | None) -> str:
    return {True: '<span class="met">✓ met</span>', False: '<span class="missed">✗ missed</span>', None: "unknown"}[met]


def _table(rows: Sequence[Row]) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in HEAD[:-1]) + f'<th class="text">{HEAD[-1]}</th>'
    lines = []
    for row in rows:
        *figures, _ = cells(row)
        goals = "<br>".join(f"{html.escape(str(goal))} {_mark(met)}" for goal, met in row.goals())
        told = "".join(f"<td>{html.escape(cell)}</td>" for cell in figures)
        lines.append(f'<tr>{told}<td class="text">{goals}</td></tr>')
    return _scrolling(f"<tr>{head}</tr>{''.join(lines)}")


def _scrolling(table: str) -> str:
    return f'<div class="scroll"><table>{table}</table></div>'


def _worst(group: Sequence[Observed]) -> str:
    tool = next((name for name, ladder in group[0].ladders.items() if len(ladder) > 1), "")
    sizes, landings = [], []
    for one in group:
        for aim, point in one.points.items():
            theirs = one.curve(tool).bytes_at(point.score)
            if theirs is not None:
                told = f"{aim}: {point.made.size_bytes:,} bytes at {point.score:.1f}, {tool} {theirs:,.0f}"
                sizes.append((point.made.size_bytes / theirs, one.source.name, told))
            if point.target is not None and point.score < LOSSLESS_SCORE:
                landings.append((point.score - point.target, one.source.name, f"{aim}: asked for {point.target:.1f}"))
    largest = sorted(sizes, reverse=True)[:_WORST]
    farthest = sorted(landings, key=lambda landing: -abs(landing[0]))[:_WORST]
    made = []
    if largest:
        made.append(f"<h3>Largest against {html.escape(tool)}</h3>{_listed(largest, '.3f')}")
    if farthest:
        made.append(f"<h3>Farthest from the target</h3>{_listed(farthest, '+.1f')}")
    return "".join(made)


def _worst_pairs(matches: Sequence[Match]) -> str:
    aimed = [(match.aimed.made.size_bytes / match.their_bytes, match.pair.before.name,
              f"theirs {match.their_bytes:,} bytes at {match.their_score:.1f}, ours at {match.aimed.score:.1f}")
             for match in matches if match.aimed]  # fmt: skip
    careful = [(match.careful.made.size_bytes / match.their_bytes, match.pair.before.name,
                f"theirs {match.their_bytes:,} bytes at {match.their_score:.1f}, ours at {match.careful.score:.1f}")
               for match in matches if match.careful]  # fmt: skip
    more = f"<h3>The same with the best care</h3>{_listed(sorted(careful, reverse=True)[:_WORST], '.3f')}"
    unreached = [match.pair.before.name for match in matches if not match.aimed]
    said = f"<p>Their score was not reached: {html.escape(', '.join(unreached))}</p>" if unreached else ""
    return (
        f"<h3>Largest against theirs, at their score</h3>{_listed(sorted(aimed, reverse=True)[:_WORST], '.3f')}{said}"
        f"{more if careful else ''}"
    )


def _listed(found: Sequence[tuple[float, str, str]], form: str) -> str:
    lines = "".join(
        f'<tr><td>{html.escape(name)}</td><td>{value:{form}}</td><td class="text">{html.escape(told)}</td></tr>'
        for value, name, told in found
    )
    return _scrolling(lines)
