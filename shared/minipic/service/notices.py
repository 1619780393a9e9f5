"""A low balance, told to the account's owner: where to, and the delivery, signed as Standard Webhooks says.

At least once: a notice is claimed before it is sent and closed after it was taken. Whoever stops in between leaves it
to the next try, which bears the same ``webhook-id``, so that a receiver can tell.
"""

import logging

from minipic.domain.account import Account
from minipic.domain.notices import MAX_TRIES, NotDelivered, Notice, Webhook
from minipic.errors import BadRequest
from minipic.service import Services
from minipic.service.administration import find_account
from minipic.service.signatures import make_secret, signed_headers

MAX_DUE = 100
FAILED_MESSAGE = "WEBHOOK_FAILED account=%s notice=%s try=%d host=%s: %s"
GIVEN_UP_MESSAGE = "WEBHOOK_GIVEN_UP account=%s notice=%s host=%s"

log = logging.getLogger("minipic.notices")


def notify(services: Services, id_or_name: str, below: int, url: str | None) -> tuple[Account, Webhook]:
    """Have an account's owner told, below so many images, at a URL with a new secret, or at the one there is.

    The URL is stored first: a balance that is low already is a crossing at once.
    """
    account = find_account(services, id_or_name)
    if url is not None:
        services.sender.check(url)
        webhook = Webhook(url, make_secret(services.entropy))
        services.notices.set_webhook(account.id, webhook)
    else:
        there = services.notices.webhook(account.id)
        if there is None:
            raise BadRequest("the account has no webhook yet: give its URL, too")
        webhook = there
    return services.accounts.set_low_balance(account.id, below), webhook


def mute(services: Services, id_or_name: str) -> Account:
    """Tell an account's owner no more; what is still to be delivered is not."""
    account = services.accounts.set_low_balance(find_account(services, id_or_name).id, 0)
    services.notices.set_webhook(account.id, None)
    return account


def deliver_due(services: Services, within_s: float) -> int:
    """Try every notice that is due, begin none after ``within_s`` seconds; return how many were delivered.

    ServiceUnavailable when the store is.
    """
    delivered, last_ms = 0, services.now_ms() + within_s * 1000
    for notice in services.notices.due(services.now_ms(), MAX_DUE):
        if services.now_ms() > last_ms:
            break
        claimed = services.notices.claim(notice, services.now_ms())
        if claimed is not None:
            delivered += _deliver(services, claimed)
    return delivered


def _deliver(services: Services, notice: Notice) -> bool:
    webhook = services.notices.webhook(notice.account_id)
    if webhook is None:
        services.notices.close(notice)
        return False
    try:
        if notice.tries > MAX_TRIES:  # the last one began, and nobody knows how it ended
            raise NotDelivered("its last try was broken off")
        body = notice.body()
        headers = signed_headers(notice.id, services.now_ms() // 1000, webhook.secret, body)
        services.sender.post(webhook.url, headers, body)
    except NotDelivered as error:
        log.warning(FAILED_MESSAGE, notice.account_id, notice.id, notice.tries, webhook.host, error)
        if notice.tries >= MAX_TRIES:
            log.error(GIVEN_UP_MESSAGE, notice.account_id, notice.id, webhook.host)
            services.notices.close(notice)
        return False
    services.notices.close(notice)
    return True
