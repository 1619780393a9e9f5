"""Claims of Idempotency-Keys in DynamoDB: one item a key, each step one conditional write.

Every write may be sent twice without harm: it names the claim's lease, which is random, so that a repetition that
fails its condition meets either its own first try or a claim that is not ours.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from minipic.domain.metering import Lease
from minipic.domain.repeats import Claim
from minipic.stores.aws import schema
from minipic.stores.aws.outage import as_unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

Item = dict[str, "AttributeValueTypeDef"]

_FREE = "attribute_not_exists(#pk) OR #exp <= :now"
_IS_OURS = "#lease = :lease"


class DynamoRepeats:
    """The port ``Repeats`` on the accounts' table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._client = client
        self._table_name = table_name
        self._condition_failed = client.exceptions.ConditionalCheckFailedException

    @as_unavailable()
    def claim(self, claim: Claim, now_ms: int, instead_of: str = "") -> Claim:
        """Store the claim by one PutItem unless another one holds the key; return the one that holds it."""
        names = {"#pk": schema.PARTITION_KEY, "#exp": schema.CLAIM_EXPIRES_MS, "#lease": schema.CLAIM_LEASE_ID}
        try:
            self._client.put_item(
                TableName=self._table_name,
                Item=_item(claim),
                ConditionExpression=f"{_FREE} OR #lease = :old",  # no lease has an empty id
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={":now": {"N": str(now_ms)}, ":old": {"S": instead_of}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._condition_failed as error:
            return _claim(claim.account_id, claim.key_hash, cast("dict[str, Any]", error.response)["Item"])
        return claim

    @as_unavailable()
    def find(self, account_id: str, key_hash: str, now_ms: int) -> Claim | None:
        """Return the claim that holds the key now by one GetItem, or None."""
        key = _key(account_id, key_hash)
        answer = self._client.get_item(TableName=self._table_name, Key=key, ConsistentRead=True)
        there = _claim(account_id, key_hash, answer["Item"]) if "Item" in answer else None
        return there if there is not None and now_ms < there.expires_ms else None

    @as_unavailable()
    def finish(self, claim: Claim) -> None:
        """Remember that the claim's request was charged, if the claim still holds the key."""
        with suppress(self._condition_failed):
            self._client.update_item(
                TableName=self._table_name,
                Key=_key(claim.account_id, claim.key_hash),
                UpdateExpression="SET #done = :true",
                ConditionExpression=_IS_OURS,
                ExpressionAttributeNames={"#lease": schema.CLAIM_LEASE_ID, "#done": schema.CLAIM_DONE},
                ExpressionAttributeValues={":lease": {"S": claim.lease.id}, ":true": {"BOOL": True}},
            )

    @as_unavailable()
    def forget(self, claim: Claim) -> None:
        """Give the key back, if the claim still holds it."""
        with suppress(self._condition_failed):
            self._client.delete_item(
                TableName=self._table_name,
                Key=_key(claim.account_id, claim.key_hash),
                ConditionExpression=_IS_OURS,
                ExpressionAttributeNames={"#lease": schema.CLAIM_LEASE_ID},
                ExpressionAttributeValues={":lease": {"S": claim.lease.id}},
            )


def _key(account_id: str, key_hash: str) -> Item:
    return {
        schema.PARTITION_KEY: {"S": f"{schema.CLAIM_PREFIX}{account_id}#{key_hash}"},
        schema.SORT_KEY: {"S": schema.CLAIM_SORT},
    }


def _item(claim: Claim) -> Item:
    return {
        **_key(claim.account_id, claim.key_hash),
        schema.EXPIRES_AT: {"N": str(-(-claim.expires_ms // 1000))},
        schema.CLAIM_FINGERPRINT: {"S": claim.fingerprint},
        schema.CLAIM_RESULT_ID: {"S": claim.result_id},
        schema.CLAIM_LINK_TOKEN: {"S": claim.link_token},
        schema.CLAIM_LEASE_ID: {"S": claim.lease.id},
        schema.CLAIM_LEASE_KEY_ID: {"S": claim.lease.key_id},
        schema.CLAIM_LEASE_EXPIRES_MS: {"N": str(claim.lease.expires_ms)},
        schema.CLAIM_SEQ: {"N": str(claim.seq)},
        schema.CLAIM_MONTH: {"N": str(claim.month)},
        schema.CLAIM_EXPIRES_MS: {"N": str(claim.expires_ms)},
        schema.CLAIM_DONE: {"BOOL": claim.is_done},
    }


def _claim(account_id: str, key_hash: str, item: Mapping[str, Any]) -> Claim:
    def text(name: str) -> str:
        return str(item[name]["S"])

    def number(name: str) -> int:
        return int(item[name]["N"])

    return Claim(
        account_id=account_id,
        key_hash=key_hash,
        fingerprint=text(schema.CLAIM_FINGERPRINT),
        result_id=text(schema.CLAIM_RESULT_ID),
        link_token=text(schema.CLAIM_LINK_TOKEN),
        lease=Lease(
            account_id=account_id,
            key_id=text(schema.CLAIM_LEASE_KEY_ID),
            id=text(schema.CLAIM_LEASE_ID),
            expires_ms=number(schema.CLAIM_LEASE_EXPIRES_MS),
        ),
        seq=number(schema.CLAIM_SEQ),
        month=number(schema.CLAIM_MONTH),
        expires_ms=number(schema.CLAIM_EXPIRES_MS),
        is_done=bool(item[schema.CLAIM_DONE]["BOOL"]),
    )
