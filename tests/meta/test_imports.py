"""What each function's app loads: start-up time is what a cold start pays for."""

import subprocess
import sys

import pytest

from minipic.settings import PROJECT_FOLDER

PIXELS = {"PIL", "pyvips", "numpy", "ajpegli", "oxipng"}


def loaded_by(function: str, variables: dict[str, str]) -> set[str]:
    """Return the top-level modules in a fresh process that imported the function's app and built its services."""
    script = (
        "import sys\n"
        f"sys.path.insert(0, {str(PROJECT_FOLDER / 'functions' / function)!r})\n"
        "import app\n"
        "from minipic import wiring\n"
        "wiring.services()\n"
        "print(*{name.partition('.')[0] for name in sys.modules})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=variables, capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("function", ["output", "site", "shrink", "compress"])
def test_no_pixels_in_the_parent(function: str, tmp_path: object) -> None:
    """No function's own process loads a codec: `output` and `site` have none, the others' are in the child."""
    assert not loaded_by(function, {"MINIPIC_DATA": str(tmp_path)}) & PIXELS


def test_each_home_loads_its_own_store(tmp_path: object) -> None:
    """One machine loads no clients of AWS, and AWS no SQLite, nor boto3, of which clients need the half."""
    on_one_machine = loaded_by("output", {"MINIPIC_DATA": str(tmp_path)})
    on_aws = loaded_by(
        "output",
        {
            "MINIPIC_STORE": "aws",
            "AWS_REGION": "eu-central-1",
            "MINIPIC_TABLE": "table",
            "MINIPIC_BUCKET": "bucket",
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
        },
    )
    assert not {"boto3", "urllib3"} & on_one_machine
    assert not {"boto3", "sqlite3"} & on_aws
    assert {"botocore", "urllib3"} <= on_aws
