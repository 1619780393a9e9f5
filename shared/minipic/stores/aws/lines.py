"""A ledger's line and a month's sums as items of the ledger's table, and back."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from minipic.domain.ledger import Line, MonthSums
from minipic.stores.aws import schema
from minipic.stores.aws.values import to_attribute

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_NAMES = {
    "seq": schema.LINE_SEQ,
    "at_ms": schema.LINE_AT_MS,
    "month": schema.LINE_MONTH,
    "operation": schema.LINE_OPERATION,
    "key_id": schema.LINE_KEY_ID,
    "key_name": schema.LINE_KEY_NAME,
    "result_id": schema.LINE_RESULT_ID,
    "bytes_in": schema.LINE_BYTES_IN,
    "bytes_out": schema.LINE_BYTES_OUT,
    "images": schema.LINE_IMAGES,
    "drawn_from": schema.LINE_DRAWN_FROM,
    "free_remaining": schema.LINE_FREE_REMAINING,
    "credits_remaining": schema.LINE_CREDITS_REMAINING,
    "credits": schema.LINE_CREDITS,
    "reason": schema.LINE_REASON,
    "format": schema.LINE_FORMAT,
}
_TEXTS = frozenset({"operation", "key_id", "key_name", "result_id", "drawn_from", "reason", "format"})

Item = dict[str, "AttributeValueTypeDef"]


def ledger_key(account_id: str, sort_key: str) -> Item:
    """Return the primary key of an item of the account's ledger, as the client takes it."""
    return {
        schema.PARTITION_KEY: {"S": schema.LEDGER_PREFIX + account_id},
        schema.SORT_KEY: {"S": sort_key},
    }


def line_item(account_id: str, line: Line) -> Item:
    """Return a line as the client takes it."""
    values = {_NAMES[name]: to_attribute(value) for name, value in asdict(line).items() if value not in ("", 0)}
    return ledger_key(account_id, schema.line_sort(line.month, line.seq)) | values


def line_from_item(item: Mapping[str, Any]) -> Line:
    """Return the line in an item as DynamoDB gives it, such as ``{"seq": {"N": "7"}}``."""
    fields: dict[str, Any] = {}
    for name, short in _NAMES.items():
        (value,) = item[short].values() if short in item else ("",)  # a number is a text there, too
        fields[name] = value if name in _TEXTS else int(value or 0)
    return Line(**fields)


def sums_from_item(item: Mapping[str, Any]) -> MonthSums:
    """Return the sums in an item as DynamoDB gives it."""
    return MonthSums(
        images=_counts(item, schema.SUMS_OPERATION_PREFIX),
        bytes_in=int(item[schema.SUMS_BYTES_IN]["N"]),
        bytes_out=int(item[schema.SUMS_BYTES_OUT]["N"]),
        formats=_counts(item, schema.SUMS_FORMAT_PREFIX),
    )


def _counts(item: Mapping[str, Any], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): int(item[name]["N"]) for name in item if name.startswith(prefix)}
