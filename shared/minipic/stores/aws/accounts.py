"""Accounts in DynamoDB: a request's calls go through one client, an operator's through PynamoDB's models."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pynamodb.exceptions import PutError

from minipic.domain.account import Account, Key, Overrides, Plan, Status
from minipic.domain.keys import KeyOwner
from minipic.domain.metering import Charge, Lease, Verdict
from minipic.domain.plans import Plans
from minipic.errors import ServiceUnavailable
from minipic.stores import AccountNotFound, AlreadyExists
from minipic.stores.aws import changes, metering, schema
from minipic.stores.aws import credits as balance
from minipic.stores.aws.item import CONDITION_FAILED, AccountItems, ConditionFailed
from minipic.stores.aws.keys import DynamoKeys
from minipic.stores.aws.models import AccountItem, account_from_model, account_item_fields, bind, override_fields
from minipic.stores.aws.outage import as_unavailable, was_repeated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_TRIES = 8  # each failure means that another operator changed the same
_PING_HASH = "0"  # no SHA-256: this item never exists


class DynamoAccounts:
    """The port ``Accounts`` on one DynamoDB table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._items = AccountItems(client, table_name)
        self._account_model = bind(AccountItem, client, table_name)
        self._keys = DynamoKeys(client, table_name, self._items)

    @as_unavailable()
    def create(self, account: Account) -> None:
        """Store a new account."""
        item = self._account_model(**account_item_fields(account))
        try:
            item.save(condition=AccountItem.pk.does_not_exist())
        except PutError as error:
            if error.cause_response_code != CONDITION_FAILED:
                raise
            # Our own first try may have been carried out although its answer was lost.
            if not was_repeated(error) or self._items.read(account.id) != account:
                raise AlreadyExists(f"account {account.id} is there already") from error

    @as_unavailable()
    def read(self, account_id: str) -> Account:
        """Return the account as it is now."""
        return self._items.read(account_id)

    def list_all(self) -> Iterator[Account]:
        """Yield every account."""
        with as_unavailable():
            accounts = self._account_model.scan(AccountItem.sk == schema.ACCOUNT_SORT, consistent_read=True)
            yield from map(account_from_model, accounts)

    @as_unavailable()
    def set_status(self, account_id: str, status: Status) -> Account:
        """Suspend, resume or delete."""
        try:
            return self._items.update(changes.set_status(account_id, str(status)))
        except ConditionFailed as failed:
            if failed.repeated and failed.account.status is status:
                return failed.account
            raise AccountNotFound(account_id) from failed

    @as_unavailable()
    def set_plan(self, account_id: str, plan: Plan) -> Account:
        """Put the account on a plan."""
        return self._items.update(changes.set_plan(account_id, plan.name, plan.free_images))

    @as_unavailable()
    def set_overrides(self, account_id: str, overrides: Overrides, plans: Plans) -> Account:
        """Let the account do other than its plan says: a read and one conditional write."""
        account = self._items.read(account_id)
        for _ in range(MAX_TRIES):
            limit = plans.limits(account.plan, overrides).free_images
            try:
                return self._items.update(changes.set_overrides(account, override_fields(overrides), limit))
            except ConditionFailed as failed:
                account = failed.account
        raise ServiceUnavailable

    @as_unavailable()
    def set_low_balance(self, account_id: str, images: int) -> Account:
        """Have the owner told below so many images."""
        return self._items.update(changes.set_low_balance(account_id, images))

    @as_unavailable()
    def add_key(self, account_id: str, key_id: str, key: Key, key_hash: str) -> Account:
        """Add a key under the hash of its text."""
        return self._keys.add(account_id, key_id, key, key_hash)

    @as_unavailable()
    def replace_key(self, account_id: str, old_key_id: str, key_id: str, key: Key, key_hash: str) -> Account:
        """Delete a key and add another."""
        return self._keys.replace(account_id, old_key_id, key_id, key, key_hash)

    @as_unavailable()
    def set_key_enabled(self, account_id: str, key_id: str, enabled: bool) -> Account:
        """Disable or enable a key."""
        return self._keys.set_enabled(account_id, key_id, enabled)

    @as_unavailable()
    def delete_key(self, account_id: str, key_id: str) -> Account:
        """Turn a key off for good and forget its hash."""
        return self._keys.delete(account_id, key_id)

    @as_unavailable()
    def find_key(self, key_hash: str) -> KeyOwner | None:
        """Return whose key has this hash."""
        return self._keys.find(key_hash)

    @as_unavailable()
    def admit(self, lease: Lease, now_ms: int, plans: Plans, *, from_queue: bool = False) -> Verdict:
        """``metering.admit`` in one conditional write, in two when the guess was wrong."""
        return metering.admit(self._items, lease, now_ms, plans, from_queue=from_queue)

    @as_unavailable()
    def settle(self, lease: Lease, now_ms: int, charge: Charge, plans: Plans) -> Verdict:
        """``metering.settle`` and the ledger's entry in one conditional write."""
        return metering.settle(self._items, lease, now_ms, charge, plans)

    @as_unavailable()
    def release(self, lease: Lease) -> Account:
        """``metering.release`` in one conditional write."""
        return metering.release(self._items, lease)

    @as_unavailable()
    def grant(self, account_id: str, pack_id: str, images: int, now_ms: int, plans: Plans) -> Account:
        """``credits.grant`` and the ledger's entry: two reads and one conditional write."""
        return balance.grant(self._items, account_id, pack_id, images, now_ms, plans)

    @as_unavailable()
    def correct(self, account_id: str, reference: str, credits: int, reason: str, now_ms: int) -> Account:
        """``credits.correct`` and the ledger's entry: two reads and one conditional write."""
        return balance.correct(self._items, account_id, reference, credits, reason, now_ms)

    @as_unavailable()
    def prune(self, account_id: str, now_ms: int) -> Account:
        """``pruning.pruned``; the references of packs become items of their own."""
        return balance.prune(self._items, account_id, now_ms)

    @as_unavailable()
    def ping(self) -> None:
        """Return when the table answers."""
        self.find_key(_PING_HASH)
