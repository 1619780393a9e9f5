"""Settings: typed, frozen, read once by ``wiring`` from variables named ``MINIPIC_*``."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from minipic.domain.account import Plan
from minipic.domain.metering import MAX_LEASES
from minipic.domain.screening import Screening, parse_screening_list

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
MIB = 1024 * 1024
DEFAULT_PLANS = {
    "free": Plan("free", free_images=500, max_bytes=5 * MIB),
    "paid": Plan("paid", free_images=500, max_bytes=80 * MIB),
}
# A rate above 1 000 a second would make the interval between two requests less than the clock's millisecond.
PLAN_RANGES = (
    ("free_images", 0, 10**12),
    ("max_bytes", 1, 2**40),
    ("max_pixels", 1, 2**40),
    ("rate_per_second", 1, 1000),
    ("burst", 1, 10**6),
    ("concurrency", 1, MAX_LEASES),
)

T = TypeVar("T")


class SettingError(ValueError):
    """A variable holds something that it must not; the message names it and what it takes."""


class StoreKind(StrEnum):
    """Where accounts and results live."""

    LOCAL = "local"
    AWS = "aws"


class LinkMode(StrEnum):
    """Where the token that opens a result without a key is handed out."""

    URL = "url"
    LOCATION = "location"
    OFF = "off"


class ScreeningKind(StrEnum):
    """Whether images are compared with a list of what is not worked on."""

    OFF = "off"
    HASH = "hash"


class Care(StrEnum):
    """How hard the engine looks for fewer bytes; it reads the variable itself, in each of its processes."""

    DEFAULT = "default"
    BEST = "best"


@dataclass(frozen=True, slots=True)
class AwsSettings:
    """Names of the deployed resources; ``endpoint_url`` only where something stands in for AWS."""

    region: str = ""
    table: str = ""
    ledger_table: str = ""
    bucket: str = ""
    derive_function: str = ""
    jobs_table: str = ""
    jobs_queue: str = ""
    hooks_queue: str = ""
    given_up_queue_arn: str = ""
    endpoint_url: str | None = None
    max_response_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that an operator can set; see the README's table."""

    store: StoreKind = StoreKind.LOCAL
    data_folder: Path = PROJECT_FOLDER / ".minipic"
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""
    link_mode: LinkMode = LinkMode.URL
    result_ttl_s: int = 24 * 3600
    upgrade_url: str = ""
    support_contact: str = ""
    appeal_contact: str = ""
    cors_origins: tuple[str, ...] = ()
    source_allow: frozenset[str] = frozenset()
    screening: Screening = field(default_factory=Screening)
    log_level: str = "INFO"
    engine_children: int = 1
    body_memory_bytes: int = 160 * MIB
    care: Care = Care.DEFAULT
    plans: Mapping[str, Plan] = field(default_factory=lambda: DEFAULT_PLANS)
    aws: AwsSettings = AwsSettings()


def read_settings(environ: Mapping[str, str], cores: int = 1) -> Settings:
    """Return the settings that the variables say; SettingError for a value that cannot be meant.

    ``cores`` is the number of engine children where none is set.
    """

    def read(name: str, parse: Callable[[str], T], default: T, takes: str) -> T:
        text = environ.get(name, "")
        if not text:
            return default
        try:
            return parse(text)
        except (ValueError, OSError, TypeError, AttributeError) as error:
            raise SettingError(f"{name}={text!r}: takes {takes} (see Settings in README.md)") from error

    screening = read("MINIPIC_SCREENING", ScreeningKind, ScreeningKind.OFF, "off or hash")
    blocked = read("MINIPIC_SCREENING_LIST", _screening_list, Screening(), "a file of lines sha256:… and pdq:…")
    on_lambda = "AWS_LAMBDA_FUNCTION_NAME" in environ
    return Settings(
        store=read("MINIPIC_STORE", StoreKind, StoreKind.LOCAL, "local or aws"),
        data_folder=read("MINIPIC_DATA", _folder, PROJECT_FOLDER / ".minipic", "a folder"),
        host=environ.get("MINIPIC_HOST", "") or "127.0.0.1",
        port=read("PORT", _whole_number(0, 65535), 8000, "a port from 0 to 65535"),
        public_url=read("MINIPIC_PUBLIC_URL", _base_url, "", "a base URL such as https://api.example.com"),
        link_mode=read("MINIPIC_LINK_MODE", LinkMode, LinkMode.URL, "url, location or off"),
        result_ttl_s=read("MINIPIC_RESULT_TTL", _whole_number(1, 30 * 86400), 86400, "seconds from 1 to 2592000"),
        upgrade_url=environ.get("MINIPIC_UPGRADE_URL", ""),
        support_contact=environ.get("MINIPIC_SUPPORT_CONTACT", ""),
        appeal_contact=environ.get("MINIPIC_APPEAL_CONTACT", ""),
        cors_origins=read("MINIPIC_CORS_ORIGINS", _origins, (), "*, or origins like https://app.example.com"),
        screening=blocked if screening is ScreeningKind.HASH else Screening(),
        source_allow=read("MINIPIC_SOURCE_ALLOW", _endpoints, frozenset(), "host:port, several by comma"),
        log_level=read("MINIPIC_LOG_LEVEL", _log_level, "INFO", "DEBUG, INFO, WARNING or ERROR"),
        engine_children=read("MINIPIC_ENGINE_CHILDREN", _whole_number(1, 256), cores, "a number from 1 to 256"),
        body_memory_bytes=MIB * read("MINIPIC_BODY_MEMORY", _whole_number(1, 2**20), 160, "MB from 1 to 1048576"),
        care=read("MINIPIC_CARE", Care, Care.DEFAULT, "default or best"),
        plans=read("MINIPIC_PLANS", _plans, DEFAULT_PLANS, "JSON, or a JSON file's path, as the README shows"),
        aws=AwsSettings(
            region=environ.get("AWS_REGION", "") or environ.get("AWS_DEFAULT_REGION", ""),
            table=environ.get("MINIPIC_TABLE", ""),
            ledger_table=environ.get("MINIPIC_LEDGER_TABLE", ""),
            bucket=environ.get("MINIPIC_BUCKET", ""),
            derive_function=environ.get("MINIPIC_DERIVE_FUNCTION", ""),
            jobs_table=environ.get("MINIPIC_JOBS_TABLE", ""),
            jobs_queue=environ.get("MINIPIC_JOBS_QUEUE", ""),
            hooks_queue=environ.get("MINIPIC_HOOKS_QUEUE", ""),
            given_up_queue_arn=environ.get("MINIPIC_GIVEN_UP_QUEUE_ARN", ""),
            endpoint_url=environ.get("AWS_ENDPOINT_URL") or None,
            # A Lambda answer is at most 6 291 456 bytes of JSON; an image in it is base64, 4 characters for 3 bytes.
            max_response_bytes=4_500_000 if on_lambda else None,
        ),
    )


def _folder(text: str) -> Path:
    folder = Path(text).expanduser().resolve()
    if folder.exists() and not folder.is_dir():
        raise ValueError(text)
    return folder


def _whole_number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            raise ValueError(text)
        return number

    return parse


def _base_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ValueError(text)
    return text.rstrip("/")


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _origins(text: str) -> tuple[str, ...]:
    origins = _listed(text)
    for origin in origins:
        parts = urlsplit(origin)
        if origin != "*" and (parts.scheme not in ("http", "https") or not parts.netloc or parts.path):
            raise ValueError(text)
    return tuple(origins)


def _endpoints(text: str) -> frozenset[str]:
    endpoints = frozenset(endpoint.lower() for endpoint in _listed(text))
    for endpoint in endpoints:
        host, _, port = endpoint.rpartition(":")
        if not host or not port.isdigit() or not 1 <= int(port) <= 65535:
            raise ValueError(text)
    return endpoints


def _screening_list(text: str) -> Screening:
    return parse_screening_list(Path(text).expanduser().read_text())


def _log_level(text: str) -> str:
    if text.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError(text)
    return text.upper()


def _plans(text: str) -> dict[str, Plan]:
    fields = json.loads(text if text.lstrip().startswith("{") else Path(text).read_text())
    plans = {name: Plan(name=name, **limits) for name, limits in fields.items()}
    for plan in plans.values():
        for name, low, high in PLAN_RANGES:
            if not isinstance(getattr(plan, name), int) or not low <= getattr(plan, name) <= high:
                raise ValueError(text)
    return {**DEFAULT_PLANS, **plans}
