"""On AWS from the charge to the call: the stream, the projector, the scheduled function, a receiver."""

import os
from collections.abc import Iterator
from dataclasses import replace
from unittest import mock

import pytest
from functions.caretaker import app as caretaker
from standardwebhooks import Webhook

from minipic import wiring
from minipic.domain.metering import LEASE_MS, Charge, Lease
from minipic.service.administration import create_account
from minipic.service.notices import notify
from tests.aws_stack import AwsStack
from tests.aws_stack.stream import StreamReader
from tests.contract.account_values import LIVE_KEY, make_account
from tests.contract.books import project
from tests.contract.test_concurrency import at_once
from tests.sources.receivers import Receiver, receiving

IMAGES = 8


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(pause_s=0.1) as running:
        yield running


@pytest.fixture
def on_aws(aws_stack: AwsStack, receiver: Receiver, projection: None) -> Iterator[None]:
    """Let this process be a function of the deployment, which may call the receiver."""
    caches = (wiring.settings, wiring.services, caretaker.sightings)
    for cached in caches:
        cached.cache_clear()
    with mock.patch.dict(os.environ, aws_stack.environment | {"MINIPIC_SOURCE_ALLOW": receiver.at()}):
        yield
    for cached in caches:
        cached.cache_clear()


def test_one_call_for_one_crossing(on_aws: None, aws_stack: AwsStack, receiver: Receiver) -> None:
    """Requests at once, records that come twice, two runs of the function at a time: one signed call."""
    services, stream = wiring.services(), StreamReader(aws_stack)
    plan = replace(services.plans.free, free_images=IMAGES)
    account = create_account(services, "Ada & Söhne", plan)
    key = make_account().keys[LIVE_KEY]
    services.accounts.add_key(account.id, LIVE_KEY, key, account.id.encode().hex())
    _, webhook = notify(services, account.id, IMAGES // 2, f"http://{receiver.at()}/hook")

    def request(number: int) -> None:
        now_ms = services.now_ms()
        lease = Lease(account.id, LIVE_KEY, f"lease-{number}", now_ms + LEASE_MS)
        assert services.accounts.admit(lease, now_ms, services.plans).error is None
        assert services.accounts.settle(lease, now_ms, Charge("shrink", "r" * 32, 2, 1), services.plans).error is None

    at_once(IMAGES, request)
    records = stream.read()
    project(records)
    project(records)
    at_once(2, lambda _: caretaker.handler({}, None))
    project(records)
    caretaker.handler({}, None)
    (post,) = receiver.posts
    message = Webhook(webhook.secret).verify(post.body, post.headers)
    assert message["data"]["account"] == account.id
    assert message["data"]["remaining"] == IMAGES // 2 - 1


def test_nothing_is_delivered_once_a_day(on_aws: None, aws_stack: AwsStack, receiver: Receiver) -> None:
    """The run that forgets what is old calls nobody."""
    services, stream = wiring.services(), StreamReader(aws_stack)
    account = create_account(services, "Ada", services.plans.free)
    notify(services, account.id, 1000, f"http://{receiver.at()}/hook")
    project(stream.read())
    caretaker.handler({caretaker.DAILY: True}, None)
    assert receiver.posts == []
    caretaker.handler({}, None)
    assert len(receiver.posts) == 1
