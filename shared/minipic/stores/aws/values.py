"""Plain values as DynamoDB's client takes them. boto3 has such a module too, but it loads all of boto3 with it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


def to_attribute(value: object) -> "AttributeValueTypeDef":
    """Return text, bytes, a whole number, a truth value, a list or a map with its type; TypeError for all else."""
    if isinstance(value, bool):  # before the numbers: it is one, to Python
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, bytes):
        return {"B": value}
    if isinstance(value, list | tuple):
        return {"L": [to_attribute(element) for element in value]}
    if isinstance(value, Mapping):
        return {"M": {str(name): to_attribute(element) for name, element in value.items()}}
    raise TypeError(f"a {type(value).__name__} is no value of an item")
