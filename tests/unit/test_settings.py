"""Settings from variables."""

import json
from pathlib import Path

import pytest

from minipic.domain.account import Plan
from minipic.settings import DEFAULT_PLANS, LinkMode, SettingError, StoreKind, read_settings


def test_defaults() -> None:
    """With nothing set: this machine's store, port 8000 on loopback, links open, results for a day."""
    settings = read_settings({}, cores=3)
    assert (settings.store, settings.host, settings.port) == (StoreKind.LOCAL, "127.0.0.1", 8000)
    assert (settings.link_mode, settings.result_ttl_s, settings.engine_children) == (LinkMode.URL, 86400, 3)
    assert settings.plans == DEFAULT_PLANS
    assert settings.aws.max_response_bytes is None


def test_everything_set(tmp_path: Path) -> None:
    """Each variable sets what it is named for; a base URL loses its last slash."""
    settings = read_settings(
        {
            "MINIPIC_STORE": "aws",
            "MINIPIC_DATA": str(tmp_path),
            "PORT": "0",
            "MINIPIC_PUBLIC_URL": "https://api.example.com/",
            "MINIPIC_LINK_MODE": "off",
            "MINIPIC_RESULT_TTL": "60",
            "MINIPIC_LOG_LEVEL": "debug",
            "AWS_REGION": "eu-central-1",
            "MINIPIC_TABLE": "table",
            "MINIPIC_BUCKET": "bucket",
            "AWS_LAMBDA_FUNCTION_NAME": "shrink",
        }
    )
    assert settings.store is StoreKind.AWS
    assert (settings.data_folder, settings.port) == (tmp_path, 0)
    assert settings.public_url == "https://api.example.com"
    assert (settings.link_mode, settings.result_ttl_s, settings.log_level) == (LinkMode.OFF, 60, "DEBUG")
    assert (settings.aws.region, settings.aws.table, settings.aws.bucket) == ("eu-central-1", "table", "bucket")
    assert settings.aws.max_response_bytes == 4_500_000


def test_empty_is_unset() -> None:
    """An empty variable is as good as none: deployments pass those for parameters left alone."""
    assert read_settings({"MINIPIC_LINK_MODE": "", "PORT": "", "MINIPIC_PUBLIC_URL": ""}) == read_settings({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MINIPIC_STORE", "postgres"),
        ("PORT", "http"),
        ("PORT", "65536"),
        ("MINIPIC_PUBLIC_URL", "api.example.com"),
        ("MINIPIC_PUBLIC_URL", "ftp://example.com"),
        ("MINIPIC_PUBLIC_URL", "https://example.com/?a=b"),
        ("MINIPIC_LINK_MODE", "banana"),
        ("MINIPIC_RESULT_TTL", "0"),
        ("MINIPIC_RESULT_TTL", "a day"),
        ("MINIPIC_LOG_LEVEL", "loud"),
        ("MINIPIC_ENGINE_CHILDREN", "0"),
        ("MINIPIC_BODY_MEMORY", "0"),
        ("MINIPIC_CARE", "more"),
        ("MINIPIC_PLANS", "{"),
        ("MINIPIC_PLANS", "/no/such/file"),
        ("MINIPIC_PLANS", '{"free": {"free_images": "many", "max_bytes": 5}}'),
        ("MINIPIC_PLANS", '{"free": {"free_images": 5}}'),
        ("MINIPIC_PLANS", '{"free": {"free_images": 5, "max_bytes": 5, "colour": 1}}'),
        ("MINIPIC_PLANS", '{"free": {"free_images": 5, "max_bytes": 5, "rate_per_second": 0}}'),
        ("MINIPIC_PLANS", '{"free": 5}'),
    ],
)
def test_bad_value(name: str, value: str) -> None:
    """A value that cannot be meant is refused with the variable's name, the value, and what it takes."""
    with pytest.raises(SettingError, match=rf"^{name}=.*: takes "):
        read_settings({name: value})


def test_plans_from_file(tmp_path: Path) -> None:
    """Plans may stand in a file; those that it does not name stay as they are."""
    file = tmp_path / "plans.json"
    file.write_text(json.dumps({"team": {"free_images": 7, "max_bytes": 1000, "burst": 5}}))
    plans = read_settings({"MINIPIC_PLANS": str(file)}).plans
    assert [Plan("p", 0, 1, rate_per_second=rate).interval_ms for rate in (10, 7, 400, 1000)] == [100, 143, 3, 1]
    assert plans["team"] == Plan("team", free_images=7, max_bytes=1000, burst=5)
    assert plans["free"] == DEFAULT_PLANS["free"]
