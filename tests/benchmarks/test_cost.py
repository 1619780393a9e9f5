"""The cost model's arithmetic, and its page."""

import json
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest
from benchmarks.cost import __main__ as command
from benchmarks.cost import mix, model
from benchmarks.cost.tables import average, tables

from tests.meta.deployment import DEFAULT

PRICES = model.read_prices()
MEASURED = json.loads(command.MEASURED.read_text())
IMAGE = average(MEASURED["kinds"])


def test_the_page_says_what_the_model_says() -> None:
    """docs/cost.md has the tables that come out of the recorded prices, calls and measurements."""
    page = command.PAGE.read_text()
    assert command.with_tables(page, tables(MEASURED, IMAGE, PRICES)) == page


def test_scale_is_told_by_the_same_image() -> None:
    """docs/scale.md starts from the average image of the mix."""
    page = command.PAGE.with_name("scale.md").read_text()
    assert f"{IMAGE.cpu_s:.2f} s of one core" in page
    assert f"{IMAGE.bytes_in / 1000:.0f} KB in, {IMAGE.bytes_out / 1000:.0f} KB out" in page
    assert f"ledger line takes {model.SHRINK.ledger_writes} units" in page.replace("\n", " ")


def test_a_page_without_a_table_is_refused() -> None:
    """A table that the page has no place for is an error, not left out."""
    with pytest.raises(ValueError, match="mix"):
        command.with_tables("# A page\n", {"mix": "table"})


def test_shares_add_up() -> None:
    """The mix's shares are of 100 percent, and an average lies among its parts."""
    assert sum(kind.percent for kind in mix.KINDS) == 100
    assert [(row["name"], row["percent"]) for row in MEASURED["kinds"]] == [(k.name, k.percent) for k in mix.KINDS]
    seconds = [row["cpu_s"] for row in MEASURED["kinds"]]
    assert min(seconds) < IMAGE.cpu_s < max(seconds)


def test_a_function_costs_its_memory_for_its_time() -> None:
    """One GB for one second costs the price of a GB-second and of a request."""
    assert model.function_cost(1, 1, PRICES) == PRICES.lambda_gb_second + PRICES.lambda_request


def test_every_function_has_a_snapshot() -> None:
    """The memory that snapshots are paid for is that of all functions of the template."""
    memory_gb = [function["MemorySize"] / 1024 for function in DEFAULT.functions.values()]
    assert sum(memory_gb) == model.SNAPPED_GB
    assert {model.PIXEL_FUNCTION_GB, model.SMALL_FUNCTION_GB} <= set(memory_gb)


def test_more_work_costs_more_functions_and_nothing_else() -> None:
    """Twice the seconds of a core raise what functions and tasks cost, and no other part."""
    slow = replace(IMAGE, cpu_s=2 * IMAGE.cpu_s)
    for costs in (model.on_lambda, model.on_fargate):
        for way, parts in costs(IMAGE, PRICES).items():
            changed = {name for name, cost in costs(slow, PRICES)[way].items() if cost != parts[name]}
            assert changed in ({"functions"}, {"tasks"})


@pytest.mark.parametrize("cpu_s", [0.05, 0.34, 5.0])
def test_both_ways_cost_the_same_at_the_threshold(cpu_s: float) -> None:
    """At the number of images that is told functions and the large lane cost the same, and above it the lane less."""
    image = replace(IMAGE, cpu_s=cpu_s)
    images = model.images_where_tasks_are_cheaper(image, PRICES)

    def by_functions(number: float) -> float:
        return number / model.IMAGES * sum(model.on_lambda(image, PRICES)["compress"].values())

    def by_tasks(number: float) -> float:
        parts = model.on_fargate(image, PRICES)["compress"]
        paid_for = 4 * model.FARGATE_BUSY * model.SECONDS_A_MONTH / cpu_s
        cores = max(0.0, number - paid_for) * parts["tasks"]
        rest = number * (sum(parts.values()) - parts["tasks"])
        return model.fixed_a_month(PRICES)["large lane"] + (cores + rest) / model.IMAGES

    assert by_tasks(images) == pytest.approx(by_functions(images))
    assert by_tasks(2 * images) < by_functions(2 * images)


def test_a_price_is_neither_missing_nor_unknown(tmp_path: Path) -> None:
    """A file of prices has each that the model needs, in US dollars of a day and a region, and no other."""
    prices = json.loads((model.FOLDER / "prices.json").read_text())
    assert set(prices) == {field.name for field in fields(model.Prices)}
    path = tmp_path / "prices.json"
    path.write_text(json.dumps({**prices, "tea": 1}))
    with pytest.raises(TypeError):
        model.read_prices(path)


def test_the_command_answers_scripts(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`make cost ARGS=--json` prints an object, of another picture where its seconds are given."""
    monkeypatch.setattr(sys, "argv", ["cost", "--json", "--cpu-seconds", "2"])
    command.main()
    told = json.loads(capsys.readouterr().out)
    assert told["image"]["cpu_s"] == 2
    assert told["lambda"]["compress"]["functions"] > 2 * model.PIXEL_FUNCTION_GB * PRICES.lambda_gb_second * 1000


@pytest.mark.skipif(not mix.CORPUS.exists(), reason="the corpus is not beside the project")
def test_every_kind_has_pictures() -> None:
    """Each kind of the mix finds its files, and makes of each what a client may send."""
    for kind in mix.KINDS:
        files = list(mix.files_of(kind))
        assert len(files) >= 2
        assert all(file.exists() for file in files)
    assert mix.KINDS[0].made(next(mix.files_of(mix.KINDS[0]))).startswith(b"\xff\xd8")
