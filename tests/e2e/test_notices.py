"""A running service calls a webhook by itself."""

import signal
import time
from pathlib import Path

from standardwebhooks import Webhook

from tests.e2e.server import running, wait_until
from tests.e2e.wire import shrink
from tests.pictures import tiny_png
from tests.sources.receivers import receiving

ROUNDS_S = 12  # two of the service's, and some


def test_a_low_balance_is_told_once(tmp_path: Path) -> None:
    """The image that crosses the threshold is followed by one signed call within seconds, and the process still stops.

    What it logs names neither the secret nor the URL's path.
    """
    with receiving() as receiver, running(tmp_path, MINIPIC_SOURCE_ALLOW=receiver.at()) as service:
        account = service.new_account()
        key = service.new_key(account=account)
        url = f"http://{receiver.at()}/hook/pass-word"
        made = service.admin("accounts", "notify", account, "--below", "499", "--url", url)
        shrink(service, key, tiny_png())
        assert receiver.posts == []
        shrink(service, key, tiny_png())
        wait_until(lambda: bool(receiver.posts), "a call of the webhook")
        shrink(service, key, tiny_png())
        time.sleep(ROUNDS_S)
        (post,) = receiver.posts
        message = Webhook(made["secret"]).verify(post.body, post.headers)
        assert (message["type"], message["data"]["remaining"]) == ("balance.low", 498)
        began_s = time.monotonic()
        assert service.signal(signal.SIGTERM) in (0, -signal.SIGTERM)
        assert time.monotonic() - began_s < ROUNDS_S
        assert made["secret"] not in service.output
        assert "pass-word" not in service.output
