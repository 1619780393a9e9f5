"""The ledger's lines out of the stream of account items: written once each, whatever comes twice, late or not at all.

A billed line and its share of the month's sums are one transaction under the condition that the line is new. So the
sums are those of the lines that are there, exactly, with no order to keep and nothing to remember: a repeated record
changes nothing, a late one is added when it comes, a missing one holds up no other. Nobody else writes these items
and no client waits for them, which is what makes a transaction cheap here and not on the account items.

``HEAD`` says up to which ``seq`` no line is missing. It follows the lines and is never ahead of them.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from minipic.domain.account import Account
from minipic.domain.ledger import Line, latest_line
from minipic.stores.aws import schema
from minipic.stores.aws.item import CONDITION_FAILED
from minipic.stores.aws.lines import ledger_key, line_from_item, line_item
from minipic.stores.aws.models import account_from_item
from minipic.stores.aws.notices import DynamoNotices, notice_of_change

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef, UpdateTypeDef

GAP_MESSAGE = "LEDGER_GAP account=%s first_missing=%d next=%d"  # an alarm counts this word
_PAGE_LINES = 100
_NAMES = {"#pk": schema.PARTITION_KEY}
_NOT_THERE = "attribute_not_exists(#pk)"

log = logging.getLogger("minipic.ledger")


def account_of_change(change: Mapping[str, Any]) -> Account | None:
    """Return the account right after a change of the stream if the change made a line, else None.

    ``change`` is a record's ``dynamodb`` part. Admissions and releases change an account too, but not its ``seq``.
    """
    new, old = change.get("NewImage", {}), change.get("OldImage", {})
    if change["Keys"][schema.SORT_KEY] != {"S": schema.ACCOUNT_SORT} or not new:
        return None
    return None if new[schema.SEQ] == old.get(schema.SEQ) else account_from_item(new)


@dataclass(frozen=True, slots=True)
class _Head:
    """Up to ``seq``, of ``month``, no line is missing; ``last_seq`` is the last one known above a gap."""

    seq: int
    month: int
    last_seq: int


def _head(item: Mapping[str, Any]) -> _Head:
    names = (schema.HEAD_SEQ, schema.HEAD_MONTH, schema.HEAD_LAST_SEQ)
    return _Head(*(int(item[name]["N"]) if name in item else 0 for name in names))


class LedgerProjection:
    """Writes lines, sums and heads into the ledger's table; the only one to do so."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._client = client
        self._table_name = table_name
        self._notices = DynamoNotices(client, table_name)

    def project(self, change: Mapping[str, Any]) -> None:
        """Write the line and the notice that a change of an account stands for, if it does. May be repeated at will."""
        account = account_of_change(change)
        line = latest_line(account) if account else None
        if account is not None and line is not None:
            self.write(account.id, line)
        notice = notice_of_change(change)
        if notice is not None:
            self._notices.add(notice)

    def write(self, account_id: str, line: Line) -> None:
        """Write a line that is not there yet, with its share of the sums, and let ``HEAD`` follow."""
        self._put(account_id, line)
        self._advance_head(account_id, line)

    def restore(self, account_id: str, lines: Sequence[Line]) -> None:
        """Write several lines in order; ``HEAD`` follows once, so that none is taken for a gap on the way."""
        for line in lines:
            self._put(account_id, line)
        if lines:
            self._advance_head(account_id, lines[-1])

    def _put(self, account_id: str, line: Line) -> None:
        writes: list[TransactWriteItemTypeDef] = [
            {
                "Put": {
                    "TableName": self._table_name,
                    "Item": line_item(account_id, line),
                    "ConditionExpression": _NOT_THERE,
                    "ExpressionAttributeNames": _NAMES,
                }
            }
        ]
        if line.images:
            writes.append({"Update": self._addition(account_id, line)})
        try:
            self._client.transact_write_items(TransactItems=writes)
        except self._client.exceptions.TransactionCanceledException as error:
            reasons = cast("dict[str, Any]", error.response)["CancellationReasons"]
            if reasons[0]["Code"] != "ConditionalCheckFailed":
                raise

    def _addition(self, account_id: str, line: Line) -> "UpdateTypeDef":
        names = {
            "#images": schema.SUMS_OPERATION_PREFIX + line.operation,
            "#in": schema.SUMS_BYTES_IN,
            "#out": schema.SUMS_BYTES_OUT,
        }
        expression = "ADD #images :images, #in :in, #out :out"
        if line.format:
            names["#format"] = schema.SUMS_FORMAT_PREFIX + line.format
            expression += ", #format :images"
        return {
            "TableName": self._table_name,
            "Key": ledger_key(account_id, f"{schema.SUMS_PREFIX}{line.month}"),
            "UpdateExpression": expression,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {
                ":images": {"N": str(line.images)},
                ":in": {"N": str(line.bytes_in)},
                ":out": {"N": str(line.bytes_out)},
            },
        }

    def _advance_head(self, account_id: str, line: Line) -> None:
        """Let ``HEAD`` follow to this line, over lines that were there before a missing one came, or log the gap."""
        head = self._move_head(account_id, line.seq - 1, line)
        while head.seq < max(line.seq, head.last_seq):
            reached: Line | None = None
            for present in self._lines_after(account_id, head):
                expected = (reached.seq if reached else head.seq) + 1
                if present.seq != expected:
                    log.error(GAP_MESSAGE, account_id, expected, present.seq)
                    break
                reached = present
            if reached is None:
                self._note_last(account_id, line)
                return
            head = self._move_head(account_id, head.seq, reached)

    def _move_head(self, account_id: str, from_seq: int, line: Line) -> _Head:
        """Set ``HEAD`` to the line if it stands at ``from_seq``; return where it stands then."""
        values = {":seq": {"N": str(line.seq)}, ":mon": {"N": str(line.month)}, ":from": {"N": str(from_seq)}}
        if not from_seq:
            del values[":from"]
        try:
            answer = self._client.update_item(
                TableName=self._table_name,
                Key=ledger_key(account_id, schema.HEAD_SORT),
                UpdateExpression="SET #seq = :seq, #mon = :mon",
                ConditionExpression="#seq = :from" if from_seq else "attribute_not_exists(#seq)",
                ExpressionAttributeNames={"#seq": schema.HEAD_SEQ, "#mon": schema.HEAD_MONTH},
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
            return _head(answer["Attributes"])
        except ClientError as error:
            if error.response["Error"]["Code"] != CONDITION_FAILED:
                raise
            return _head(cast("dict[str, Any]", error.response).get("Item", {}))

    def _note_last(self, account_id: str, line: Line) -> None:
        """Remember that there are lines above the gap, so that whoever closes it looks for them."""
        with suppress(self._client.exceptions.ConditionalCheckFailedException):
            self._client.update_item(
                TableName=self._table_name,
                Key=ledger_key(account_id, schema.HEAD_SORT),
                UpdateExpression="SET #last = :seq",
                ConditionExpression="attribute_not_exists(#last) OR #last < :seq",
                ExpressionAttributeNames={"#last": schema.HEAD_LAST_SEQ},
                ExpressionAttributeValues={":seq": {"N": str(line.seq)}},
            )

    def _lines_after(self, account_id: str, head: _Head) -> Iterator[Line]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table_name,
            KeyConditionExpression="#pk = :pk AND #sk BETWEEN :after AND :end",
            ExpressionAttributeNames={**_NAMES, "#sk": schema.SORT_KEY},
            ExpressionAttributeValues={
                ":pk": {"S": schema.LEDGER_PREFIX + account_id},
                ":after": {"S": schema.line_sort(head.month, head.seq + 1)},
                ":end": {"S": schema.AFTER_LINES},
            },
            ConsistentRead=True,
            PaginationConfig={"PageSize": _PAGE_LINES},
        )
        return (line_from_item(item) for page in pages for item in page["Items"])
