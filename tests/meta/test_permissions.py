"""Each function may do what its code calls, on what it calls it on, and nothing else."""

import functools
from typing import Any

import pytest

from minipic.settings import PROJECT_FOLDER
from minipic.stores.aws import schema
from tests.meta.calls import Analysis, Call, missing_and_superfluous
from tests.meta.deployment import API_FUNCTIONS, DEFAULT, KEY_ARN, PIXEL_FUNCTIONS, Deployment
from tests.meta.syntax import Program

PACKAGES = {"minipic": PROJECT_FOLDER / "shared" / "minipic", "functions": PROJECT_FOLDER / "functions"}
PROGRAM = Program(PACKAGES)
STORES = ("minipic.wiring", "_aws_stores")
OWN_LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
OF_STREAMS = {f"dynamodb:{name}" for name in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")}
OF_QUEUES = {f"sqs:{name}" for name in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")}
UPDATE, PUT, DELETE = "UpdateItem", "PutItem", "DeleteItem"
Pairs = set[tuple[str, str]]

each_function = pytest.mark.parametrize("name", DEFAULT.functions)


@functools.cache
def analysis(name: str) -> Analysis:
    folder = DEFAULT.functions[name]["CodeUri"].strip("/").replace("/", ".")
    return Analysis(PROGRAM, f"{folder}.app", STORES)


def arn_of(name: str, call: Call) -> str:
    """Return the resource of a call as the template names it: by the variable that the function is given."""
    resource: str = getattr(DEFAULT.settings(name).aws, call.setting)
    assert resource, f"{name} calls {call.action} on {call.setting}, and no variable names that"
    if call.action.startswith("lambda:"):
        return resource
    index = f"/index/{call.part}" if call.action.startswith("dynamodb:") and call.part else ""
    key = f"/{call.part}" if call.action.startswith("s3:") else ""
    return f"{resource}.Arn{index}{key}"


def brought_by_events(name: str) -> Pairs:
    """Return what a function's role needs for the stream and the queues that Lambda reads for it."""
    needed: Pairs = set()
    for source in DEFAULT.of_type("AWS::Lambda::EventSourceMapping").values():
        if source["FunctionName"] == f"{name}.Alias":
            arn = source["EventSourceArn"]
            needed |= {(action, arn) for action in (OF_STREAMS if arn.endswith(".StreamArn") else OF_QUEUES)}
            failed = source.get("DestinationConfig")
            needed |= {("sqs:SendMessage", failed["OnFailure"]["Destination"])} if failed else set()
    return needed


def needed_by(name: str) -> Pairs:
    found = analysis(name)
    assert found.unclear == set()
    return {(call.action, arn_of(name, call)) for call in found.calls} | brought_by_events(name)


def granted(name: str, deployment: Deployment = DEFAULT) -> Pairs:
    return {
        (action, resource)
        for statement in deployment.statements(name)
        for action in statement["Action"]
        for resource in _list_of(statement["Resource"])
    }


def allowed_to(name: str) -> Pairs:
    return {(action, resource) for action, resource in granted(name) if not action.startswith("logs:")}


def _list_of(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


@each_function
def test_permissions_are_those_that_the_code_needs(name: str) -> None:
    """No call that the code can come to lacks its permission, and no permission is there for nothing."""
    missing, superfluous = missing_and_superfluous({name: needed_by(name)}, {name: allowed_to(name)})
    assert missing == set()
    assert superfluous == set()


@each_function
def test_a_permission_is_one_action_on_one_of_our_resources(name: str) -> None:
    """Nothing is denied, no action is a pattern, and no resource but for keys below a folder."""
    for statement in DEFAULT.statements(name):
        assert statement["Effect"] == "Allow"
        assert not [action for action in statement["Action"] if "*" in action]
        for resource in _list_of(statement["Resource"]):
            assert resource.partition(".")[0] in DEFAULT.resources
            assert "*" not in resource.removesuffix("/*")


@each_function
def test_each_function_has_a_role_of_its_own(name: str) -> None:
    """A role is assumed by Lambda for one function, and lets it write that function's log alone."""
    roles = [function["Role"] for function in DEFAULT.functions.values()]
    assert roles.count(f"{name}Role.Arn") == 1
    role = DEFAULT.resources[f"{name}Role"]["Properties"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert "ManagedPolicyArns" not in role
    logs = {(action, resource) for action, resource in granted(name) if action.startswith("logs:")}
    assert logs == {(action, f"{DEFAULT.functions[name]['LoggingConfig']['LogGroup']}.Arn") for action in OWN_LOGS}


def test_downloads_change_nothing() -> None:
    """The output function reads, and calls the derive function; it writes nowhere."""
    assert {action for action, _ in allowed_to("Output")} == {
        "dynamodb:GetItem",
        "s3:GetObject",
        "lambda:InvokeFunction",
    }
    assert ("lambda:InvokeFunction", "Derive.Alias") in allowed_to("Output")
    assert [name for name in DEFAULT.functions if "lambda:InvokeFunction" in dict(allowed_to(name))] == ["Output"]


@pytest.mark.parametrize("name", ["Usage", "Stats"])
def test_whoever_tells_numbers_sees_no_picture(name: str) -> None:
    """The functions that tell of usage reach no object at all."""
    assert not [action for action, _ in allowed_to(name) if action.startswith("s3:")]


@each_function
def test_items_are_fenced_by_partition_as_the_code_uses_them(name: str) -> None:
    """On tables of many kinds of items an action is allowed in just the partitions in which the code uses it."""
    needed: dict[tuple[str, str], set[str]] = {}
    for call in analysis(name).calls:
        if call.setting in ("table", "ledger_table") and call.action != "dynamodb:Scan":  # a scan names no partition
            needed.setdefault((call.action, arn_of(name, call)), set()).add(call.partition)
    assert fences(name) == needed


def fences(name: str) -> dict[tuple[str, str], set[str]]:
    """Return the partitions of the two tables in which a role may do what, the empty one for all of them."""
    found: dict[tuple[str, str], set[str]] = {}
    for statement in DEFAULT.statements(name):
        if statement["Resource"] in ("Table.Arn", "LedgerTable.Arn") and statement["Action"] != ["dynamodb:Scan"]:
            condition = statement.get("Condition", {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [""]}})
            ((operator, keys),) = condition.items()
            assert operator == "ForAllValues:StringLike"
            for action in statement["Action"]:
                found.setdefault((action, statement["Resource"]), set()).update(keys["dynamodb:LeadingKeys"])
    return found


@pytest.mark.parametrize("name", [*API_FUNCTIONS, "OptimizeWorker"])
def test_no_request_touches_keys_whole_accounts_or_lines(name: str) -> None:
    """A request updates accounts, puts and deletes what is remembered of itself, and only reads keys and lines."""
    accounts, remembered = f"{schema.ACCOUNT_PREFIX}*", f"{schema.CLAIM_PREFIX}*"
    may = fences(name)
    assert may.get((f"dynamodb:{UPDATE}", "Table.Arn"), set()) <= {accounts, remembered}
    for action in (PUT, DELETE):
        assert may.get((f"dynamodb:{action}", "Table.Arn"), set()) <= {remembered}
    of_the_ledger = {action for action, table in may if table == "LedgerTable.Arn"}
    assert of_the_ledger <= {"dynamodb:GetItem", "dynamodb:Query"}
    secrets = f"{schema.WEBHOOK_PREFIX}*"
    assert not [one for one, partitions in may.items() if secrets in partitions]


def test_only_pixel_functions_keep_what_was_sent_in() -> None:
    """Objects are written and deleted by functions that work on pictures, and uploads by the form that is signed."""
    writers = {
        name
        for name in DEFAULT.functions
        if {"s3:PutObject", "s3:DeleteObject"} & {action for action, _ in allowed_to(name)}
    }
    assert writers == PIXEL_FUNCTIONS | {"Uploads"}


@each_function
def test_an_own_key_is_used_by_whoever_needs_it(name: str) -> None:
    """With a KMS key of the operator's each role may decrypt by it, and encrypt when the function writes."""
    extra = granted(name, Deployment(KmsKeyArn=KEY_ARN)) - granted(name)
    writes = {"PutItem", "UpdateItem", "PutObject", "SendMessage"} & {
        action.partition(":")[2] for action, _ in allowed_to(name)
    }
    reading = {"kms:Decrypt", "kms:DescribeKey"}
    actions = reading | {"kms:Encrypt", "kms:GenerateDataKey"} if writes else reading
    assert extra == {(action, KEY_ARN) for action in actions}


@each_function
def test_a_traced_function_may_send_its_traces(name: str) -> None:
    """X-Ray takes traces of a function only when it is told to be traced, and then from all of them."""
    extra = granted(name, Deployment(Tracing="on")) - granted(name)
    assert extra == {(f"xray:{action}", "*") for action in ("PutTraceSegments", "PutTelemetryRecords")}
    assert DEFAULT.functions[name]["Tracing"] == "PassThrough"
    assert Deployment(Tracing="on").functions[name]["Tracing"] == "Active"
