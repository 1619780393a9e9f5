import importlib
import json
import re
from typing import Any

import pytest
from functions.caretaker import app as caretaker

from minipic.domain.screening import Screening
from minipic.errors import BY_CODE
from minipic.service.caretaking import BEHIND_MESSAGE
from minipic.service.metered import EXPIRED_MESSAGE
from minipic.settings import (
    DEFAULT_PLANS,
    LinkMode,
    ScreeningKind,
    SettingError,
    Settings,
    StoreKind,
    read_settings,
)
from minipic.stores.aws import schema
from minipic.stores.aws.projection import GAP_MESSAGE
from tests.aws_stack import read_template

TEMPLATE = read_template()
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
DEFAULTS: dict[str, Any] = TEMPLATE["Globals"]["Function"]
FUNCTIONS: dict[str, dict[str, Any]] = {
    name: {**DEFAULTS, **resource["Properties"]}
    for name, resource in RESOURCES.items()
    if resource["Type"] == "AWS::Serverless::Function"
}
PIXEL_FUNCTIONS = {"Shrink", "Compress", "Derive"}
API_FUNCTIONS = [
    name
    for name, function in FUNCTIONS.items()
    if any(event["Type"] == "Api" for event in function.get("Events", {}).values())
]
PREFLIGHT = "OPTIONS"
READ, WRITE, DELETE = "s3:GetObject", "s3:PutObject", "s3:DeleteObject"
GET, UPDATE, QUERY = "dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:Query"
PUT, DELETE_ITEM = "dynamodb:PutItem", "dynamodb:DeleteItem"
ADMIT_AND_SETTLE = {GET, UPDATE}
ONCE = ADMIT_AND_SETTLE | {PUT, DELETE_ITEM}  # with what is remembered for a repeat
RESULTS, ORIGINALS, UPLOADS = ("${Bucket.Arn}/" + folder + "/*" for folder in ("results", "originals", "uploads"))
PERMISSIONS: dict[str, dict[str, set[str]]] = {
    "Shrink": {
        "Table.Arn": ONCE,
        "LedgerTable.Arn": {GET, QUERY},
        RESULTS: {READ, WRITE, DELETE},
        ORIGINALS: {WRITE, DELETE},
        UPLOADS: {READ},
    },
    "Compress": {
        "Table.Arn": ONCE,
        "LedgerTable.Arn": {GET, QUERY},
        RESULTS: {READ, WRITE, DELETE},
        UPLOADS: {READ},
    },
    "Derive": {
        "Table.Arn": ONCE,
        "LedgerTable.Arn": {GET, QUERY},
        RESULTS: {READ, WRITE, DELETE},
        ORIGINALS: {READ},
    },
    "Output": {"Table.Arn": {GET}, RESULTS: {READ}, "Derive.Alias": {"lambda:InvokeFunction"}},
    "Uploads": {"Table.Arn": ADMIT_AND_SETTLE, UPLOADS: {WRITE}},
    "Usage": {"Table.Arn": {GET}, "LedgerTable.Arn": {GET, QUERY}},
    "Site": {"Table.Arn": {GET}, "${Bucket.Arn}/results/ping": {READ}},
    "LedgerProjector": {
        "LedgerTable.Arn": {"dynamodb:PutItem", UPDATE, QUERY},
        "Table.StreamArn": {
            "dynamodb:DescribeStream",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
            "dynamodb:ListStreams",
        },
        "LedgerFailures.Arn": {"sqs:SendMessage"},
    },
    "Caretaker": {
        "Table.Arn": {GET, PUT, UPDATE, "dynamodb:Scan"},
        "LedgerTable.Arn": {GET, UPDATE, QUERY, DELETE_ITEM},
    },
}
API: dict[str, Any] = RESOURCES["Api"]["Properties"]
ALARMS: list[dict[str, Any]] = [
    resource["Properties"] for resource in RESOURCES.values() if resource["Type"] == "AWS::CloudWatch::Alarm"
]
DAY_S = 86_400

each_function = pytest.mark.parametrize("name", FUNCTIONS)
each_table = pytest.mark.parametrize("table_name", ["Table", "LedgerTable"])


def statements(name: str) -> list[dict[str, Any]]:
    return [statement for policy in FUNCTIONS[name]["Policies"] for statement in policy["Statement"]]


def events_of(name: str) -> list[dict[str, Any]]:
    return [event["Properties"] for event in FUNCTIONS[name]["Events"].values()]


def settings_of(name: str, **chosen: str) -> Settings:
    """Return what a function's variables say, with the parameters' defaults but for those chosen."""
    parameters = {name: str(fields["Default"]) for name, fields in TEMPLATE["Parameters"].items()} | chosen
    values = {**parameters, "Table": "some-table", "LedgerTable": "some-ledger", "Bucket": "some-bucket"}
    values["Derive.Alias"] = "some-alias"

    def resolve(value: Any) -> str:
        if isinstance(value, str):
            return value
        if "Fn::If" in value:
            condition, yes, no = value["Fn::If"]
            ref, wanted = TEMPLATE["Conditions"][condition]["Fn::Equals"]
            return str(yes if values[ref["Ref"]] == wanted else no)
        return values[value["Ref"]]

    variables = {**DEFAULTS["Environment"]["Variables"]}
    variables |= RESOURCES[name]["Properties"].get("Environment", {}).get("Variables", {})
    return read_settings({name: resolve(value) for name, value in variables.items()} | {"AWS_REGION": "eu-central-1"})


@pytest.mark.parametrize("name", API_FUNCTIONS)
def test_the_gateway_has_exactly_the_routes_of_the_code(name: str) -> None:
    """Every route of a function's app is an event of its own in the template, with its method, and nothing more."""
    folder = FUNCTIONS[name]["CodeUri"].strip("/").replace("/", ".")
    router = importlib.import_module(f"{folder}.app").router
    in_code = {(route.path, method) for route in router.routes for method in route.methods}
    events = events_of(name)
    routes = [(event["Path"], event["Method"]) for event in events if event["Method"] != PREFLIGHT]
    assert set(routes) == in_code
    assert len(routes) == len(in_code)
    assert all(event["RestApiId"] == {"Ref": "Api"} for event in events)


def test_every_path_of_the_api_answers_a_browsers_question() -> None:
    """Each path has one function that answers OPTIONS, and it is one that answers another method there, too."""
    events = [(name, event) for name in API_FUNCTIONS if name != "Site" for event in events_of(name)]
    asked = {event["Path"]: name for name, event in events if event["Method"] == PREFLIGHT}
    assert set(asked) == {event["Path"] for _, event in events}
    assert len(asked) == len([event for _, event in events if event["Method"] == PREFLIGHT])
    owners = {(name, event["Path"]) for name, event in events if event["Method"] != PREFLIGHT}
    assert {(name, path) for path, name in asked.items()} <= owners
    assert asked["/output/{id}"] == "Output"


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
    """Codecs and memory go to the functions that touch pixels."""
    has_codecs = {"Ref": "CodecsLayer"} in FUNCTIONS[name]["Layers"]
    assert has_codecs is (name in PIXEL_FUNCTIONS)
    assert FUNCTIONS[name]["MemorySize"] == (3008 if has_codecs else 512)


@pytest.mark.parametrize("name", API_FUNCTIONS)
def test_no_function_outlives_the_gateways_patience(name: str) -> None:
    """Whatever works on pixels, or waits for what does, has the gateway's 29 seconds; everything else has 10."""
    invokes = "Derive.Alias" in PERMISSIONS[name]
    assert FUNCTIONS[name]["Timeout"] == (29 if name in PIXEL_FUNCTIONS or invokes else 10)


@each_function
def test_each_function_may_do_what_it_does(name: str) -> None:
    """Each action is spelled out for each of our resources, and nobody may do anything else."""
    allowed: dict[str, set[str]] = {}
    for statement in statements(name):
        assert statement["Effect"] == "Allow"
        (resource,) = statement["Resource"].values()
        allowed.setdefault(resource, set()).update(statement["Action"])
    assert allowed == PERMISSIONS[name]


@pytest.mark.parametrize("name", API_FUNCTIONS)
def test_no_request_puts_or_deletes_an_account(name: str) -> None:
    """Whole items are put and deleted only where requests are remembered, in partitions of their own."""
    fences = [
        statement.get("Condition")
        for statement in statements(name)
        if statement["Resource"] == {"Fn::GetAtt": "Table.Arn"} and {PUT, DELETE_ITEM} & set(statement["Action"])
    ]
    fence = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{schema.CLAIM_PREFIX}*"]}}
    assert fences == ([fence] if name in PIXEL_FUNCTIONS else [])


@pytest.mark.parametrize("name", API_FUNCTIONS)
def test_no_request_changes_whose_a_key_is(name: str) -> None:
    """Updates are fenced to accounts and to requests that are remembered."""
    fences = [
        statement.get("Condition")
        for statement in statements(name)
        if statement["Resource"] == {"Fn::GetAtt": "Table.Arn"} and UPDATE in statement["Action"]
    ]
    partitions = [f"{schema.ACCOUNT_PREFIX}*", f"{schema.CLAIM_PREFIX}*"]
    assert fences in ([], [{"ForAllValues:StringLike": {"dynamodb:LeadingKeys": partitions}}])


@each_function
def test_the_variables_are_settings(name: str) -> None:
    """The functions' variables, with the parameters' defaults, are settings that the service accepts on AWS."""
    settings = settings_of(name)
    assert (settings.store, settings.link_mode) == (StoreKind.AWS, LinkMode.URL)
    assert (settings.aws.table, settings.aws.bucket) == ("some-table", "some-bucket")
    assert (settings.result_ttl_s, settings.log_level) == (DAY_S, "INFO")
    assert (settings.cors_origins, settings.source_allow, settings.screening) == ((), frozenset(), Screening())
    assert settings.plans == DEFAULT_PLANS
    assert set(TEMPLATE["Parameters"]["LinkMode"]["AllowedValues"]) == set(LinkMode)
    assert set(TEMPLATE["Parameters"]["Screening"]["AllowedValues"]) == set(ScreeningKind)


@each_function
def test_the_parameters_reach_who_needs_them(name: str) -> None:
    """What an operator says of contacts, browsers and plans is known to every function."""
    settings = settings_of(
        name,
        SupportContact="help@example.com",
        AppealContact="appeal@example.com",
        CorsOrigins="https://app.example.com",
        Plans='{"team": {"free_images": 9, "max_bytes": 1}}',
    )
    assert (settings.support_contact, settings.appeal_contact) == ("help@example.com", "appeal@example.com")
    assert settings.cors_origins == ("https://app.example.com",)
    assert settings.plans["team"].free_images == 9


@pytest.mark.parametrize("name", ["Shrink", "Compress"])
def test_who_takes_images_in_knows_what_to_fetch_and_to_refuse(name: str) -> None:
    """Sources that are allowed, and the screening list in the code layer, are for the functions that take images in."""
    assert settings_of(name, SourceAllow="files.internal:80").source_allow == {"files.internal:80"}
    with pytest.raises(SettingError, match=r"/opt/python/screening-list\.txt"):
        settings_of(name, Screening="hash")


def test_who_reads_or_writes_the_ledger_knows_its_table() -> None:
    """The ledger's table is named to whoever may use it, and the derive function to whoever may call it."""
    for name, permissions in PERMISSIONS.items():
        aws = settings_of(name).aws
        assert aws.ledger_table == ("some-ledger" if "LedgerTable.Arn" in permissions else "")
        assert aws.derive_function == ("some-alias" if "Derive.Alias" in permissions else "")


def test_the_ledger_is_written_from_the_stream() -> None:
    """Every change of an account reaches the projector: what fails is brought again, in halves, then set aside."""
    stream = RESOURCES["LedgerStream"]["Properties"]
    assert stream["EventSourceArn"] == {"Fn::GetAtt": "Table.StreamArn"}
    assert stream["FunctionName"] == {"Ref": "LedgerProjector.Alias"}
    assert stream["StartingPosition"] == "TRIM_HORIZON"
    assert stream["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert stream["BisectBatchOnFunctionError"] is True
    assert 0 < stream["MaximumRetryAttempts"] <= 100
    assert stream["DestinationConfig"] == {"OnFailure": {"Destination": {"Fn::GetAtt": "LedgerFailures.Arn"}}}
    (pattern,) = stream["FilterCriteria"]["Filters"]
    assert json.loads(pattern["Pattern"]) == {"dynamodb": {"Keys": {schema.SORT_KEY: {"S": [schema.ACCOUNT_SORT]}}}}
    assert "StreamSpecification" not in RESOURCES["LedgerTable"]["Properties"]
    assert RESOURCES["LedgerFailures"]["Properties"] == {
        "MessageRetentionPeriod": 14 * DAY_S,
        "SqsManagedSseEnabled": True,
    }


def test_the_caretaker_comes_by_itself() -> None:
    """Every five minutes the ledgers are looked at, and once a day what is old is forgotten."""
    often, daily = events_of("Caretaker")
    assert often == {"Schedule": "rate(5 minutes)"}
    assert daily["Schedule"].startswith("cron(")
    assert json.loads(daily["Input"]) == {caretaker.DAILY: True}


@pytest.mark.parametrize(
    ("name", "logs", "message"),
    [
        ("LedgerGaps", "LedgerProjectorLogs", GAP_MESSAGE),
        ("LedgersBehind", "CaretakerLogs", BEHIND_MESSAGE),
        *((f"{name}LeasesExpired", f"{name}Logs", EXPIRED_MESSAGE) for name in sorted(PIXEL_FUNCTIONS)),
    ],
)
def test_the_words_of_the_logs_are_counted(name: str, logs: str, message: str) -> None:
    """The word that the code logs is the one that the log group's filter counts, for an alarm of its own."""
    fields = RESOURCES[name]["Properties"]
    assert fields["LogGroupName"] == {"Ref": logs}
    assert fields["FilterPattern"] == f'"{message.partition(" ")[0]}"'
    (metric,) = fields["MetricTransformations"]
    (alarm,) = [found for found in ALARMS if found["MetricName"] == metric["MetricName"]]
    assert (alarm["Namespace"], alarm["Statistic"]) == (metric["MetricNamespace"], "Sum")


def test_every_alarm_reaches_somebody() -> None:
    """Each alarm goes to the topic, silence is no alarm, and a mail address subscribes only where one is given."""
    assert len(ALARMS) == 6
    assert all(alarm["AlarmActions"] == [{"Ref": "Alarms"}] for alarm in ALARMS)
    assert {alarm["TreatMissingData"] for alarm in ALARMS} == {"notBreaching"}
    thresholds = {alarm["MetricName"]: alarm["Threshold"] for alarm in ALARMS}
    assert (thresholds["ApproximateNumberOfMessagesVisible"], thresholds["IteratorAge"]) == (1, 300_000)
    assert RESOURCES["AlarmMail"]["Condition"] == "Mails"
    assert TEMPLATE["Parameters"]["AlarmEmail"]["Default"] == ""


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
    """What the gateway answers by itself has our JSON, a code and a status of our table, and what else is due."""
    answer = API["GatewayResponses"][response]
    body = json.loads(answer["ResponseTemplates"]["application/json"])
    headers = answer["ResponseParameters"]["Headers"]
    assert list(body) == ["error", "message", *(["upload_url"] if status == 413 else []), "request_id"]
    assert (body["error"], body["request_id"]) == (error, "$context.requestId")
    assert answer.get("StatusCode") == status
    assert status in (None, BY_CODE[error].status)
    assert headers["Content-Type"] == "'application/json'"
    assert headers.get("Retry-After") == retry_after


def test_every_body_is_bytes() -> None:
    """The API is regional and takes and gives every body as bytes."""
    assert API["BinaryMediaTypes"] == ["*~1*"]
    assert API["EndpointConfiguration"] == {"Type": "REGIONAL"}


@each_table
def test_the_tables_are_what_the_stores_write(table_name: str) -> None:
    """A table's keys are the attributes of the stores' schema, and it grows by itself."""
    table = RESOURCES[table_name]["Properties"]
    assert table["KeySchema"] == [
        {"AttributeName": schema.PARTITION_KEY, "KeyType": "HASH"},
        {"AttributeName": schema.SORT_KEY, "KeyType": "RANGE"},
    ]
    assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_the_accounts_table_forgets_and_tells() -> None:
    """The table with accounts has a time to live and a stream of what was and what is."""
    table = RESOURCES["Table"]["Properties"]
    assert table["TimeToLiveSpecification"]["AttributeName"] == schema.EXPIRES_AT
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"


@each_table
def test_accounts_and_ledger_outlive_a_mistake(table_name: str) -> None:
    """Each table can be restored to any second, refuses deletion unless told, and stays when its stack goes."""
    table = RESOURCES[table_name]
    assert table["Properties"]["SSESpecification"] == {"SSEEnabled": True}
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
    """Results go after two days, never before the longest lifetime that can be set; what was sent in goes earlier."""
    rules = RESOURCES["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    days = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "Prefix" in rule}
    assert days == {"results/": 2, "originals/": 2, "uploads/": 1}
    # S3 counts from the midnight after, and the folder is of the day that the result was made.
    assert TEMPLATE["Parameters"]["ResultTtlSeconds"]["MaxValue"] <= DAY_S * min(days["results/"], days["originals/"])
    assert [rule for rule in rules if "AbortIncompleteMultipartUpload" in rule]


@each_function
def test_logs_are_forgotten(name: str) -> None:
    """Each function writes to a log group of the template that has an end of retention."""
    group = RESOURCES[FUNCTIONS[name]["LoggingConfig"]["LogGroup"]["Ref"]]
    assert group["Type"] == "AWS::Logs::LogGroup"
    assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_the_outputs_say_where_everything_is() -> None:
    """Whoever deploys is told the API's URL, the tables and the bucket."""
    assert set(TEMPLATE["Outputs"]) == {"ApiUrl", "TableName", "LedgerTableName", "BucketName"}
    assert re.fullmatch(r"https://.*/\$\{StageName\}", TEMPLATE["Outputs"]["ApiUrl"]["Value"]["Fn::Sub"])
