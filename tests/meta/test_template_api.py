"""The API in the template: what the gateway says by itself, limits, its log, domain and firewall."""

import json
from typing import Any

import pytest

from minipic.errors import BY_CODE
from tests.meta.deployment import DEFAULT, Deployment

API: dict[str, Any] = DEFAULT.resources["Api"]["Properties"]
SAFE_VARIABLES = {  # no path, query, header, caller or address: all of these may hold secrets or tell of people
    "$context.error.responseType",
    "$context.httpMethod",
    "$context.integrationLatency",
    "$context.requestId",
    "$context.requestTimeEpoch",
    "$context.resourcePath",
    "$context.responseLatency",
    "$context.responseLength",
    "$context.status",
    "$context.wafResponseCode",
}
DOMAIN = {"DomainName": "api.example.com", "CertificateArn": "arn:aws:acm:eu-central-1:account:certificate/x"}


def body_of(answer: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = json.loads(answer["ResponseTemplates"]["application/json"])
    return found


@pytest.mark.parametrize(
    ("response", "error", "status", "retry_after"),
    [
        ("DEFAULT_4XX", "BadRequest", None, None),
        ("DEFAULT_5XX", "InternalServerError", None, None),
        ("MISSING_AUTHENTICATION_TOKEN", "NotFound", 404, None),
        ("INVALID_SIGNATURE", "NotFound", 404, None),
        ("REQUEST_TOO_LARGE", "PayloadTooLarge", 413, None),
        ("THROTTLED", "TooManyRequests", 429, "'1'"),
        ("WAF_FILTERED", "TooManyRequests", 429, "'60'"),
        ("INTEGRATION_TIMEOUT", "ServiceUnavailable", 503, "'1'"),
        ("INTEGRATION_FAILURE", "ServiceUnavailable", 503, "'1'"),
    ],
)
def test_the_gateways_own_answers_are_ours(
    response: str, error: str, status: int | None, retry_after: str | None
) -> None:
    """What the gateway answers by itself has our JSON, a code and a status of our table, and what else is due."""
    answer = API["GatewayResponses"][response]
    body, headers = body_of(answer), answer["ResponseParameters"]["Headers"]
    assert list(body) == ["error", "message", *(["upload_url"] if status == 413 else []), "request_id"]
    assert (body["error"], body["request_id"]) == (error, "$context.requestId")
    assert answer.get("StatusCode") == status
    assert status in (None, BY_CODE[error].status)
    assert headers["Content-Type"] == "'application/json'"
    assert headers.get("Retry-After") == retry_after


@pytest.mark.parametrize(
    ("chosen", "base"),
    [
        ({}, "https://$context.domainName/$context.stage"),
        (DOMAIN, "https://api.example.com"),
        ({"PublicUrl": "https://cdn.example.com/images"}, "https://cdn.example.com/images"),
        ({**DOMAIN, "PublicUrl": "https://cdn.example.com"}, "https://cdn.example.com"),
    ],
)
def test_a_413_names_the_way_in_where_clients_see_it(chosen: dict[str, str], base: str) -> None:
    """`upload_url` is at the address that answers name: the operator's own, its domain, or the gateway's."""
    deployment = Deployment(**chosen)
    answers = deployment.resources["Api"]["Properties"]["GatewayResponses"]
    assert body_of(answers["REQUEST_TOO_LARGE"])["upload_url"] == f"{base}/v1/uploads"
    assert deployment.settings("Shrink").public_url == ("" if not chosen else base)


def test_every_body_is_bytes() -> None:
    """The API is regional and takes and gives every body as bytes."""
    assert API["BinaryMediaTypes"] == ["*~1*"]
    assert API["EndpointConfiguration"] == {"Type": "REGIONAL"}


def test_the_gateway_takes_in_as_much_as_is_said() -> None:
    """Rate and burst of all clients together are the operator's, on every path and method."""
    deployment = Deployment(ApiRateLimit="50", ApiBurstLimit="70")
    (limits,) = deployment.resources["Api"]["Properties"]["MethodSettings"]
    assert (limits["ResourcePath"], limits["HttpMethod"]) == ("/*", "*")
    assert (limits["ThrottlingRateLimit"], limits["ThrottlingBurstLimit"]) == ("50", "70")
    assert "LoggingLevel" not in limits  # the gateway's own log of a request would keep headers


def test_the_gateways_log_holds_no_secret() -> None:
    """A line has the route's template and figures: no path, query, header or address, where keys and people are."""
    line: dict[str, str] = json.loads(API["AccessLogSetting"]["Format"])
    assert set(line.values()) == SAFE_VARIABLES
    assert API["AccessLogSetting"]["DestinationArn"].endswith("log-group:GatewayLogs")
    assert DEFAULT.resources["GatewayLogs"]["Properties"]["RetentionInDays"] == "30"


def test_the_gateway_is_given_its_role_before_it_logs() -> None:
    """The role for account and region is made unless there is one, waited for, and stays when the stack goes."""
    for name in ("GatewayRole", "GatewayAccount"):
        assert (DEFAULT.resources[name]["DeletionPolicy"], DEFAULT.resources[name]["UpdateReplacePolicy"]) == (
            "Retain",
            "Retain",
        )
    (tag,) = DEFAULT.resources["GatewayLogs"]["Properties"]["Tags"]
    assert tag["Value"] == "GatewayAccount"  # a reference
    there = Deployment(AccessLogs="on")
    assert not {"GatewayRole", "GatewayAccount"} & there.resources.keys()
    assert "AccessLogSetting" in there.resources["Api"]["Properties"]
    assert "AccessLogSetting" not in Deployment(AccessLogs="off").resources["Api"]["Properties"]


def test_no_trace_of_the_gateway_keeps_a_url() -> None:
    """X-Ray's trace of a gateway holds whole URLs, and so keys: only functions are traced."""
    assert API["TracingEnabled"] is False
    assert Deployment(Tracing="on").resources["Api"]["Properties"]["TracingEnabled"] is False


def test_a_domain_of_the_operators_leads_to_the_stage() -> None:
    """A domain is a regional name with its certificate and TLS 1.2, mapped to the stage, and its target is told."""
    assert not {"Domain", "DomainMapping"} & DEFAULT.resources.keys()
    deployment = Deployment(**DOMAIN)
    domain = deployment.resources["Domain"]["Properties"]
    assert (domain["DomainName"], domain["RegionalCertificateArn"]) == tuple(DOMAIN.values())
    assert (domain["EndpointConfiguration"], domain["SecurityPolicy"]) == ({"Types": ["REGIONAL"]}, "TLS_1_2")
    mapping = deployment.resources["DomainMapping"]["Properties"]
    assert mapping == {"DomainName": "Domain", "RestApiId": "Api", "Stage": "Api.Stage"}
    assert deployment.outputs["DomainTarget"]["Value"] == "Domain.RegionalDomainName"


def test_a_firewall_counts_requests_of_an_address_and_keeps_none() -> None:
    """With a limit, an address above it is refused at the stage; no request is kept as a sample, for its headers."""
    assert not {"Firewall", "FirewallOfApi"} & DEFAULT.resources.keys()
    deployment = Deployment(WafRateLimit="5000")
    firewall = deployment.resources["Firewall"]["Properties"]
    (rule,) = firewall["Rules"]
    rate = rule["Statement"]["RateBasedStatement"]
    assert (rate["AggregateKeyType"], rate["Limit"], rate["EvaluationWindowSec"]) == ("IP", "5000", 300)
    assert (firewall["DefaultAction"], rule["Action"]) == ({"Allow": {}}, {"Block": {}})
    assert not firewall["VisibilityConfig"]["SampledRequestsEnabled"]
    assert not rule["VisibilityConfig"]["SampledRequestsEnabled"]
    association = deployment.resources["FirewallOfApi"]["Properties"]
    assert association["ResourceArn"] == "arn:aws:apigateway:eu-central-1::/restapis/Api/stages/Api.Stage"
    assert association["WebACLArn"] == deployment.outputs["FirewallArn"]["Value"] == "Firewall.Arn"
