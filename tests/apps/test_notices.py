"""A low balance is told by a signed call of the owner's webhook, over real HTTP from a real store."""

import json
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from minipic import background
from minipic.admin import main
from minipic.domain.account import Account
from minipic.domain.keys import Environment
from minipic.domain.metering import LEASE_MS, Charge, Lease
from minipic.domain.notices import MAX_TRIES, WAITS_MS
from minipic.http.logs import mask
from minipic.service import Services
from minipic.service.administration import create_account, create_key
from minipic.service.notices import deliver_due, mute, notify
from minipic.service.signatures import SECRET_PREFIX
from minipic.settings import PROJECT_FOLDER, Settings
from minipic.wiring import build_services
from tests.sources.receivers import Post, Receiver, receiving

MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS
CHARGE = Charge("shrink", "r" * 32, 100, 50)


@dataclass
class Clock:
    """The time as it is, until a test moves it: a receiver refuses what is more than five minutes off."""

    ahead_ms: int = 0

    def __call__(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead_ms


@dataclass
class House:
    """Services whose messages may go to one receiver, an account with two images above its threshold, its secret."""

    services: Services
    clock: Clock
    receiver: Receiver
    account: Account
    secret: str
    drawn: int = 0

    def draw(self, times: int = 1) -> None:
        """Charge the account."""
        (key_id,) = self.account.keys
        for _ in range(times):
            self.drawn += 1
            now_ms = self.clock()
            lease = Lease(self.account.id, key_id, f"lease-{self.drawn}", now_ms + LEASE_MS)
            assert self.services.accounts.admit(lease, now_ms, self.services.plans).error is None
            assert self.services.accounts.settle(lease, now_ms, CHARGE, self.services.plans).error is None

    def deliver(self) -> int:
        """Deliver what is due."""
        return deliver_due(self.services, within_s=60)

    def verified(self, post: Post) -> dict[str, Any]:
        """Return a message whose signature the receivers' own library accepts."""
        message: dict[str, Any] = Verifier(self.secret).verify(post.body, post.headers)
        return message


def build(folder: Path, receiver: Receiver, allow: bool = True) -> House:
    settings = Settings(data_folder=folder, source_allow=frozenset({receiver.at()} if allow else ()))
    clock = Clock()
    services = replace(build_services(settings), now_ms=clock)
    account = create_account(services, "Ada & Söhne", services.plans.free)
    create_key(services, account.id, "site", Environment.LIVE)
    url = f"http://{receiver.at()}/hook?token=pass-word" if allow else "https://127.0.0.1/hook"
    account, webhook = notify(services, account.id, account.free_limit - 1, url)
    return House(services, clock, receiver, account, webhook.secret)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def house(tmp_path: Path, receiver: Receiver) -> House:
    return build(tmp_path, receiver)


def test_one_call_for_one_crossing(house: House) -> None:
    """However often the service looks, a crossing is one call, and it says what was left then."""
    for _ in range(4):
        house.draw()
        house.deliver()
        house.clock.ahead_ms += DAY_MS // 100_000
    house.clock.ahead_ms += 2 * DAY_MS
    assert house.deliver() == 0
    (post,) = house.receiver.posts
    assert post.path == "/hook?token=pass-word"
    assert post.headers["content-type"] == "application/json"
    message = house.verified(post)
    assert (message["type"], message["data"]) == (
        "balance.low",
        {
            "account": house.account.id,
            "name": "Ada & Söhne",
            "threshold": 499,
            "remaining": 498,
            "free_remaining": 498,
            "credits_remaining": 0,
        },
    )


def test_every_crossing_is_a_call_of_its_own(house: House) -> None:
    """After a pack the balance can fall again: that is another call, with another id."""
    house.draw(2)
    house.services.accounts.grant(house.account.id, "p", 2, house.clock(), house.services.plans)
    house.draw(2)
    assert house.deliver() == 2
    first, second = house.receiver.posts
    assert first.headers["webhook-id"] != second.headers["webhook-id"]
    assert house.verified(second)["data"]["credits_remaining"] == 2


def test_a_balance_that_is_low_already_is_told(house: House) -> None:
    """A threshold above the balance is a call at once, at the URL that was given with it."""
    notify(house.services, house.account.id, 1000, None)
    assert house.deliver() == 1
    assert house.verified(house.receiver.posts[0])["data"]["threshold"] == 1000


@pytest.mark.parametrize("change", ["body", "webhook-id", "webhook-timestamp", "secret"])
def test_what_was_changed_is_refused(house: House, change: str) -> None:
    """Another body, id, time or secret, and the signature is none."""
    house.draw(2)
    house.deliver()
    (post,) = house.receiver.posts
    body = post.body.replace(b"498", b"499") if change == "body" else post.body
    secret = house.secret
    if change == "secret":
        secret = SECRET_PREFIX + house.secret.removeprefix(SECRET_PREFIX)[::-1]
    headers = dict(post.headers)
    if change.startswith("webhook"):
        headers[change] = headers[change][:-1] + ("0" if headers[change][-1] != "0" else "1")
    with pytest.raises(WebhookVerificationError):
        Verifier(secret).verify(body, headers)


def test_the_readmes_check(house: House) -> None:
    """The check that README shows accepts a real call, and none that was changed, is old, or has another secret."""
    house.draw(2)
    house.deliver()
    (post,) = house.receiver.posts
    blocks = (PROJECT_FOLDER / "README.md").read_text().split("```python\n")
    (source,) = (block.partition("```")[0] for block in blocks if "def is_genuine(" in block)
    shown: dict[str, Any] = {}
    exec(source, shown)
    is_genuine = shown["is_genuine"]
    assert is_genuine(house.secret, post.headers, post.body)
    rotated = {**post.headers, "webhook-signature": f"v1,b2xk {post.headers['webhook-signature']}"}
    assert is_genuine(house.secret, rotated, post.body)
    assert not is_genuine(house.secret, post.headers, post.body + b" ")
    assert not is_genuine(SECRET_PREFIX + "b3RoZXI=", post.headers, post.body)
    assert not is_genuine(house.secret, {**post.headers, "webhook-id": "msg_other"}, post.body)
    old = str(int(post.headers["webhook-timestamp"]) - 301)
    assert not is_genuine(house.secret, {**post.headers, "webhook-timestamp": old}, post.body)


def test_a_failure_is_tried_again_with_the_same_id(house: House) -> None:
    """A receiver that fails twice gets the same message after a minute and after five more, each freshly signed."""
    house.receiver.statuses[:] = [500, 302, 204]
    house.draw(2)
    assert [house.deliver(), house.deliver()] == [0, 0]
    assert len(house.receiver.posts) == 1
    house.clock.ahead_ms += MINUTE_MS
    assert [house.deliver(), house.deliver()] == [0, 0]
    house.clock.ahead_ms += 4 * MINUTE_MS
    assert house.deliver() == 0
    house.clock.ahead_ms += MINUTE_MS
    assert house.deliver() == 1
    first, second, third = house.receiver.posts
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == third.headers["webhook-id"]
    assert first.body == second.body == third.body
    assert int(first.headers["webhook-timestamp"]) + 60 <= int(second.headers["webhook-timestamp"])
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


def test_a_receiver_that_never_takes_it_is_given_up(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """After a day of tries the notice is given up, once, with a line in the log that holds no secret and no URL."""
    house.receiver.statuses[:] = [503]
    house.draw(2)
    began_ms = house.clock()
    with caplog.at_level(logging.WARNING, "minipic.notices"):
        for wait_ms in (*WAITS_MS, 0):
            assert house.deliver() == 0
            house.clock.ahead_ms += wait_ms + 1
    assert house.clock() - began_ms < DAY_MS
    assert house.services.notices.due(house.clock() + DAY_MS, 10) == []
    house.clock.ahead_ms += 3 * DAY_MS
    house.deliver()
    assert len(house.receiver.posts) == MAX_TRIES
    given_up = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert [line.split(" notice=")[0] for line in given_up] == [f"WEBHOOK_GIVEN_UP account={house.account.id}"]
    assert "pass-word" not in caplog.text
    assert house.secret.removeprefix(SECRET_PREFIX) not in caplog.text
    assert caplog.text.count("status 503") == MAX_TRIES


def test_a_crash_before_the_mark_repeats_the_call(house: House) -> None:
    """A process that sends and dies before it notes so leaves the notice: the same id comes again, and then no more."""

    class Died(BaseException):
        """Ends the process at this point."""

    class Sender:
        def check(self, url: str) -> None:
            """Take any."""

        def post(self, url: str, headers: dict[str, str], body: bytes) -> None:
            house.services.sender.post(url, headers, body)
            raise Died

    house.draw(2)
    with pytest.raises(Died):
        deliver_due(replace(house.services, sender=Sender()), within_s=60)
    assert house.deliver() == 0
    house.clock.ahead_ms += MINUTE_MS
    assert house.deliver() == 1
    house.clock.ahead_ms += DAY_MS
    assert house.deliver() == 0
    first, second = house.receiver.posts
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


def test_a_notice_whose_last_try_broke_off_is_given_up(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """Where nobody knows how the last try ended there is no other: the log tells."""
    house.draw(2)
    (notice,) = house.services.notices.due(house.clock(), 10)
    for _ in range(MAX_TRIES):
        claimed = house.services.notices.claim(notice, house.clock())
        assert claimed is not None
        notice = claimed
    house.clock.ahead_ms += DAY_MS
    assert house.deliver() == 0
    assert "WEBHOOK_GIVEN_UP" in caplog.text
    assert house.receiver.posts == []


def test_two_at_work_send_once(tmp_path: Path) -> None:
    """Eight that look at the same time, a slow receiver: one call."""
    with receiving(pause_s=0.3) as receiver:
        house = build(tmp_path, receiver)
        house.draw(2)
        workers = [threading.Thread(target=house.deliver) for _ in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert len(receiver.posts) == 1


def test_what_another_has_begun_is_left_to_it(house: House) -> None:
    """A notice that is read twice and begun in between is sent by whoever began it."""

    class Twice:
        """The store of notices, with each one read twice."""

        def due(self, now_ms: int, limit: int) -> Any:
            return house.services.notices.due(now_ms, limit) * 2

        def __getattr__(self, name: str) -> Any:
            return getattr(house.services.notices, name)

    house.draw(2)
    assert deliver_due(replace(house.services, notices=Twice()), within_s=60) == 1
    assert len(house.receiver.posts) == 1


def test_a_private_address_gets_nothing(tmp_path: Path, receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    """Without the operator's leave no message goes to an address that is not public."""
    house = build(tmp_path, receiver, allow=False)
    house.draw(2)
    assert house.deliver() == 0
    assert "not public" in caplog.text
    assert receiver.posts == []


def test_what_is_switched_off_is_not_told(house: House) -> None:
    """A notice that waits when its webhook is taken away is dropped, and later crossings make none."""
    house.draw(2)
    mute(house.services, house.account.id)
    assert house.deliver() == 0
    house.draw(2)
    house.clock.ahead_ms += DAY_MS
    assert house.services.notices.due(house.clock(), 10) == []
    assert house.receiver.posts == []


def test_no_try_begins_after_its_time(house: House) -> None:
    """A round that is given no time begins nothing; the next one does."""
    house.draw(2)
    assert deliver_due(house.services, within_s=-1) == 0
    assert house.deliver() == 1


def test_the_log_masks_secrets(house: House) -> None:
    """A signing secret that gets into a line of the log by accident does not come out of it."""
    assert house.secret.startswith(SECRET_PREFIX)
    assert mask(f"secret={house.secret}.") == "secret=whsec_***."


def test_the_background_thread_delivers_and_survives(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The machine's thread delivers round by round, goes on after a round that failed, and ends when told."""
    rounds = []

    class Flaky:
        """The store of notices, whose first answer is a failure."""

        def due(self, now_ms: int, limit: int) -> Any:
            rounds.append(now_ms)
            if len(rounds) == 1:
                raise OSError("the disk is gone")
            return house.services.notices.due(now_ms, limit)

        def __getattr__(self, name: str) -> Any:
            return getattr(house.services.notices, name)

    monkeypatch.setattr(background, "DELIVER_EVERY_S", 0.02)
    house.draw(2)
    stop = threading.Event()
    services = replace(house.services, notices=Flaky())
    thread = threading.Thread(target=background._deliver, args=(services, stop))
    thread.start()
    deadline_s = time.monotonic() + 10
    while not house.receiver.posts and time.monotonic() < deadline_s:
        time.sleep(0.01)
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
    assert len(house.receiver.posts) == 1
    assert "notices were not delivered" in caplog.text


def run(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    """Return a command's exit code and its JSON."""
    code = main([*words, "--json"], {"MINIPIC_DATA": str(folder)})
    captured = capsys.readouterr()
    return code, json.loads(captured.out or captured.err)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command shows the secret with a URL, once; without one it moves the threshold; show tells the host alone."""
    assert run(tmp_path, capsys, "accounts", "create", "--name", "acme")[0] == 0
    notify = ("accounts", "notify", "acme", "--below")
    assert "URL" in run(tmp_path, capsys, *notify, "50")[1]["error"]
    code, first = run(tmp_path, capsys, *notify, "50", "--url", "https://hooks.example.com/T0?key=pass-word")
    assert (code, first["low_balance"], first["webhook_host"]) == (0, 50, "hooks.example.com")
    assert first["secret"].startswith("whsec_")
    assert "secret" not in run(tmp_path, capsys, *notify, "70")[1]
    shown = run(tmp_path, capsys, "accounts", "show", "acme")[1]
    assert (shown["low_balance"], shown["webhook_host"]) == (70, "hooks.example.com")
    assert "pass-word" not in json.dumps(shown)
    assert "whsec_" not in json.dumps(shown)
    again = run(tmp_path, capsys, *notify, "70", "--url", "https://hooks.example.com/T0")[1]
    assert again["secret"] != first["secret"]
    assert run(tmp_path, capsys, "accounts", "notify", "acme", "--off")[1]["low_balance"] == 0
    shown = run(tmp_path, capsys, "accounts", "show", "acme")[1]
    assert not {"low_balance", "webhook_host"} & set(shown)


def test_a_url_that_cannot_work_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A URL without TLS changes nothing, and the message says what a URL has to be."""
    run(tmp_path, capsys, "accounts", "create", "--name", "acme")
    code, answer = run(tmp_path, capsys, "accounts", "notify", "acme", "--below", "5", "--url", "http://example.com/")
    assert code == 1
    assert "https://" in answer["error"]
    assert "low_balance" not in run(tmp_path, capsys, "accounts", "show", "acme")[1]


@pytest.mark.parametrize("words", [[], ["--below", "0"], ["--below", "x"], ["--below", "5", "--off"]])
def test_what_is_not_understood(tmp_path: Path, words: list[str]) -> None:
    """Neither or both of --below and --off, or a threshold that is no number from 1 on, is exit code 2."""
    with pytest.raises(SystemExit) as caught:
        main(["accounts", "notify", "acme", *words], {"MINIPIC_DATA": str(tmp_path)})
    assert caught.value.code == 2
