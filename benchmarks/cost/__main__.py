"""What 1 000 images cost on AWS, and against hosted services; docs/cost.md has the tables that this writes."""

import argparse
import json
import sys
from pathlib import Path

from benchmarks.cost.mix import CORPUS, ROOT, measure
from benchmarks.cost.model import FOLDER, Image, read_prices
from benchmarks.cost.tables import average, report, tables

PAGE = ROOT / "docs" / "cost.md"
MEASURED = FOLDER / "measured.json"


def main() -> None:
    """Print the tables, or JSON for scripts; measure anew, or write the page's tables, when asked."""
    parser = argparse.ArgumentParser(prog="make cost", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--prices", type=Path, default=FOLDER / "prices.json", help="of another region or day")
    parser.add_argument("--cpu-seconds", type=float, help="an image's, instead of the measured mix's")
    parser.add_argument("--measure", action="store_true", help=f"measure the mix anew; needs {CORPUS}")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/cost.md")
    chosen = parser.parse_args()
    if chosen.measure:
        MEASURED.write_text(json.dumps(measure(), indent=1) + "\n")
    measured = json.loads(MEASURED.read_text())
    image, prices = average(measured["kinds"]), read_prices(chosen.prices)
    if chosen.cpu_seconds is not None:
        image = Image(chosen.cpu_seconds, image.bytes_in, image.bytes_out)
    text = tables(measured, image, prices)
    if chosen.write:
        PAGE.write_text(with_tables(PAGE.read_text(), text))
    sys.stdout.write(json.dumps(report(image, prices), indent=1) + "\n" if chosen.json else "\n".join(text.values()))


def with_tables(page: str, text: dict[str, str]) -> str:
    """Return a page with each table between its two marks; ValueError where the page has no such marks."""
    for name, table in text.items():
        head, begin, rest = page.partition(f"<!-- {name} -->\n")
        _, end, tail = rest.partition("<!-- end -->")
        if not end:
            raise ValueError(f"the page has no place for {name}")
        page = head + begin + table + end + tail
    return page


if __name__ == "__main__":
    main()
