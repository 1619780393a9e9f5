"""The functions in the template: routes, versions, sizes, variables."""

import importlib
import json

import pytest
from functions.caretaker import app as caretaker

from minipic.domain.screening import Screening
from minipic.http.context import ANSWER_WITHIN_MS
from minipic.http.handover import DERIVE_TIMEOUT_S
from minipic.settings import DEFAULT_PLANS, LinkMode, ScreeningKind, SettingError, StoreKind
from minipic.stores.aws import schema
from tests.aws_stack import read_template
from tests.meta.deployment import API_FUNCTIONS, DEFAULT, PARAMETERS, PIXEL_FUNCTIONS, Deployment, events_of

PREFLIGHT = "OPTIONS"
GATEWAY_TIMEOUT_S = 29
WAITS_AND_WORKS_S = 28
DAY_S = 86_400
# It takes uploads in and tells their format, and works on no pixels: time as the gateway has it, memory for an upload.
TAKES_UPLOADS = "Optimize"

each_function = pytest.mark.parametrize("name", DEFAULT.functions)


@pytest.mark.parametrize("name", API_FUNCTIONS)
def test_the_gateway_has_exactly_the_routes_of_the_code(name: str) -> None:
    """Every route of a function's app is an event of its own in the template, with its method, and nothing more."""
    folder = DEFAULT.functions[name]["CodeUri"].strip("/").replace("/", ".")
    router = importlib.import_module(f"{folder}.app").router
    in_code = {(route.path, method) for route in router.routes for method in route.methods}
    events = events_of(name)
    routes = [(event["Path"], event["Method"]) for event in events if event["Method"] != PREFLIGHT]
    assert set(routes) == in_code
    assert len(routes) == len(in_code)
    assert all(event["RestApiId"] == "Api" for event in events)


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
    function = DEFAULT.functions[name]
    assert function["AutoPublishAlias"] == "live"
    assert function["AutoPublishAliasAllProperties"] is True
    assert function["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert Deployment(SnapStart="off").functions[name]["SnapStart"] == {"ApplyOn": "None"}
    assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
    assert function["Handler"] == "app.handler"


def test_a_changed_layer_is_a_new_version() -> None:
    """Each layer publishes what changed, or the functions' aliases stay with the layer of before."""
    layers = DEFAULT.of_type("AWS::Serverless::LayerVersion")
    assert {layer["PublishLambdaVersion"] for layer in layers.values()} == {True}


@each_function
def test_nothing_calls_a_function_but_by_its_alias(name: str) -> None:
    """Queues, streams and other functions name the alias: what runs is the version that was let through."""
    sources = DEFAULT.of_type("AWS::Lambda::EventSourceMapping").values()
    assert {source["FunctionName"] for source in sources} <= {f"{owner}.Alias" for owner in DEFAULT.functions}
    assert DEFAULT.settings(name).aws.derive_function in ("", "Derive.Alias")


@each_function
def test_memory_goes_to_whoever_works_on_pixels(name: str) -> None:
    """Functions that work on pixels have 3008 MB, whoever takes an upload in 1024, the others 512."""
    expected = {TAKES_UPLOADS: 1024} | dict.fromkeys(PIXEL_FUNCTIONS - {TAKES_UPLOADS}, 3008)
    assert DEFAULT.functions[name]["MemorySize"] == expected.get(name, 512)


@pytest.mark.parametrize("name", API_FUNCTIONS)
def test_no_function_outlives_the_gateways_patience(name: str) -> None:
    """Whatever works on pixels, or waits for what does, ends a second before the gateway; everything else has 10."""
    waits = bool(DEFAULT.settings(name).aws.derive_function)
    assert DEFAULT.functions[name]["Timeout"] == (WAITS_AND_WORKS_S if name in PIXEL_FUNCTIONS or waits else 10)
    assert ANSWER_WITHIN_MS / 1000 < DERIVE_TIMEOUT_S < WAITS_AND_WORKS_S < GATEWAY_TIMEOUT_S


@pytest.mark.parametrize("name", ["Shrink", "Derive", "Compress"])
def test_places_are_kept_only_where_an_operator_says_so(name: str) -> None:
    """A function that works on pixels in a request shares the account's places, or has some for itself."""
    assert "ReservedConcurrentExecutions" not in DEFAULT.functions[name]
    chosen = Deployment(**{f"{name}Concurrency": "40"})
    assert chosen.functions[name]["ReservedConcurrentExecutions"] == "40"
    assert [other for other, function in chosen.functions.items() if "ReservedConcurrentExecutions" in function] == [
        name
    ]


def test_a_firewall_starts_at_the_least_that_aws_takes() -> None:
    """Limits from 1 to 9, which AWS WAF refuses half-way through a deployment, are refused before it begins."""
    (rule,) = read_template()["Rules"]["FirewallHasItsLeast"]["Assertions"]
    ((refused, parameter),) = (test["Fn::Contains"] for test in rule["Assert"]["Fn::Not"])
    assert (refused, parameter) == ([str(limit) for limit in range(1, 10)], {"Ref": "WafRateLimit"})


@each_function
def test_the_variables_are_settings(name: str) -> None:
    """The functions' variables, with the parameters' defaults, are settings that the service accepts on AWS."""
    settings = DEFAULT.settings(name)
    assert (settings.store, settings.link_mode) == (StoreKind.AWS, LinkMode.URL)
    assert (settings.aws.table, settings.aws.bucket) == ("Table", "Bucket")
    assert (settings.result_ttl_s, settings.log_level, settings.public_url) == (DAY_S, "INFO", "")
    assert (settings.cors_origins, settings.source_allow, settings.screening) == ((), frozenset(), Screening())
    assert settings.plans == DEFAULT_PLANS
    assert set(PARAMETERS["LinkMode"]["AllowedValues"]) == set(LinkMode)
    assert set(PARAMETERS["Screening"]["AllowedValues"]) == set(ScreeningKind)


@each_function
def test_the_parameters_reach_who_needs_them(name: str) -> None:
    """What an operator says of contacts, browsers and plans is known to every function."""
    settings = Deployment(
        SupportContact="help@example.com",
        AppealContact="appeal@example.com",
        CorsOrigins="https://app.example.com",
        Plans='{"team": {"free_images": 9, "max_bytes": 1}}',
    ).settings(name)
    assert (settings.support_contact, settings.appeal_contact) == ("help@example.com", "appeal@example.com")
    assert settings.cors_origins == ("https://app.example.com",)
    assert settings.plans["team"].free_images == 9


@pytest.mark.parametrize("name", ["Shrink", "Compress", "Optimize"])
def test_who_takes_images_in_knows_what_to_fetch_and_to_refuse(name: str) -> None:
    """Sources that are allowed, and the screening list in the code layer, are for the functions that take images in."""
    assert Deployment(SourceAllow="files.internal:80").settings(name).source_allow == {"files.internal:80"}
    with pytest.raises(SettingError, match=r"/opt/python/screening-list\.txt"):
        Deployment(Screening="hash").settings(name)


def test_the_caretaker_knows_what_is_opened() -> None:
    """Who calls webhooks knows the places that the operator opened."""
    for name in ("Caretaker", "JobHooks"):
        assert Deployment(SourceAllow="hooks.internal:8080").settings(name).source_allow == {"hooks.internal:8080"}
    assert "webhooks" in PARAMETERS["SourceAllow"]["Description"]


def test_the_caretaker_comes_by_itself() -> None:
    """Every five minutes the ledgers are looked at, and once a day what is old is forgotten."""
    often, daily = events_of("Caretaker")
    assert often == {"Schedule": "rate(5 minutes)"}
    assert daily["Schedule"].startswith("cron(")
    assert json.loads(daily["Input"]) == {caretaker.DAILY: True}


def test_slow_receivers_leave_time_for_the_ledgers() -> None:
    """Deliveries take at most a third of the caretaker's time."""
    assert DEFAULT.functions["Caretaker"]["Timeout"] / 3 >= caretaker.DELIVER_WITHIN_S


def test_the_ledger_is_written_from_the_stream() -> None:
    """Every change of an account reaches the projector: what fails is brought again, in halves, then set aside."""
    stream = DEFAULT.resources["LedgerStream"]["Properties"]
    assert stream["EventSourceArn"] == "Table.StreamArn"
    assert stream["FunctionName"] == "LedgerProjector.Alias"
    assert stream["StartingPosition"] == "TRIM_HORIZON"
    assert stream["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert stream["BisectBatchOnFunctionError"] is True
    assert 0 < stream["MaximumRetryAttempts"] <= 100
    assert stream["DestinationConfig"] == {"OnFailure": {"Destination": "LedgerFailures.Arn"}}
    (pattern,) = stream["FilterCriteria"]["Filters"]
    assert json.loads(pattern["Pattern"]) == {"dynamodb": {"Keys": {schema.SORT_KEY: {"S": [schema.ACCOUNT_SORT]}}}}


def test_every_parameter_is_asked_for_in_a_group_and_has_a_default() -> None:
    """The console and a guided deployment show each parameter once, under a heading, with its meaning."""
    groups = read_template()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    listed = [name for group in groups for name in group["Parameters"]]
    assert sorted(listed) == sorted(PARAMETERS)
    assert all({"Default", "Description"} <= fields.keys() for fields in PARAMETERS.values())


def test_the_outputs_say_where_everything_is() -> None:
    """What an operator needs after a deployment: the address, and what `minipic-admin` asks for."""
    assert {
        "ApiUrl",
        "TableName",
        "LedgerTableName",
        "BucketName",
        "AlarmTopic",
        "DashboardUrl",
    } <= DEFAULT.outputs.keys()
    assert DEFAULT.outputs["ApiUrl"]["Value"] == "https://Api.execute-api.eu-central-1.amazonaws.com/live"
