"""Keys in DynamoDB: an owner's item for each hash, and the account's own list.

The owner's item is written first and deleted last. It opens nothing by itself: a request is admitted only when the
account lists the key. A crash between two writes leaves an owner's item that no account knows.
"""

from typing import TYPE_CHECKING, Any

from pynamodb.exceptions import PutError

from minipic.domain import keyring
from minipic.domain.account import MAX_KEYS, Account, Key, Status
from minipic.domain.keys import Environment, KeyOwner
from minipic.errors import ServiceUnavailable
from minipic.stores import AccountNotFound, AlreadyExists, KeyNotFound, TooManyKeys
from minipic.stores.aws import changes, schema
from minipic.stores.aws.item import CONDITION_FAILED, AccountItems, ConditionFailed
from minipic.stores.aws.models import KeyItem, bind
from minipic.stores.aws.outage import was_repeated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_TRIES = 8  # each failure means that another change of the account's keys succeeded


class DynamoKeys:
    """The keys of one table's accounts."""

    def __init__(self, client: "DynamoDBClient", table_name: str, items: AccountItems) -> None:
        self._client = client
        self._table_name = table_name
        self._items = items
        self._model = bind(KeyItem, client, table_name)

    def find(self, key_hash: str) -> KeyOwner | None:
        """Return whose key has this hash, by one GetItem."""
        answer = self._client.get_item(TableName=self._table_name, Key=_owner_key(key_hash), ConsistentRead=True)
        if "Item" not in answer:
            return None
        item = KeyItem.from_raw_data(dict(answer["Item"]))
        return KeyOwner(item.account_id, item.key_id, Environment(item.environment))

    def add(self, account_id: str, key_id: str, key: Key, key_hash: str) -> Account:
        """Add a key under the hash of its text."""
        owner = self._write_owner(account_id, key_id, key, key_hash)
        deleted: list[str] = []
        for _ in range(MAX_TRIES):
            try:
                return self._items.update(changes.add_key(account_id, key_id, key, key_hash, deleted))
            except AccountNotFound:
                owner.delete()
                raise
            except ConditionFailed as failed:
                account = failed.account
                if failed.repeated and account.keys.get(key_id) == key:
                    return account
                error = _refusal(account, key_id)
                if error is not None:
                    owner.delete()
                    raise error from failed
                deleted = sorted(account.keys.keys() - keyring.kept(account).keys())
        raise ServiceUnavailable

    def replace(self, account_id: str, old_key_id: str, key_id: str, key: Key, key_hash: str) -> Account:
        """Add a key in place of another, which is off from then on."""
        owner = self._write_owner(account_id, key_id, key, key_hash)
        try:
            old_hash = self._items.key_hash(account_id, old_key_id)
            account = self._items.update(changes.replace_key(account_id, old_key_id, key_id, key, key_hash))
        except ConditionFailed as failed:
            if not failed.repeated or failed.account.keys.get(key_id) != key:
                owner.delete()
                _raise_if_deleted(failed.account)
                raise KeyNotFound(old_key_id) from failed
            account = failed.account
        except AccountNotFound:
            owner.delete()
            raise
        return self._drop(account, old_key_id, old_hash)

    def delete(self, account_id: str, key_id: str) -> Account:
        """Turn a key off for good, and forget its hash."""
        key_hash = self._items.key_hash(account_id, key_id)
        try:
            account = self._items.update(changes.delete_key(account_id, key_id))
        except ConditionFailed as failed:
            key = failed.account.keys.get(key_id)
            if not failed.repeated or key is None or not key.deleted:
                raise KeyNotFound(key_id) from failed
            account = failed.account
        return self._drop(account, key_id, key_hash)

    def set_enabled(self, account_id: str, key_id: str, enabled: bool) -> Account:
        """Disable or enable a key."""
        try:
            return self._items.update(changes.set_key_enabled(account_id, key_id, enabled))
        except ConditionFailed as failed:
            raise KeyNotFound(key_id) from failed

    def _drop(self, account: Account, key_id: str, key_hash: str) -> Account:
        if key_hash:
            self._client.delete_item(TableName=self._table_name, Key=_owner_key(key_hash))
        if account.keys[key_id].leases:
            return account  # requests are in work: their settling needs the entry, pruning takes it away later
        try:
            return self._items.update(changes.drop_key(account.id, key_id))
        except ConditionFailed as failed:
            return failed.account

    def _write_owner(self, account_id: str, key_id: str, key: Key, key_hash: str) -> KeyItem:
        item = self._model(
            schema.KEY_PREFIX + key_hash,
            account_id=account_id,
            key_id=key_id,
            environment=str(key.environment),
        )
        try:
            item.save(condition=KeyItem.pk.does_not_exist())
        except PutError as error:
            if error.cause_response_code != CONDITION_FAILED:
                raise
            if not was_repeated(error) or self.find(key_hash) != KeyOwner(account_id, key_id, key.environment):
                raise AlreadyExists("this key is there already") from error
        return item


def _owner_key(key_hash: str) -> dict[str, Any]:
    return {schema.PARTITION_KEY: {"S": schema.KEY_PREFIX + key_hash}, schema.SORT_KEY: {"S": schema.KEY_SORT}}


def _raise_if_deleted(account: Account) -> None:
    if account.status is Status.DELETED:
        raise AccountNotFound(account.id)


def _refusal(account: Account, key_id: str) -> Exception | None:
    if account.status is Status.DELETED:
        return AccountNotFound(account.id)
    if key_id in account.keys:
        return AlreadyExists(f"account {account.id} has a key {key_id} already")
    if len(keyring.kept(account)) >= MAX_KEYS:
        return TooManyKeys(f"account {account.id} holds {MAX_KEYS} keys already")
    return None
