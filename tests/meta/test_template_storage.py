"""Tables, bucket, queues and logs in the template: what they keep, how long, and how it is locked."""

from typing import Any

import pytest

from minipic.stores.aws import schema
from tests.meta.deployment import DEFAULT, KEY_ARN, PARAMETERS, Deployment

DAY_S = 86_400
OWN_KEY = Deployment(KmsKeyArn=KEY_ARN)

each_table = pytest.mark.parametrize("table_name", ["Table", "LedgerTable"])
each_queue = pytest.mark.parametrize("name", DEFAULT.of_type("AWS::SQS::Queue"))


def properties(name: str, deployment: Deployment = DEFAULT) -> dict[str, Any]:
    found: dict[str, Any] = deployment.resources[name]["Properties"]
    return found


@each_table
def test_the_tables_are_what_the_stores_write(table_name: str) -> None:
    """A table's keys are the attributes of the stores' schema, and it grows by itself."""
    table = properties(table_name)
    assert table["KeySchema"] == [
        {"AttributeName": schema.PARTITION_KEY, "KeyType": "HASH"},
        {"AttributeName": schema.SORT_KEY, "KeyType": "RANGE"},
    ]
    assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_the_accounts_table_forgets_and_tells() -> None:
    """The table with accounts has a time to live and a stream of what was and what is; the ledger's has no stream."""
    table = properties("Table")
    assert table["TimeToLiveSpecification"]["AttributeName"] == schema.EXPIRES_AT
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert "StreamSpecification" not in properties("LedgerTable")


@each_table
def test_accounts_and_ledger_outlive_a_mistake(table_name: str) -> None:
    """Each table can be restored to any second, refuses deletion unless told, and stays when its stack goes."""
    table = DEFAULT.resources[table_name]
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["Properties"]["DeletionProtectionEnabled"] == "true"
    open_table = properties(table_name, Deployment(TableDeletionProtection="false"))
    assert open_table["DeletionProtectionEnabled"] == "false"
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")


@each_table
def test_a_table_can_be_warm_before_the_load_comes(table_name: str) -> None:
    """A table takes what DynamoDB gives a new one, or more from the start where an operator says so."""
    assert "WarmThroughput" not in properties(table_name)
    warm = properties(table_name, Deployment(TableWarmWrites="40000"))["WarmThroughput"]
    assert warm == {"ReadUnitsPerSecond": "12000", "WriteUnitsPerSecond": "40000"}


def test_the_bucket_is_private() -> None:
    """The bucket is never public, belongs to one owner, encrypts what it holds, and answers over TLS only."""
    bucket = properties("Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert "BucketEncryption" in bucket
    (deny,) = properties("BucketPolicy")["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", "*", "s3:*")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert deny["Resource"] == ["Bucket.Arn", "Bucket.Arn/*"]


def test_the_bucket_keeps_results_as_long_as_links_live_and_no_longer() -> None:
    """Results go after two days, never before the longest lifetime that can be set; what was sent in goes earlier."""
    rules = properties("Bucket")["LifecycleConfiguration"]["Rules"]
    days = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "Prefix" in rule}
    assert days == {"results/": 2, "originals/": 2, "uploads/": 1}
    # S3 counts from the midnight after, and the folder is of the day that the result was made.
    assert PARAMETERS["ResultTtlSeconds"]["MaxValue"] <= DAY_S * min(days["results/"], days["originals/"])
    assert [rule for rule in rules if "AbortIncompleteMultipartUpload" in rule]


@each_queue
def test_a_message_leads_somewhere(name: str) -> None:
    """What a queue cannot get rid of goes to another queue; where it ends it stays two weeks, for somebody to look."""
    queue = properties(name)
    if "RedrivePolicy" in queue:
        assert queue["RedrivePolicy"]["deadLetterTargetArn"].removesuffix(".Arn") in DEFAULT.of_type("AWS::SQS::Queue")
        assert queue["RedrivePolicy"]["maxReceiveCount"] >= 3
    else:
        assert queue["MessageRetentionPeriod"] == 14 * DAY_S


def test_a_message_comes_again_only_when_its_function_has_given_up() -> None:
    """A queue hides a message for at least six times its function's time-out, as Lambda advises."""
    for source in DEFAULT.of_type("AWS::Lambda::EventSourceMapping").values():
        queue = source["EventSourceArn"].removesuffix(".Arn")
        if queue in DEFAULT.of_type("AWS::SQS::Queue"):
            timeout_s = DEFAULT.functions[source["FunctionName"].removesuffix(".Alias")]["Timeout"]
            assert properties(queue)["VisibilityTimeout"] >= 6 * timeout_s


@pytest.mark.parametrize("name", DEFAULT.functions)
def test_logs_are_forgotten(name: str) -> None:
    """Each function writes to a log group of the template that has an end of retention."""
    group = DEFAULT.resources[DEFAULT.functions[name]["LoggingConfig"]["LogGroup"]]
    assert group["Type"] == "AWS::Logs::LogGroup"
    assert group["Properties"]["RetentionInDays"] == "30"


def test_aws_keys_lock_everything_by_default() -> None:
    """Without a key of the operator's each store is encrypted by one of AWS's."""
    assert all(table["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS"} for table in tables(DEFAULT))
    (rule,) = properties("Bucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    for queue in DEFAULT.of_type("AWS::SQS::Queue").values():
        assert queue["SqsManagedSseEnabled"] is True
        assert "KmsMasterKeyId" not in queue


def test_an_own_key_locks_everything() -> None:
    """With a key of the operator's tables, bucket, queues, topic and logs are encrypted by it, and by nothing else."""
    for table in tables(OWN_KEY):
        assert table["SSESpecification"]["KMSMasterKeyId"] == KEY_ARN
    (rule,) = properties("Bucket", OWN_KEY)["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY_ARN}
    assert rule["BucketKeyEnabled"] is True
    for kind in ("AWS::SQS::Queue", "AWS::SNS::Topic"):
        assert {found["KmsMasterKeyId"] for found in OWN_KEY.of_type(kind).values()} == {KEY_ARN}
    assert not [queue for queue in OWN_KEY.of_type("AWS::SQS::Queue").values() if "SqsManagedSseEnabled" in queue]
    assert {group["KmsKeyId"] for group in OWN_KEY.of_type("AWS::Logs::LogGroup").values()} == {KEY_ARN}


def tables(deployment: Deployment) -> list[dict[str, Any]]:
    return list(deployment.of_type("AWS::DynamoDB::Table").values())
