import importlib
import json
import re
from typing import Any

import pytest

from minipic.errors import BY_CODE
from minipic.settings import LinkMode, StoreKind, read_settings
from minipic.stores.aws import schema
from tests.aws_stack import read_template

TEMPLATE = read_template()
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
DEFAULTS: dict[str, Any] = TEMPLATE["Globals"]["Function"]
FUNCTIONS: dict[str, dict[str, Any]] = {
    name: {**DEFAULTS, **resource["Properties"]}
    for name, resource in RESOURCES.items()
    if resource["Type"] == "AWS::Serverless::Function"
}
PIXEL_FUNCTIONS = {"Shrink", "Compress"}
API: dict[str, Any] = RESOURCES["Api"]["Properties"]
DAY_S = 86_400

each_function = pytest.mark.parametrize("name", FUNCTIONS)


def statements(name: str) -> list[dict[str, Any]]:
    return [statement for policy in FUNCTIONS[name]["Policies"] for statement in policy["Statement"]]


def actions(name: str) -> set[str]:
    return {action for statement in statements(name) for action in statement["Action"]}


@each_function
def test_the_gateway_has_exactly_the_routes_of_the_code(name: str) -> None:
    """Every route of a function's app is an event of its own in the template, with its method, and nothing more."""
    folder = FUNCTIONS[name]["CodeUri"].strip("/").replace("/", ".")
    router = importlib.import_module(f"{folder}.app").router
    in_code = {(route.path, method) for route in router.routes for method in route.methods}
    events = [event["Properties"] for event in FUNCTIONS[name]["Events"].values()]
    assert {(event["Path"], event["Method"]) for event in events} == in_code
    assert len(events) == len(in_code)
    assert all(event["RestApiId"] == {"Ref": "Api"} for event in events)


@each_function
def test_a_new_version_is_published_for_every_change(name: str) -> None:
    """Each function's alias moves when a layer or a variable changes too, and it starts from a snapshot."""
    function = FUNCTIONS[name]
    assert function["AutoPublishAlias"] == "live"
    assert function["AutoPublishAliasAllProperties"] is True
    assert function["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
    assert function["Handler"] == "app.handler"


@each_function
def test_only_pixel_functions_carry_codecs(name: str) -> None:
    """Codecs, memory and time go to the functions that touch pixels; no function outlives the gateway's patience."""
    function = FUNCTIONS[name]
    has_codecs = {"Ref": "CodecsLayer"} in function["Layers"]
    assert has_codecs is (name in PIXEL_FUNCTIONS)
    assert (function["MemorySize"], function["Timeout"]) == ((3008, 29) if has_codecs else (512, 10))


@each_function
def test_permissions_name_actions_and_resources(name: str) -> None:
    """No function may do everything to anything: each action is spelled out, each resource is ours."""
    for statement in statements(name):
        assert statement["Effect"] == "Allow"
        assert not [action for action in statement["Action"] if "*" in action]
        assert statement["Resource"] in (
            {"Fn::GetAtt": "Table.Arn"},
            {"Fn::Sub": "${Bucket.Arn}/results/*"},
            {"Fn::Sub": "${Bucket.Arn}/results/ping"},
        )


def test_only_functions_that_charge_may_write() -> None:
    """Downloading and the front page read; charging, storing and discarding is for the functions that compress."""
    read_only = {"dynamodb:GetItem", "s3:GetObject"}
    assert actions("Output") == actions("Site") == read_only
    writing = read_only | {"dynamodb:UpdateItem", "s3:PutObject", "s3:DeleteObject"}
    assert actions("Shrink") == actions("Compress") == writing


def test_the_variables_are_settings() -> None:
    """The functions' variables, with the parameters' defaults, are settings that the service accepts on AWS."""
    parameters = {name: str(fields["Default"]) for name, fields in TEMPLATE["Parameters"].items()}
    values = {**parameters, "Table": "some-table", "Bucket": "some-bucket"}
    variables = {
        name: value if isinstance(value, str) else values[value["Ref"]]
        for name, value in DEFAULTS["Environment"]["Variables"].items()
    }
    settings = read_settings({**variables, "AWS_REGION": "eu-central-1"})
    assert (settings.store, settings.link_mode) == (StoreKind.AWS, LinkMode.URL)
    assert (settings.aws.table, settings.aws.bucket) == ("some-table", "some-bucket")
    assert (settings.result_ttl_s, settings.log_level) == (DAY_S, "INFO")
    assert set(TEMPLATE["Parameters"]["LinkMode"]["AllowedValues"]) == set(LinkMode)


@pytest.mark.parametrize(
    ("response", "error", "status", "retry_after"),
    [
        ("DEFAULT_4XX", "BadRequest", None, None),
        ("DEFAULT_5XX", "InternalServerError", None, None),
        ("MISSING_AUTHENTICATION_TOKEN", "NotFound", 404, None),
        ("REQUEST_TOO_LARGE", "PayloadTooLarge", 413, None),
        ("THROTTLED", "TooManyRequests", 429, "'1'"),
        ("INTEGRATION_TIMEOUT", "ServiceUnavailable", 503, "'1'"),
        ("INTEGRATION_FAILURE", "ServiceUnavailable", 503, "'1'"),
    ],
)
def test_the_gateways_own_answers_are_ours(
    response: str, error: str, status: int | None, retry_after: str | None
) -> None:
    """What the gateway answers by itself has our JSON, a code and a status of our table, and Retry-After where due."""
    answer = API["GatewayResponses"][response]
    body = json.loads(answer["ResponseTemplates"]["application/json"])
    headers = answer["ResponseParameters"]["Headers"]
    assert list(body) == ["error", "message", "request_id"]
    assert (body["error"], body["request_id"]) == (error, "$context.requestId")
    assert answer.get("StatusCode") == status
    assert status in (None, BY_CODE[error].status)
    assert headers["Content-Type"] == "'application/json'"
    assert headers.get("Retry-After") == retry_after


def test_every_body_is_bytes() -> None:
    """The API is regional and takes and gives every body as bytes."""
    assert API["BinaryMediaTypes"] == ["*~1*"]
    assert API["EndpointConfiguration"] == {"Type": "REGIONAL"}


def test_the_table_is_what_the_store_writes() -> None:
    """The table's keys and its time to live are the attributes of the store's schema."""
    table = RESOURCES["Table"]["Properties"]
    assert table["KeySchema"] == [
        {"AttributeName": schema.PARTITION_KEY, "KeyType": "HASH"},
        {"AttributeName": schema.SORT_KEY, "KeyType": "RANGE"},
    ]
    assert table["TimeToLiveSpecification"]["AttributeName"] == schema.EXPIRES_AT
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"


def test_accounts_outlive_a_mistake() -> None:
    """The table can be restored to any second, refuses deletion unless told, and stays when its stack goes."""
    table = RESOURCES["Table"]
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["Properties"]["DeletionProtectionEnabled"] == {"Ref": "TableDeletionProtection"}
    assert TEMPLATE["Parameters"]["TableDeletionProtection"]["Default"] == "true"
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_the_bucket_is_private() -> None:
    """The bucket is never public, belongs to one owner, encrypts what it holds, and answers over TLS only."""
    bucket = RESOURCES["Bucket"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert "BucketEncryption" in bucket
    (deny,) = RESOURCES["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", "*", "s3:*")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert deny["Resource"] == [{"Fn::GetAtt": "Bucket.Arn"}, {"Fn::Sub": "${Bucket.Arn}/*"}]


def test_the_bucket_keeps_results_as_long_as_links_live_and_no_longer() -> None:
    """Objects go after two days, never before the longest lifetime that can be set; unfinished uploads go too."""
    rules = RESOURCES["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    days = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "Prefix" in rule}
    assert days == {"results/": 2, "originals/": 2}
    # S3 counts from the midnight after, and the folder is of the day that the result was made.
    assert TEMPLATE["Parameters"]["ResultTtlSeconds"]["MaxValue"] <= DAY_S * min(days.values())
    assert [rule for rule in rules if "AbortIncompleteMultipartUpload" in rule]


@each_function
def test_logs_are_forgotten(name: str) -> None:
    """Each function writes to a log group of the template that has an end of retention."""
    group = RESOURCES[FUNCTIONS[name]["LoggingConfig"]["LogGroup"]["Ref"]]
    assert group["Type"] == "AWS::Logs::LogGroup"
    assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_the_outputs_say_where_everything_is() -> None:
    """Whoever deploys is told the API's URL, the table and the bucket."""
    assert set(TEMPLATE["Outputs"]) == {"ApiUrl", "TableName", "BucketName"}
    assert re.fullmatch(r"https://.*/\$\{StageName\}", TEMPLATE["Outputs"]["ApiUrl"]["Value"]["Fn::Sub"])
