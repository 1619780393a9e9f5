"""Notices in DynamoDB, in the ledger's table: what is open lies in one partition, and each crossing leaves a mark.

The projector finds a crossing in the stream, where a record may come twice, even after its notice was delivered. So
the mark and the open notice are one transaction on the condition that the mark is new, and the mark stays.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

from minipic.domain.notices import Notice, Webhook, notice_of
from minipic.stores.aws import schema
from minipic.stores.aws.lines import Item, ledger_key
from minipic.stores.aws.models import account_from_item
from minipic.stores.aws.outage import as_unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


def notice_of_change(change: Mapping[str, Any]) -> Notice | None:
    """Return the notice of a change of the stream if the change is a crossing; ``change`` is ``dynamodb`` of a record.

    Most accounts want no notice, and of theirs nothing more is read than that.
    """
    new, old = change.get("NewImage", {}), change.get("OldImage")
    if change["Keys"][schema.SORT_KEY] != {"S": schema.ACCOUNT_SORT} or not new or not old:
        return None
    if new.get(schema.LOW_BALANCE, {"N": "0"}) == {"N": "0"}:
        return None
    changed_ms = int(float(change["ApproximateCreationDateTime"]) * 1000)  # the same when the record comes again
    return notice_of(account_from_item(old), account_from_item(new), changed_ms)


class DynamoNotices:
    """The port ``Notices`` on the ledger's table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._client = client
        self._table_name = table_name

    def add(self, notice: Notice) -> None:
        """Write a notice, due at once, unless its crossing has left its mark already."""
        mark = ledger_key(notice.account_id, schema.NOTICE_PREFIX + notice.id)
        try:
            self._client.transact_write_items(
                TransactItems=[
                    {
                        "Put": {
                            "TableName": self._table_name,
                            "Item": mark | {schema.NOTICE_AT_MS: {"N": str(notice.at_ms)}},
                            "ConditionExpression": "attribute_not_exists(#pk)",
                            "ExpressionAttributeNames": {"#pk": schema.PARTITION_KEY},
                        }
                    },
                    {"Put": {"TableName": self._table_name, "Item": _open_key(notice) | _open_fields(notice)}},
                ]
            )
        except self._client.exceptions.TransactionCanceledException as error:
            reasons = cast("dict[str, Any]", error.response)["CancellationReasons"]
            if reasons[0]["Code"] != "ConditionalCheckFailed":
                raise

    @as_unavailable()
    def set_webhook(self, account_id: str, webhook: Webhook | None) -> None:
        """Remember where an account's owner is told by one PutItem; None forgets it."""
        key = _webhook_key(account_id)
        if webhook is None:
            self._client.delete_item(TableName=self._table_name, Key=key)
            return
        fields: Item = {schema.WEBHOOK_URL: {"S": webhook.url}, schema.WEBHOOK_SECRET: {"S": webhook.secret}}
        self._client.put_item(TableName=self._table_name, Item=key | fields)

    @as_unavailable()
    def webhook(self, account_id: str) -> Webhook | None:
        """Return where an account's owner is told, by one GetItem."""
        key = _webhook_key(account_id)
        answer = self._client.get_item(TableName=self._table_name, Key=key, ConsistentRead=True)
        item = cast("dict[str, Any]", answer.get("Item"))
        return Webhook(item[schema.WEBHOOK_URL]["S"], item[schema.WEBHOOK_SECRET]["S"]) if item else None

    @as_unavailable()
    def due(self, now_ms: int, limit: int) -> list[Notice]:
        """Return notices whose time has come, by one Query of all that are open: they are few, and gone in a day."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table_name,
            KeyConditionExpression="#pk = :open",
            FilterExpression="#due <= :now",
            ExpressionAttributeNames={"#pk": schema.PARTITION_KEY, "#due": schema.NOTICE_DUE_MS},
            ExpressionAttributeValues={":open": {"S": schema.OPEN_NOTICES}, ":now": {"N": str(now_ms)}},
            ConsistentRead=True,
        )
        items: list[dict[str, Any]] = [dict(item) for page in pages for item in page["Items"]]
        notices = [Notice(**json.loads(item[schema.NOTICE_TEXT]["S"])) for item in items]
        return sorted(notices, key=lambda notice: (notice.due_ms, notice.at_ms))[:limit]

    @as_unavailable()
    def claim(self, notice: Notice, now_ms: int) -> Notice | None:
        """Begin a try by one conditional UpdateItem; None when another one was faster.

        A call that is sent twice may find its own first sending: then nobody tries now, and somebody after the pause.
        """
        tried = notice.tried(now_ms)
        try:
            self._client.update_item(
                TableName=self._table_name,
                Key=_open_key(notice),
                UpdateExpression="SET #due = :next, #notice = :notice",
                ConditionExpression="#due = :due",
                ExpressionAttributeNames={"#due": schema.NOTICE_DUE_MS, "#notice": schema.NOTICE_TEXT},
                ExpressionAttributeValues={
                    ":due": {"N": str(notice.due_ms)},
                    ":next": {"N": str(tried.due_ms)},
                    ":notice": _text(tried),
                },
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return None
        return tried

    @as_unavailable()
    def close(self, notice: Notice) -> None:
        """Forget a notice that was delivered or given up; its crossing's mark stays."""
        self._client.delete_item(TableName=self._table_name, Key=_open_key(notice))


def _webhook_key(account_id: str) -> Item:
    return {
        schema.PARTITION_KEY: {"S": schema.WEBHOOK_PREFIX + account_id},
        schema.SORT_KEY: {"S": schema.WEBHOOK_SORT},
    }


def _open_key(notice: Notice) -> Item:
    return {schema.PARTITION_KEY: {"S": schema.OPEN_NOTICES}, schema.SORT_KEY: {"S": notice.id}}


def _open_fields(notice: Notice) -> Item:
    return {
        schema.NOTICE_DUE_MS: {"N": str(notice.due_ms)},
        schema.NOTICE_TEXT: _text(notice),
    }


def _text(notice: Notice) -> "AttributeValueTypeDef":
    return {"S": json.dumps(asdict(notice))}
