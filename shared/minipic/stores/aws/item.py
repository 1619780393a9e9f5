"""The account item: a consistent read, and one conditional update that says what it met when it fails."""

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from minipic.domain.account import Account
from minipic.stores import AccountNotFound
from minipic.stores.aws.expressions import Arguments, item_key
from minipic.stores.aws.models import account_from_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_REMEMBERED = 1000
_CONDITION_FAILED = "ConditionalCheckFailedException"


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
            if error.response["Error"]["Code"] != _CONDITION_FAILED:
                raise
            before: dict[str, Any] | None = cast("dict[str, Any]", error.response).get("Item")
            if not before:
                raise AccountNotFound(arguments["Key"]) from error
            repeated = error.response["ResponseMetadata"].get("RetryAttempts", 0) > 0
            raise ConditionFailed(self._remember(account_from_item(before)), repeated=repeated) from error
        return self._remember(account_from_item(answer["Attributes"]))

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
