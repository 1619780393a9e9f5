"""The ledger in DynamoDB. A line appears shortly after the step that it stands for: see ``projection``."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from minipic.domain.ledger import Line, MonthSums
from minipic.stores.aws import schema
from minipic.stores.aws.lines import ledger_key, line_from_item, sums_from_item
from minipic.stores.aws.outage import as_unavailable
from minipic.stores.aws.projection import LedgerProjection

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_LAST_SEQ = 10**12 - 1


class DynamoLedger:
    """The port ``Ledger`` on the ledger's table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._client = client
        self._table_name = table_name

    @as_unavailable()
    def lines(self, account_id: str, month: int, after_seq: int, limit: int) -> list[Line]:
        """Return a month's lines, in order, by one Query."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table_name,
            KeyConditionExpression="#pk = :pk AND #sk BETWEEN :first AND :last",
            ExpressionAttributeNames={"#pk": schema.PARTITION_KEY, "#sk": schema.SORT_KEY},
            ExpressionAttributeValues={
                ":pk": {"S": schema.LEDGER_PREFIX + account_id},
                ":first": {"S": schema.line_sort(month, after_seq + 1)},
                ":last": {"S": schema.line_sort(month, _LAST_SEQ)},
            },
            ConsistentRead=True,
            PaginationConfig={"MaxItems": limit, "PageSize": limit},
        )
        return [line_from_item(item) for page in pages for item in page["Items"]]

    @as_unavailable()
    def sums(self, account_id: str, month: int) -> MonthSums:
        """Return what a month's lines add up to, by one GetItem."""
        key = ledger_key(account_id, f"{schema.SUMS_PREFIX}{month}")
        answer = self._client.get_item(TableName=self._table_name, Key=key, ConsistentRead=True)
        return sums_from_item(answer["Item"]) if "Item" in answer else MonthSums()

    @as_unavailable()
    def complete_to(self, account_id: str) -> int:
        """Return up to which ``seq`` no line is missing, by one GetItem."""
        key = ledger_key(account_id, schema.HEAD_SORT)
        answer = self._client.get_item(TableName=self._table_name, Key=key, ConsistentRead=True)
        return int(answer.get("Item", {}).get(schema.HEAD_SEQ, {"N": "0"})["N"])

    def all_lines(self, account_id: str) -> Iterator[Line]:
        """Yield every line, by Queries of 1 MB."""
        with as_unavailable():
            yield from map(line_from_item, self._items(account_id, "#sk < :bound", {":bound": schema.AFTER_LINES}))

    @as_unavailable()
    def all_sums(self, account_id: str) -> dict[int, MonthSums]:
        """Return the sums of every month, by one Query."""
        return _by_month(self._items(account_id, "begins_with(#sk, :bound)", {":bound": schema.SUMS_PREFIX}))

    @as_unavailable()
    def sums_between(self, account_id: str, first_month: int, last_month: int) -> dict[int, MonthSums]:
        """Return the sums of some months, by one Query."""
        prefix = schema.SUMS_PREFIX
        bounds = {":first": f"{prefix}{first_month}", ":last": f"{prefix}{last_month}"}
        return _by_month(self._items(account_id, "#sk BETWEEN :first AND :last", bounds))

    @as_unavailable()
    def restore(self, account_id: str, lines: Sequence[Line]) -> None:
        """Write lines that are not there, as the projector would have, and let ``HEAD`` follow."""
        LedgerProjection(self._client, self._table_name).restore(account_id, lines)

    def _items(self, account_id: str, condition: str, bounds: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table_name,
            KeyConditionExpression=f"#pk = :pk AND {condition}",
            ExpressionAttributeNames={"#pk": schema.PARTITION_KEY, "#sk": schema.SORT_KEY},
            ExpressionAttributeValues={
                ":pk": {"S": schema.LEDGER_PREFIX + account_id},
                **{alias: {"S": bound} for alias, bound in bounds.items()},
            },
            ConsistentRead=True,
        )
        return (item for page in pages for item in page["Items"])


def _by_month(items: Iterable[Mapping[str, Any]]) -> dict[int, MonthSums]:
    prefix = schema.SUMS_PREFIX
    return {int(item[schema.SORT_KEY]["S"].removeprefix(prefix)): sums_from_item(item) for item in items}
