"""The composition root: settings and services, made once a process. The only module that knows both stores."""

import functools
import os
import secrets
import threading
import time
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

from minipic.domain.plans import Plans
from minipic.service import Sender, Services, Sources
from minipic.settings import LinkMode, Settings, StoreKind, read_settings
from minipic.stores import Accounts, Jobs, Ledger, Notices, Repeats, Results, Uploads


def on_lambda() -> bool:
    """Tell whether this process is a Lambda function's."""
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ


@functools.cache
def settings() -> Settings:
    """Return the settings of this process: one engine child on Lambda, one a core elsewhere."""
    return read_settings(os.environ, cores=1 if on_lambda() else os.cpu_count() or 1)


@functools.cache
def services() -> Services:
    """Return the services of this process."""
    return build_services(settings())


def rehearsing() -> AbstractContextManager[None]:
    """Return a context in which AWS is not asked: its clients get ready for calls, and nothing leaves this process."""
    if settings().store is not StoreKind.AWS:
        return nullcontext()
    from minipic.stores.aws.rehearsal import rehearsing as rehearsing_on_aws

    return rehearsing_on_aws()


def close_connections() -> None:
    """Close what connections the stores have; they open new ones when they need them."""
    if settings().store is StoreKind.AWS:
        from minipic.stores.aws.rehearsal import close_connections as close_those_to_aws

        close_those_to_aws()


def build_services(chosen: Settings) -> Services:
    """Return services on the store that the settings name."""
    web = _WebWhenNeeded(chosen.source_allow)
    stores = _aws_stores(chosen) if chosen.store is StoreKind.AWS else _local_stores(chosen)
    return Services(
        accounts=stores.accounts,
        ledger=stores.ledger,
        repeats=stores.repeats,
        notices=stores.notices,
        results=stores.results,
        uploads=stores.uploads,
        jobs=stores.jobs,
        sources=web,
        sender=web,
        screening=chosen.screening,
        plans=Plans(chosen.plans),
        result_ttl_s=chosen.result_ttl_s,
        now_ms=_now_ms,
        entropy=secrets.token_bytes,
        links_open=chosen.link_mode is not LinkMode.OFF,
        max_response_bytes=chosen.aws.max_response_bytes,
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


# Each home imports its own store: a Lambda function loads no SQLite, one machine no boto3.


class _WebWhenNeeded:
    """Other hosts to fetch from and to send to, made at the first use: what they import takes longer than the rest."""

    def __init__(self, allow: frozenset[str]) -> None:
        self._allow = allow
        self._made_once = threading.Lock()

    @functools.cached_property
    def _sources(self) -> Sources:
        from minipic.sources import HttpSources

        return HttpSources(self._allow)

    def fetch(self, url: str, max_bytes: int) -> bytes:
        with self._made_once:
            sources = self._sources
        return sources.fetch(url, max_bytes)

    @functools.cached_property
    def _sender(self) -> Sender:
        from minipic.sources import HttpSender

        return HttpSender(self._allow)

    def check(self, url: str) -> None:
        with self._made_once:
            sender = self._sender
        sender.check(url)

    def post(self, url: str, headers: dict[str, str], body: bytes) -> None:
        with self._made_once:
            sender = self._sender
        sender.post(url, headers, body)


class _Stores(NamedTuple):
    accounts: Accounts
    ledger: Ledger
    repeats: Repeats
    notices: Notices
    results: Results
    uploads: Uploads
    jobs: Jobs


def _local_stores(chosen: Settings) -> _Stores:
    from minipic.stores.local.accounts import SqliteAccounts
    from minipic.stores.local.database import Database
    from minipic.stores.local.jobs import SqliteJobs
    from minipic.stores.local.ledger import SqliteLedger
    from minipic.stores.local.notices import SqliteNotices
    from minipic.stores.local.repeats import SqliteRepeats
    from minipic.stores.local.results import FileResults
    from minipic.stores.local.uploads import FileUploads

    folder = chosen.data_folder
    database = Database(folder / "minipic.sqlite3")
    return _Stores(
        SqliteAccounts(database),
        SqliteLedger(database),
        SqliteRepeats(database),
        SqliteNotices(database),
        FileResults(folder),
        FileUploads(folder / "uploads"),
        SqliteJobs(database),
    )


def _aws_stores(chosen: Settings) -> _Stores:
    from minipic.stores.aws.accounts import DynamoAccounts
    from minipic.stores.aws.clients import make_clients, make_sqs_client
    from minipic.stores.aws.jobs import DynamoJobs
    from minipic.stores.aws.ledger import DynamoLedger
    from minipic.stores.aws.notices import DynamoNotices
    from minipic.stores.aws.repeats import DynamoRepeats
    from minipic.stores.aws.results import S3Results
    from minipic.stores.aws.uploads import S3Uploads

    dynamodb, s3 = make_clients(chosen.aws.region, chosen.aws.endpoint_url)
    names = chosen.aws
    queues = names.jobs_queue or names.hooks_queue  # whoever queues nothing needs no client for it
    sqs = make_sqs_client(names.region, names.endpoint_url) if queues else None
    return _Stores(
        DynamoAccounts(dynamodb, names.table),
        DynamoLedger(dynamodb, names.ledger_table),
        DynamoRepeats(dynamodb, names.table),
        DynamoNotices(dynamodb, names.ledger_table),
        S3Results(s3, names.bucket),
        S3Uploads(s3, names.bucket),
        DynamoJobs(dynamodb, names.jobs_table, sqs, names.jobs_queue, names.hooks_queue),
    )
