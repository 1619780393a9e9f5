"""The bench's arithmetic, comparisons and report, on results that were made up: no tool is run."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from benchmarks.quality import corpus, generated, images, pairs, plots, report, table
from benchmarks.quality.aims import AIMS, SMART
from benchmarks.quality.cache import Cache
from benchmarks.quality.fast import Result, compared, ratios, read, write
from benchmarks.quality.judging import Judge, score_of
from benchmarks.quality.measures import AT_THEIR_SCORE, BEST_AT_THEIR_SCORE, BLIND, GOALS, Goal, against
from benchmarks.quality.peers import LOSSLESS, SHARP_JPEG, Peer
from benchmarks.quality.rate_distortion import Curve, geometric_mean, percentile

from tests.benchmarks import made_up
from tests.engine import engine_images

TOOL = Peer(SHARP_JPEG, "jpeg", ("60", "80", "92"), "80", "1.0", lambda data, _: (data, 0.0))
ABSENT = Peer("a tool", "jpeg", ("60", "80"), "80", "", lambda data, _: (data, 0.0))


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Cache]:
    with Cache(tmp_path / "cache") as records:
        yield records


@pytest.fixture
def judge(records: Cache) -> Judge:
    return Judge(records, has_butteraugli=False)


@pytest.fixture
def photo() -> bytes:
    return engine_images.saved(engine_images.photo(), "PNG")


def test_bytes_between_two_rungs_are_a_geometric_mean() -> None:
    """Half-way between two scores, ln(bytes) is half-way."""
    curve = Curve([made_up.rung(90, 4000), made_up.rung(70, 1000), made_up.rung(80, 2000)])
    assert curve.bytes_at(75) == pytest.approx(math.sqrt(1000 * 2000))
    assert curve.bytes_at(80) == pytest.approx(2000)


def test_nothing_is_said_beyond_the_ends_of_a_ladder() -> None:
    """No bytes are guessed for a score that no two rungs enclose."""
    curve = Curve([made_up.rung(70, 1000), made_up.rung(80, 2000)])
    assert curve.bytes_at(69.9) is None
    assert curve.bytes_at(80.1) is None
    assert Curve([]).bytes_at(80) is None


def test_a_rung_that_is_larger_and_no_better_is_left_out() -> None:
    """A curve holds the best that a tool can do at a score."""
    curve = Curve([made_up.rung(70, 1000), made_up.rung(69, 1500), made_up.rung(80, 2000), made_up.rung(78, 2000)])
    assert [rung.score for rung in curve.rungs] == [70, 80]


def test_other_figures_are_read_along_the_curve() -> None:
    """A second opinion on a tool is taken at our score, between its two results."""
    curve = Curve([made_up.rung(70, 1000), made_up.rung(80, 2000)])
    assert curve.at(75, lambda rung: rung.score / 10) == pytest.approx(7.5)


def test_geometric_mean_weighs_halving_and_doubling_alike() -> None:
    """Half and double together are no change; nothing has no mean."""
    assert geometric_mean([0.5, 2.0]) == pytest.approx(1.0)
    assert geometric_mean([]) is None


def test_percentiles_lie_between_values() -> None:
    """The median of four is between the second and the third."""
    assert percentile([4, 1, 3, 2], 50) == 2.5
    assert percentile([1], 95) == 1


def test_what_was_recorded_is_read_again_and_files_are_kept_by_hash(records: Cache, tmp_path: Path) -> None:
    """A second cache on the same folder knows what the first one wrote."""
    assert records.read("a", 1) is None
    records.write({"score": 80.5}, "a", 1)
    name = records.keep(b"file")
    with Cache(tmp_path / "cache") as again:
        assert again.read("a", 1) == {"score": 80.5}
        assert again.read("a", 2) is None
        assert again.file(name) == b"file"


def test_scores_are_of_the_kept_file_and_remembered(records: Cache, judge: Judge, photo: bytes) -> None:
    """The same pixels score 100, worse ones less, and a score is read again without its file."""
    name = made_up.sha256(photo)
    worse = records.keep(engine_images.saved(engine_images.photo(), "JPEG", quality=40))
    assert judge.score(photo, name, records.keep(photo)) == 100
    score = judge.score(photo, name, worse)
    assert score < 90
    (records.files / worse).unlink()
    assert judge.score(photo, name, worse) == score
    assert judge.butteraugli(photo, name, worse) is None


def test_transparency_that_appears_or_goes_is_compared(photo: bytes) -> None:
    """A result without the alpha channel of its original is compared as it is shown."""
    transparent = engine_images.saved(engine_images.transparent(), "PNG")
    assert score_of(transparent, transparent) == 100
    assert score_of(transparent, photo) < 80


def test_a_film_is_compared_at_moments_not_by_frame_numbers() -> None:
    """Two equal frames that are joined into a longer one change nothing."""
    frames = [engine_images.photo(seed=seed).quantize(32) for seed in (1, 1, 2, 2)]

    def film(chosen: list[Any], duration: list[int]) -> bytes:
        return engine_images.saved(chosen[0], "GIF", save_all=True, append_images=chosen[1:], duration=duration)

    whole, joined = film(frames, [100] * 4), film(frames[::2], [200, 200])
    assert score_of(whole, joined) == 100
    assert score_of(whole, film(frames[:1] + frames[2:3], [300, 100])) < 100


def row_of(judge: Judge, tmp_path: Path, photo: bytes, *points: Any) -> table.Row:
    """The line of smart against the tool."""
    seen = [made_up.observed(tmp_path / f"{index}.png", photo, point) for index, point in enumerate(points)]
    (row,) = [row for row in table.rows_of(seen, [TOOL], judge) if row.measure == against(SMART, SHARP_JPEG)]
    return row


def test_a_line_compares_at_our_score_and_counts_what_drops_out(judge: Judge, tmp_path: Path, photo: bytes) -> None:
    """Ratios are at the score that ours has, not the one that was asked for."""
    row = row_of(judge, tmp_path, photo, made_up.point(90, 2000), made_up.point(80, 2000), made_up.point(95, 9000))
    assert row.ratio == pytest.approx(math.sqrt(0.5 * 1.0))
    assert (row.images, row.dropped) == (2, 1)
    assert row.cpu_ratio == pytest.approx(0.5)


@pytest.mark.parametrize(("size_bytes", "is_met"), [(1800, True), (1950, False)])
def test_a_goal_is_marked_met_or_missed(
    judge: Judge, tmp_path: Path, photo: bytes, size_bytes: int, is_met: bool
) -> None:
    """0.90 of the tool's bytes meets 0.945, 0.975 does not; what was not measured is unknown."""
    row = row_of(judge, tmp_path, photo, made_up.point(80, size_bytes))
    met = {str(goal): met for goal, met in row.goals()}
    assert met["bytes <= 0.945"] is is_met
    assert met["Butter. <= 1.1"] is None
    assert (f"bytes <= 0.945 {'met' if is_met else 'MISSED'}" in table.as_text([row])) is True


def test_landing_counts_the_share_near_the_target(judge: Judge, tmp_path: Path, photo: bytes) -> None:
    """-0.5 … +1.5 is landed; a lossless result is no landing."""
    scores = (79.6, 81.4, 82.0, 100.0)
    seen = [made_up.observed(tmp_path / f"{score}.png", photo, made_up.point(score, 900)) for score in scores]
    row = table.rows_of(seen, [], judge)[0]
    assert row.landed_share == pytest.approx(2 / 3)
    assert row.landing is not None
    assert row.landing[1] == pytest.approx(1.4)
    assert (row.images, row.dropped, row.trials_max) == (4, 1, 3)


def test_a_tool_that_is_not_here_is_said_to_be_so(judge: Judge, tmp_path: Path, photo: bytes) -> None:
    """No tool drops out silently."""
    seen = [made_up.observed(tmp_path / "1.png", photo, made_up.point(80, 900))]
    assert "bytes against a tool" in (text := table.as_text(table.rows_of(seen, [ABSENT], judge)))
    assert "not here" in text


def test_what_a_tool_would_deliver_has_a_line_of_its_own(judge: Judge, tmp_path: Path, photo: bytes) -> None:
    """A tool that also packs without loss is compared by its smallest file of at least the promised score."""
    seen = [made_up.observed(tmp_path / "1.png", photo, made_up.point(80.2, 1500))]
    rows = table.rows_of(seen, [replace(TOOL, settings=(*TOOL.settings, LOSSLESS))], judge)
    (row,) = [row for row in rows if "its smallest of that score" in row.measure and row.images]
    assert row.measure.startswith(f"{SMART}: ")
    assert row.ratio == pytest.approx(0.75)


def test_each_picture_can_be_listed(tmp_path: Path, photo: bytes) -> None:
    """A line a picture, with its ratio."""
    lines = table.each([made_up.observed(tmp_path / "1.png", photo, made_up.point(80, 1000))]).splitlines()
    assert lines[1].split("\t")[-1] == "0.500"


def test_every_goal_names_a_line_that_the_table_can_have() -> None:
    """A goal on a misspelt line would never be marked."""
    for goal in GOALS:
        names = {f"{aim.name}: " for aim in AIMS[goal.kind]} | {"aimed at", "smart, blind"}
        assert any(goal.measure.startswith(name) for name in names), goal
        assert goal.field in table.Row.__slots__
        assert goal.parts == ("recorded pairs",) or set(goal.parts) <= set(corpus.PARTS[goal.kind])


def test_a_goal_without_its_line_is_told(judge: Judge, tmp_path: Path, photo: bytes) -> None:
    """What was promised of a part and not measured does not vanish."""
    row = row_of(judge, tmp_path, photo, made_up.point(80, 900))
    assert f"Not measured: jpeg, {against('high', SHARP_JPEG)}: bytes <= 0.85" in table.as_text([row])
    assert {goal.kind for goal in table.unmeasured([row])} == {"jpeg"}


def test_a_goal_may_be_a_floor() -> None:
    """A share must not be below its limit."""
    floor = Goal("jpeg", ("photos",), "m", "landed_share", 0.95, at_least=True)
    assert [floor.is_met(value) for value in (0.96, 0.94, None)] == [True, False, None]
    assert str(floor) == "landed >= 95%"


def test_pairs_compare_at_their_score_and_blind(tmp_path: Path, photo: bytes) -> None:
    """Bytes at their score, and what smart gives that does not know it."""
    matches = [
        made_up.match(tmp_path / "1.png", photo, 1000, made_up.point(80.2, 800), made_up.point(82, 900)),
        made_up.match(tmp_path / "2.png", photo, 1000, None, made_up.point(78, 1100)),
    ]
    rows = {row.measure: row for row in pairs.rows_of("jpeg", matches)}
    aimed, blind = rows[AT_THEIR_SCORE], rows[BLIND]
    assert (aimed.images, aimed.dropped) == (1, 1)
    assert aimed.ratio == pytest.approx(0.8)
    assert blind.ratio == pytest.approx(math.sqrt(0.9 * 1.1))
    assert blind.score_difference == pytest.approx(0.0)
    assert "smaller 1, score at least theirs 1, both 1" in rows["smart, blind: how many pictures"].note
    assert aimed.cpu_ratio == pytest.approx(0.5)
    assert BEST_AT_THEIR_SCORE not in rows
    assert pairs.rows_of("jpeg", [])[0].ratio is None


def test_pairs_with_more_care_have_a_line_of_their_own(tmp_path: Path, photo: bytes) -> None:
    """Bytes and CPU of what an operator gets who chose fewer bytes; pictures that missed the score are counted."""
    usual, careful = made_up.point(80.2, 800), made_up.point(80.1, 700)
    made = replace(careful.made, cpu_s=6.0, yardstick_cpu_s=2.0)
    first = replace(made_up.match(tmp_path / "1.png", photo, 1000, usual, usual), careful=replace(careful, made=made))
    second = made_up.match(tmp_path / "2.png", photo, 1000, usual, usual)
    rows = {row.measure: row for row in pairs.rows_of("png", [first, second])}
    row = rows[BEST_AT_THEIR_SCORE]
    assert (row.images, row.dropped) == (1, 1)
    assert row.ratio == pytest.approx(0.7)
    assert row.cpu_ratio == pytest.approx(3.0)


BASELINE = {"jpeg: a.png": Result(1000, 80.3), "jpeg: b.png": Result(1000, 79.0), "png: c.png": Result(500, 91.0)}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, ""),
        ({"jpeg: a.png": Result(1030, 80.3)}, ""),  # 1.5 % over the format's two pictures
        ({"jpeg: a.png": Result(1060, 80.3)}, "jpeg: 1.030 of the recorded bytes"),
        ({"png: c.png": Result(511, 91.0)}, "png: 1.022 of the recorded bytes"),
        ({"jpeg: a.png": Result(900, 79.4)}, "jpeg: a.png: score 79.40"),
        ({"jpeg: a.png": Result(900, 79.6)}, ""),
        ({"jpeg: b.png": Result(900, 78.9)}, ""),  # recorded below the promise, and hardly lower
        ({"jpeg: b.png": Result(900, 78.0)}, "jpeg: b.png: score 78.00"),
        ({"jpeg: d.png": Result(900, 81.0)}, "jpeg: d.png: not recorded"),
    ],
)
def test_only_more_bytes_or_a_broken_promise_is_a_regression(changes: dict[str, Result], fault: str) -> None:
    """2 % in a format's geometric mean, or half a point below the promise."""
    faults = compared({**BASELINE, **changes}, BASELINE)
    assert (faults[0].startswith(fault) and len(faults) == 1) if fault else not faults


def test_cases_that_are_not_here_are_not_compared(tmp_path: Path) -> None:
    """Without the corpus, the generated pictures are compared alone."""
    write(tmp_path / "baseline.json", BASELINE)
    assert read(tmp_path / "baseline.json") == BASELINE
    assert read(tmp_path / "other.json") == {}
    assert ratios({"png: c.png": Result(250, 91.0)}, BASELINE) == {"png": pytest.approx(0.5)}


def test_generated_pictures_can_be_read_and_are_always_the_same() -> None:
    """Each kind of result has one; the same bytes twice."""
    made, again = list(generated.cases()), list(generated.cases())
    assert made == again
    assert {kind for _, kind, _ in made} == set(AIMS) >= set(corpus.PARTS)
    assert all(images.pixels_of(data).shape[-1] in (3, 4) for _, _, data in made)


class Reader(HTMLParser):
    """Collects a page's text, and what its elements would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.fetched: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "img"):
            self.open.append(tag)
        self.fetched += [value for name, value in attrs if name in ("src", "href") and value]

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            continue

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture
def page(judge: Judge, records: Cache, tmp_path: Path, photo: bytes) -> Callable[[str], Reader]:
    def render(fact: str) -> Reader:
        worse = engine_images.saved(engine_images.photo(), "JPEG", quality=70)
        made_up.kept(tmp_path / "cache", worse, "ours", "theirs")
        seen = [made_up.observed(tmp_path / "kodak" / "1.png", photo, made_up.point(81.5, 1777))]
        matches = {
            "jpeg": [made_up.match(tmp_path / "p.png", photo, 1000, made_up.point(80, 812), made_up.point(82, 9))]
        }
        rows = [*table.rows_of(seen, [TOOL, ABSENT], judge), *pairs.rows_of("jpeg", matches["jpeg"])]
        reader = Reader()
        reader.feed(report.page(report.Findings(rows, [seen], matches, [fact]), records))
        return reader

    return render


def test_a_report_holds_the_figures_the_facts_and_the_goals(page: Callable[[str], Reader]) -> None:
    """The ratio at equal score, what was promised, the worst cases, the crops' captions."""
    text = " ".join(page("A fact <about> a tool.").text)
    for said in (
        "0.801", "0.812", "A fact <about> a tool.", "✓ met", "smart: asked for 80.0", "1,777 bytes at 81.5",
        "MiniPic smart: 1,777 bytes, score 81.5", "bits per pixel", "score minus target", "not here",
    ):  # fmt: skip
        assert said in text, said


def test_a_report_needs_nothing_but_itself(page: Callable[[str], Reader]) -> None:
    """No scripts, no addresses: pictures are inside, links stay on the page, elements are closed."""
    reader = page("")
    assert reader.fetched
    assert all(link.startswith(("data:image/png;base64,", "#")) for link in reader.fetched)
    assert not reader.open


def test_axes_have_round_ticks_inside_their_range() -> None:
    """Both kinds; an axis over nothing still has a range."""
    assert plots.Axis("x", 61, 97).ticks() == [70, 80, 90]
    assert plots.Axis("x", 0.15, 6, is_log=True).ticks() == pytest.approx([0.2, 0.3, 0.5, 0.7, 1, 2, 3, 5])
    assert plots.Axis.over("x", []).ticks()
    assert plots.Axis("x", 1, 100, is_log=True).place(10) == pytest.approx(0.5)


def test_a_histogram_counts_what_lies_beyond_its_ends_at_the_ends() -> None:
    """No value is lost."""
    drawn = plots.histogram("t", "x", [0, 1, 2], [("a", [-5, 0.5, 7])])
    assert drawn.count("<rect") == 2 + 1  # and the legend's
