"""The account item: a consistent read, and one conditional update that says what it met when it fails."""

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from minipic.domain.account import Account
from minipic.stores import AccountNotFound
from minipic.stores.aws import schema
from minipic.stores.aws.expressions import Arguments, item_key
from minipic.stores.aws.models import account_from_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_REMEMBERED = 1000
CONDITION_FAILED = "ConditionalCheckFailedException"


class ConditionFailed(Exception):
    """The update did not happen. ``account`` is the item as it was.

    ``repeated`` says that the client sent the update more than once, so that an earlier try of it may have happened.
    """

    def __init__(self, account: Account, *, repeated: bool) -> None:
        super().__init__(account.id)
        self.account = account
        self.repeated = repeated


class AccountItems:
    """The account items of one table.

    It remembers how each account looked last. That may be out of date, so it serves only to guess which expression
    will succeed; the condition in DynamoDB decides.
    """

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._client = client
        self._table_name = table_name
        self._seen: OrderedDict[str, Account] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, account_id: str) -> Account:
        """Return the account as it is now; AccountNotFound."""
        answer = self._client.get_item(TableName=self._table_name, Key=item_key(account_id), ConsistentRead=True)
        if "Item" not in answer:
            raise AccountNotFound(account_id)
        return self._remember(account_from_item(answer["Item"]))

    def update(self, arguments: Arguments) -> Account:
        """Return the account after the update; ConditionFailed, AccountNotFound."""
        try:
            answer = self._client.update_item(TableName=self._table_name, **arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] != CONDITION_FAILED:
                raise
            before: dict[str, Any] | None = cast("dict[str, Any]", error.response).get("Item")
            if not before:
                pk: str = arguments["Key"][schema.PARTITION_KEY]["S"]
                raise AccountNotFound(pk.removeprefix(schema.ACCOUNT_PREFIX)) from error
            repeated = error.response["ResponseMetadata"].get("RetryAttempts", 0) > 0
            raise ConditionFailed(self._remember(account_from_item(before)), repeated=repeated) from error
        return self._remember(account_from_item(answer["Attributes"]))

    def key_hash(self, account_id: str, key_id: str) -> str:
        """Return the hash under which the key's owner is stored, empty for a key without one; AccountNotFound."""
        answer = self._client.get_item(
            TableName=self._table_name,
            Key=item_key(account_id),
            ConsistentRead=True,
            ProjectionExpression="#pk, #K.#k.#h",
            ExpressionAttributeNames={
                "#pk": schema.PARTITION_KEY,
                "#K": schema.KEYS,
                "#k": key_id,
                "#h": schema.KEY_HASH,
            },
        )
        if "Item" not in answer:
            raise AccountNotFound(account_id)
        keys = cast("dict[str, Any]", answer["Item"].get(schema.KEYS, {"M": {}}))["M"]
        fields = keys.get(key_id, {"M": {}})["M"]
        return bytes(fields[schema.KEY_HASH]["B"]).hex() if schema.KEY_HASH in fields else ""

    def was_spent(self, account_id: str, reference: str) -> bool:
        """Tell whether a pack of this reference was pruned."""
        answer = self._client.get_item(
            TableName=self._table_name, Key=_spent_pack_key(account_id, reference), ConsistentRead=True
        )
        return "Item" in answer

    def remember_spent(self, account_id: str, reference: str) -> None:
        """Remember that there was a pack of this reference; may be repeated."""
        self._client.put_item(TableName=self._table_name, Item=_spent_pack_key(account_id, reference))

    def last_seen(self, account_id: str) -> Account | None:
        """Return the account as this process saw it last, if it did lately."""
        with self._lock:
            return self._seen.get(account_id)

    def _remember(self, account: Account) -> Account:
        with self._lock:
            self._seen[account.id] = account
            self._seen.move_to_end(account.id)
            if len(self._seen) > MAX_REMEMBERED:
                self._seen.popitem(last=False)
        return account


def _spent_pack_key(account_id: str, reference: str) -> Arguments:
    return {
        schema.PARTITION_KEY: {"S": schema.ACCOUNT_PREFIX + account_id},
        schema.SORT_KEY: {"S": schema.PACK_SORT_PREFIX + reference},
    }
