"""The two homes of the service, as an operator and a client see them."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol
from unittest import mock

import httpx2

from minipic.domain.keys import Environment
from minipic.service import Services
from minipic.service.administration import create_account, create_key
from minipic.settings import read_settings
from minipic.wiring import build_services
from tests.aws_stack.deployment import CREDENTIALS, Deployment
from tests.aws_stack.gateway import Gateway, running_gateway
from tests.aws_stack.host_build import build_for_this_machine
from tests.aws_stack.server import running_strict_ministack
from tests.e2e.equipped import PLANS, UPGRADE_URL, Equipped
from tests.e2e.server import ADMIN, FOREIGN, wait_until
from tests.pictures import tiny_png

CORS_ORIGIN = "https://app.example.com"
WARM_UP_S = 60


class Home(Protocol):
    """A running service."""

    is_gateway: bool
    """Whether API Gateway is before it: another limit for a body, and another answer to a wrong method."""
    updated_ttl_s: int
    """How long results live after an update."""

    @property
    def base_url(self) -> str:
        """Where clients go."""

    @property
    def authority(self) -> Path | None:
        """Whom a client trusts that follows a link to the storage; None for whom everybody trusts."""

    @property
    def services(self) -> Services:
        """The same stores opened from here."""

    @property
    def log(self) -> str:
        """All that was logged."""

    def admin(self, *arguments: str) -> dict[str, Any]:
        """Run the operator's command; return what it printed."""

    def new_account(self, plan: str = "free") -> str:
        """Return the id of a fresh account."""

    def new_key(self, plan: str = "free", test: bool = False, account: str = "") -> str:
        """Return a fresh key, of a fresh account unless one is named."""

    def hosted(self, path: str) -> str:
        """Return the address of a picture that the service may fetch."""

    def update(self) -> None:
        """Put a changed version in its place, in which results live for ``updated_ttl_s``."""


class OneMachine(Equipped):
    """The service as `make run` starts it."""

    is_gateway = False
    updated_ttl_s = 5
    authority = None

    @property
    def log(self) -> str:
        """All that was logged."""
        return self.log_path.read_text()

    def update(self) -> None:
        """Restart on the same data with another setting."""
        self.end()
        self.settings["MINIPIC_RESULT_TTL"] = str(self.updated_ttl_s)
        self.start()


@dataclass
class OnAws:
    """The service behind API Gateway on Lambda, with MiniStack for AWS."""

    deployment: Deployment
    gateway: Gateway
    host: str
    is_gateway: bool = field(default=True, init=False)
    updated_ttl_s: int = field(default=60, init=False)  # the least that the template takes

    def deploy(self, **changed: str) -> None:
        """Deploy with the tests' parameters and those."""
        tests = {
            "Plans": json.dumps(PLANS),
            "SourceAllow": self.host,
            "UpgradeUrl": UPGRADE_URL,
            "CorsOrigins": CORS_ORIGIN,
            "LogLevel": "DEBUG",
            "TableDeletionProtection": "false",
            "SnapStart": "off",  # MiniStack's snapshot is a copy of every layer, also for who is never called
        }
        self.deployment.deploy(**tests | changed)
        self.gateway.api_id, self.gateway.answers = self.deployment.api_id, self.deployment.answers

    def update(self) -> None:
        """Build again, as an operator does, and deploy with another parameter."""
        self.deployment.template = build_for_this_machine(self.deployment.template.parents[1] / "update")
        self.deploy(ResultTtlSeconds=str(self.updated_ttl_s))

    @property
    def base_url(self) -> str:
        """The gateway's address of the stage."""
        return self.gateway.base_url

    @property
    def authority(self) -> Path | None:
        """The authority behind MiniStack's certificate."""
        return self.deployment.authority

    @property
    def variables(self) -> dict[str, str]:
        """What an operator exports to work on this deployment."""
        return self.deployment.environment | {"MINIPIC_PLANS": json.dumps(PLANS)}

    @cached_property
    def services(self) -> Services:
        """The stores, opened from here as the admin command opens them."""
        return build_services(read_settings(self.variables | {"MINIPIC_STORE": "aws"}))

    @property
    def log(self) -> str:
        """All that the functions logged."""
        logs = self.deployment.client("logs")
        groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
        pages = [
            page for name in groups for page in logs.get_paginator("filter_log_events").paginate(logGroupName=name)
        ]
        return "\n".join(event["message"] for page in pages for event in page["events"])

    def admin(self, *arguments: str) -> dict[str, Any]:
        """Run `minipic-admin --store aws` with the variables that the stack's outputs name."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        command = [ADMIN, "--store", "aws", *arguments, "--json"]
        done = subprocess.run(command, env=inherited | self.variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def new_account(self, plan: str = "free") -> str:
        """Return the id of a fresh account."""
        return create_account(self.services, "tests", self.services.plans.named(plan)).id

    def new_key(self, plan: str = "free", test: bool = False, account: str = "") -> str:
        """Return a fresh key, of a fresh account unless one is named."""
        environment = Environment.TEST if test else Environment.LIVE
        return create_key(self.services, account or self.new_account(plan), "k", environment).text

    def hosted(self, path: str) -> str:
        """Return the address of a picture that the service may fetch."""
        return f"http://{self.host}{path}"


@contextmanager
def on_one_machine(folder: Path, host: str) -> Iterator[OneMachine]:
    """Yield the service as `make run` starts it."""
    home = OneMachine(folder, host, MINIPIC_CORS_ORIGINS=CORS_ORIGIN, MINIPIC_LOG_LEVEL="DEBUG")
    try:
        home.start()
        yield home
    finally:
        home.end()


@contextmanager
def on_aws(folder: Path, host: str) -> Iterator[OnAws]:
    """Yield the service as `sam build` and `sam deploy` make it, on a MiniStack that enforces roles."""
    template = build_for_this_machine(folder)
    with (
        running_strict_ministack(folder / "ministack") as (endpoint_url, authority),
        running_gateway(endpoint_url, authority) as gateway,
        mock.patch.dict(
            os.environ, CREDENTIALS | {"AWS_CA_BUNDLE": str(authority)}
        ),  # clients read them when they sign
    ):
        home = OnAws(Deployment(endpoint_url, authority, template), gateway, host)
        home.deploy()
        _warm_up(home)
        yield home
    shutil.rmtree(folder)  # a copy of every layer for every function


def _warm_up(home: OnAws) -> None:
    """Send requests until every function has answered one.

    The first makes MiniStack unpack 100 MB and a Python start without any bytecode: more than a time-out, when this
    machine is busy. A published version on AWS starts from its snapshot.
    """
    with httpx2.Client(base_url=home.base_url, auth=("api", home.new_key()), timeout=WARM_UP_S) as client:
        location = "/output/" + "a" * 32
        for method, path, body in (
            ("GET", "/healthz", b""),
            ("GET", "/v1/usage", b""),
            ("POST", "/v1/uploads", b'{"size":1}'),
            ("GET", location, b""),
            ("POST", "/shrink", tiny_png()),
            ("POST", "/v1/compress", tiny_png()),
            ("POST", location, b'{"convert":{"type":"image/webp"}}'),
        ):
            wait_until(lambda: client.request(method, path, content=body).status_code < 500, path)  # noqa: B023
