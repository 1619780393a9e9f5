"""One target in one process: ``python -m fuzz.one TARGET FINDINGS_FOLDER`` and then libFuzzer's own arguments.

A crash of a C library ends this process, with the input written down; ``python -m fuzz`` starts the next.
"""

import sys
import warnings
from pathlib import Path

import atheris  # type: ignore[import-untyped]


def main() -> None:
    """Fuzz until libFuzzer's arguments say stop, or something crashes."""
    name, folder, *arguments = sys.argv[1:]
    warnings.simplefilter("ignore")
    with atheris.instrument_imports(include=["minipic_engine"]):
        from fuzz.oracle import Oracle  # noqa: PLC0415 - what is imported here is followed by the fuzzer
        from fuzz.targets import TARGETS, be_frugal  # noqa: PLC0415
    be_frugal()
    atheris.Setup([sys.argv[0], *arguments], Oracle(TARGETS[name], Path(folder)))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
