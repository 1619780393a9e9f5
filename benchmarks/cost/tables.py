"""The model's answers as tables of Markdown, and as an object for scripts."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.cost.model import (
    COMPRESS,
    DERIVE,
    DOWNLOAD_BY_KEY,
    DOWNLOAD_BY_LINK,
    SHRINK,
    Image,
    Prices,
    fixed_a_month,
    images_where_tasks_are_cheaper,
    on_fargate,
    on_lambda,
    price_rows,
)

CALLS = {
    "`POST /shrink`": SHRINK,
    "`POST /v1/compress`": COMPRESS,
    "`POST /output/{id}`": DERIVE,
    "`GET /output/{id}` with a key": DOWNLOAD_BY_KEY,
    "`GET /output/{id}` with its link": DOWNLOAD_BY_LINK,
}
# US dollars for 1 000 images, and where that is from.
HOSTED = (
    ("Tinify API, images 501 to 10 000 of a month", 9.00, "published list price, known as of 2024"),
    ("Tinify API, above 10 000 a month", 2.00, "published list price, known as of 2024"),
    ("Cloudflare Images, remote images, a transformation", 0.50, "told by a comparison of 2026"),
)


def average(kinds: Iterable[dict[str, Any]]) -> Image:
    """Return the mix's average image; the shares are percents of all images."""
    rows = list(kinds)

    def mean(name: str) -> float:
        return sum(float(row[name]) * int(row["percent"]) for row in rows) / 100

    return Image(mean("cpu_s"), mean("bytes_in"), mean("bytes_out"))


def report(image: Image, prices: Prices) -> dict[str, Any]:
    """Return everything that the tables say; costs are US dollars for 1 000 images, or a month where it says so."""
    return {
        "prices": asdict(prices),
        "image": asdict(image),
        "lambda": on_lambda(image, prices),
        "fargate": on_fargate(image, prices),
        "fixed_a_month": fixed_a_month(prices),
        "fargate_is_cheaper_above_images_a_month": round(images_where_tasks_are_cheaper(image, prices)),
        "hosted": {name: cost for name, cost, _ in HOSTED},
    }


def tables(measured: dict[str, Any], image: Image, prices: Prices) -> dict[str, str]:
    """Return the tables of the page by the name of their place."""
    return {
        "mix": _mix(measured, image),
        "prices": _table(("price", f"US dollars, {prices.region}, {prices.as_of}"), _price_rows(prices)),
        "calls": _calls(),
        "costs": _costs(image, prices),
        "hosted": _table(("service", "1 000 images", "source"), [(n, f"${c:.2f}", s) for n, c, s in HOSTED]),
        "fixed": _fixed(image, prices),
    }


def _mix(measured: dict[str, Any], image: Image) -> str:
    rows = [
        (row["name"], f"{row['percent']} %", row["pictures"], f"{row['cpu_s']:.2f}", *_kilobytes(row))
        for row in measured["kinds"]
    ]
    rows.append(("**average**", "100 %", "", f"**{image.cpu_s:.2f}**", *_kilobytes(asdict(image))))
    head = ("kind", "share", "pictures", "CPU s", "KB in", "KB out")
    note = f"\n{measured['how']}, on {measured['machine']}, {measured['measured_on']}.\n"
    return _table(head, rows) + note


def _kilobytes(row: dict[str, Any]) -> tuple[str, str]:
    return f"{row['bytes_in'] / 1000:.0f}", f"{row['bytes_out'] / 1000:.0f}"


def _price_rows(prices: Prices) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), f"{price:.10f}".rstrip("0")) for name, price in price_rows(prices)]


def _calls() -> str:
    rows = [
        (name, calls.writes, calls.reads, calls.ledger_writes, calls.puts, calls.gets) for name, calls in CALLS.items()
    ]
    return _table(
        ("request", "write units", "read units", "write units of its line", "objects put", "objects got"), rows
    )


def _costs(image: Image, prices: Prices) -> str:
    columns = {
        f"{place}: {way}": parts
        for place, ways in (("Lambda", on_lambda(image, prices)), ("large lane", on_fargate(image, prices)))
        for way, parts in ways.items()
    }
    names = list(dict.fromkeys(name for parts in columns.values() for name in parts))
    rows = [(name, *(f"{parts[name]:.3f}" if name in parts else "" for parts in columns.values())) for name in names]
    rows.append(("**all**", *(f"**{sum(parts.values()):.3f}**" for parts in columns.values())))
    return _table(("US dollars for 1 000 images", *columns), rows)


def _fixed(image: Image, prices: Prices) -> str:
    rows = [(name, f"${cost:.0f}") for name, cost in fixed_a_month(prices).items()]
    threshold = images_where_tasks_are_cheaper(image, prices)
    note = f"\nThe large lane is cheaper than functions from about {threshold / 1e6:.1f} million images a month on.\n"
    return _table(("paid without an image", "a month"), rows) + note


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)
