"""Accounts in DynamoDB: a request's calls go through one client, an operator's through PynamoDB's models."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pynamodb.exceptions import PutError, UpdateError

from minipic.domain.account import MAX_KEYS, Account, Key, Plan, Status
from minipic.domain.keys import Environment, KeyOwner
from minipic.domain.metering import Charge, Lease, Verdict
from minipic.stores import AccountNotFound, AlreadyExists, KeyNotFound, TooManyKeys
from minipic.stores.aws import expressions, metering, schema
from minipic.stores.aws.item import AccountItems, ConditionFailed
from minipic.stores.aws.models import (
    AccountItem,
    KeyItem,
    account_from_model,
    account_item_fields,
    bind,
    key_fields,
)
from minipic.stores.aws.outage import as_unavailable, was_repeated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from pynamodb.expressions.update import Action

_CONDITION_FAILED = "ConditionalCheckFailedException"
_PING_HASH = "0"  # no SHA-256: this item never exists


class DynamoAccounts:
    """The port ``Accounts`` on one DynamoDB table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._client = client
        self._table_name = table_name
        self._items = AccountItems(client, table_name)
        self._account_model = bind(AccountItem, client, table_name)
        self._key_model = bind(KeyItem, client, table_name)

    @as_unavailable()
    def create(self, account: Account) -> None:
        """Store a new account."""
        item = self._account_model(**account_item_fields(account))
        try:
            item.save(condition=AccountItem.pk.does_not_exist())
        except PutError as error:
            if error.cause_response_code != _CONDITION_FAILED:
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

    def set_status(self, account_id: str, status: Status) -> Account:
        """Suspend or resume."""
        return self._change(account_id, [AccountItem.status.set(str(status))])

    def set_plan(self, account_id: str, plan: Plan) -> Account:
        """Put the account on a plan."""
        return self._change(account_id, [AccountItem.plan.set(plan.name), AccountItem.free_limit.set(plan.free_images)])

    @as_unavailable()
    def _change(self, account_id: str, actions: "list[Action]") -> Account:
        item = self._account_model(schema.ACCOUNT_PREFIX + account_id, schema.ACCOUNT_SORT)
        try:
            item.update(actions, condition=AccountItem.pk.exists())
        except UpdateError as error:
            if error.cause_response_code != _CONDITION_FAILED:
                raise
            raise AccountNotFound(account_id) from error
        return account_from_model(item)

    @as_unavailable()
    def add_key(self, account_id: str, key_id: str, key: Key, key_hash: str) -> Account:
        """Add a key under the hash of its text.

        The owner's item is written first and opens nothing by itself: a request is admitted only when the account
        lists the key. A crash between the two leaves an owner's item that no account knows.
        """
        owner = KeyOwner(account_id, key_id, key.environment)
        item = self._key_model(
            schema.KEY_PREFIX + key_hash,
            account_id=account_id,
            key_id=key_id,
            environment=str(key.environment),
        )
        try:
            item.save(condition=KeyItem.pk.does_not_exist())
        except PutError as error:
            if error.cause_response_code != _CONDITION_FAILED:
                raise
            if not was_repeated(error) or self.find_key(key_hash) != owner:
                raise AlreadyExists("this key is there already") from error
        try:
            return self._items.update(expressions.add_key(account_id, key_id, key_fields(key), MAX_KEYS))
        except ConditionFailed as failed:
            if failed.repeated and failed.account.keys.get(key_id) == key:
                return failed.account
            item.delete()
            if key_id in failed.account.keys:
                raise AlreadyExists(f"account {account_id} has a key {key_id} already") from failed
            raise TooManyKeys(f"account {account_id} holds {MAX_KEYS} keys already") from failed
        except AccountNotFound:
            item.delete()
            raise

    @as_unavailable()
    def set_key_enabled(self, account_id: str, key_id: str, enabled: bool) -> Account:
        """Disable or enable a key."""
        try:
            return self._items.update(expressions.set_key_enabled(account_id, key_id, enabled))
        except ConditionFailed as failed:
            raise KeyNotFound(key_id) from failed

    @as_unavailable()
    def find_key(self, key_hash: str) -> KeyOwner | None:
        """Return whose key has this hash."""
        key = {
            schema.PARTITION_KEY: {"S": schema.KEY_PREFIX + key_hash},
            schema.SORT_KEY: {"S": schema.KEY_SORT},
        }
        answer = self._client.get_item(TableName=self._table_name, Key=key, ConsistentRead=True)
        if "Item" not in answer:
            return None
        item = KeyItem.from_raw_data(dict(answer["Item"]))
        return KeyOwner(item.account_id, item.key_id, Environment(item.environment))

    @as_unavailable()
    def admit(self, lease: Lease, now_ms: int, plan: Plan, sandbox_limit: int) -> Verdict:
        """``metering.admit`` in one conditional write, in two when the guess was wrong."""
        return metering.admit(self._items, lease, now_ms, plan, sandbox_limit)

    @as_unavailable()
    def settle(self, lease: Lease, now_ms: int, charge: Charge) -> Verdict:
        """``metering.settle`` and the ledger's entry in one conditional write."""
        return metering.settle(self._items, lease, now_ms, charge)

    @as_unavailable()
    def release(self, lease: Lease) -> Account:
        """``metering.release`` in one conditional write."""
        return metering.release(self._items, lease)

    @as_unavailable()
    def grant(self, account_id: str, pack_id: str, images: int, now_ms: int, credit_free_images: int) -> Account:
        """``metering.grant`` and the ledger's entry: a read and one conditional write."""
        return metering.grant(self._items, account_id, pack_id, images, now_ms, credit_free_images)

    @as_unavailable()
    def ping(self) -> None:
        """Return when the table answers."""
        self.find_key(_PING_HASH)
