"""What watches a deployment: alarms, the dashboard, and versions that go back by themselves."""

import json
import tomllib
from typing import Any

import pytest
from tools.samconfig import overrides

from minipic.http.emf import emf_observer
from minipic.http.record import Record
from minipic.service.caretaking import BEHIND_MESSAGE
from minipic.service.metered import EXPIRED_MESSAGE
from minipic.settings import PROJECT_FOLDER
from minipic.stores.aws.projection import GAP_MESSAGE
from tests.meta.deployment import API_FUNCTIONS, DEFAULT, PARAMETERS, Deployment

ALARMS = DEFAULT.of_type("AWS::CloudWatch::Alarm")
NAMESPACE = "MiniPic/stack"
SILENCE_IS_BAD = {"CaretakerSilentAlarm"}
MAX_METRICS_OF_AN_ALARM = 10  # a limit of CloudWatch
WORKS_LONGEST_S = {"Shrink": 28, "Derive": 28, "Compress": 28, "OptimizeWorker": 60}

each_alarm = pytest.mark.parametrize("name", ALARMS)
each_api_function = pytest.mark.parametrize("name", API_FUNCTIONS)


def metrics_of(name: str) -> list[dict[str, Any]]:
    """Return the metrics that an alarm reads, those of an expression too."""
    alarm = ALARMS[name]
    return [found["MetricStat"]["Metric"] for found in alarm.get("Metrics", []) if "MetricStat" in found] or [alarm]


def watched(metric_name: str) -> dict[str, set[str]]:
    """Return whose metric of this name each alarm reads, by the first dimension."""
    return {
        name: {metric["Dimensions"][0]["Value"] for metric in metrics_of(name) if metric["MetricName"] == metric_name}
        for name in ALARMS
        if any(metric["MetricName"] == metric_name and metric.get("Dimensions") for metric in metrics_of(name))
    }


@each_alarm
def test_an_alarm_reaches_somebody(name: str) -> None:
    """Each alarm tells the topic that it began and that it ended; silence is no alarm but where work is due."""
    alarm = ALARMS[name]
    assert (alarm["AlarmActions"], alarm["OKActions"]) == (["Alarms"], ["Alarms"])
    assert alarm["TreatMissingData"] == ("breaching" if name in SILENCE_IS_BAD else "notBreaching")
    assert len(metrics_of(name)) <= MAX_METRICS_OF_AN_ALARM


def test_a_mail_goes_out_where_an_address_is_given() -> None:
    """A mail address subscribes to the topic only where there is one."""
    assert "AlarmMail" not in DEFAULT.resources
    mail = Deployment(AlarmEmail="ops@example.com").resources["AlarmMail"]["Properties"]
    assert (mail["TopicArn"], mail["Endpoint"]) == ("Alarms", "ops@example.com")


@pytest.mark.parametrize(
    ("name", "logs", "message"),
    [
        ("LedgerGaps", "LedgerProjectorLogs", GAP_MESSAGE),
        ("LedgersBehind", "CaretakerLogs", BEHIND_MESSAGE),
        *((f"{name}LeasesExpired", f"{name}Logs", EXPIRED_MESSAGE) for name in sorted(WORKS_LONGEST_S)),
    ],
)
def test_the_words_of_the_logs_are_counted(name: str, logs: str, message: str) -> None:
    """The word that the code logs is the one that the log group's filter counts, for an alarm of its own."""
    fields = DEFAULT.resources[name]["Properties"]
    assert fields["LogGroupName"] == logs
    assert fields["FilterPattern"] == f'"{message.partition(" ")[0]}"'
    (metric,) = fields["MetricTransformations"]
    (alarm,) = [found for found in ALARMS.values() if found.get("MetricName") == metric["MetricName"]]
    assert (alarm["Namespace"], alarm["Statistic"]) == (metric["MetricNamespace"], "Sum")


@each_api_function
def test_crashes_and_answers_of_500_are_one_alarm(name: str) -> None:
    """What CloudWatch counts as errors of the live alias, and what the function itself answered as failed, add up."""
    crashes, answers = metrics_of(f"{name}Failing")
    assert crashes["Dimensions"] == [
        {"Name": "FunctionName", "Value": name},
        {"Name": "Resource", "Value": f"{name}:live"},
    ]
    counted = DEFAULT.resources[f"{name}Failures"]["Properties"]
    assert counted["LogGroupName"] == f"{name}Logs"
    (made,) = counted["MetricTransformations"]
    assert (answers["Namespace"], answers["MetricName"]) == (NAMESPACE, f"{name}Failures")
    assert (made["MetricNamespace"], made["MetricName"]) == (NAMESPACE, f"{name}Failures")


def test_the_pattern_of_failures_fits_the_line_of_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    """A 500 leaves the one line that the filters count, whatever the log level is; a 503 and a 404 leave none."""
    observe = emf_observer()
    for status in (500, 503, 404, 200):
        observe(Record("r", "POST", "/shrink", status, duration_ms=1.0))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    patterns = {
        fields["FilterPattern"]
        for name, fields in DEFAULT.of_type("AWS::Logs::MetricFilter").items()
        if name.endswith("Failures")
    }
    assert patterns == {'{ $.outcome = "failed" && $._aws.Timestamp > 0 }'}
    assert [line["outcome"] == "failed" and line["_aws"]["Timestamp"] > 0 for line in lines] == [
        True,
        False,
        False,
        False,
    ]


def test_the_metrics_of_two_stacks_are_apart(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The namespace of a function's metrics is the stack's, and that of the alarms and the dashboard."""
    variables = DEFAULT.functions["Site"]["Environment"]["Variables"]
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", variables["POWERTOOLS_METRICS_NAMESPACE"])
    emf_observer()(Record("r", "GET", "/", 200, duration_ms=1.0))
    (definition,) = json.loads(capsys.readouterr().out)["_aws"]["CloudWatchMetrics"]
    assert definition["Namespace"] == NAMESPACE
    assert definition["Dimensions"] == [["operation", "outcome"]]
    assert f'{{"{NAMESPACE}",operation,outcome}}' in json.dumps(dashboard()).replace("\\", "")


def test_every_function_is_missed_when_it_gets_no_place() -> None:
    """Each function's throttles belong to one of two alarms: of those that work on images, and of the others."""
    of = watched("Throttles")
    assert of["PixelThrottlesAlarm"] == set(WORKS_LONGEST_S)
    assert of["PixelThrottlesAlarm"] | of["ThrottlesAlarm"] == set(DEFAULT.functions)
    assert not of["PixelThrottlesAlarm"] & of["ThrottlesAlarm"]


@pytest.mark.parametrize(("name", "timeout_s"), WORKS_LONGEST_S.items())
def test_slowness_is_told_before_the_time_out(name: str, timeout_s: int) -> None:
    """The 99th percentile goes off before the function's time-out, and after the engine's 20 seconds."""
    alarm = ALARMS[f"{name}SlowAlarm"]
    assert DEFAULT.functions[name]["Timeout"] == timeout_s
    assert (alarm["MetricName"], alarm["ExtendedStatistic"]) == ("Duration", "p99")
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": name}]
    assert 20_000 < alarm["Threshold"] < timeout_s * 1000


def test_every_table_and_every_last_queue_is_watched() -> None:
    """Throttles and faults of each table, and messages in each queue that others are given up to, are alarms.

    What a function takes out of such a queue is nearly always in flight, and what nothing takes out waits visibly.
    """
    tables = set(DEFAULT.of_type("AWS::DynamoDB::Table"))
    assert watched("WriteThrottleEvents")["TableThrottlesAlarm"] == tables
    assert watched("SystemErrors")["TableErrorsAlarm"] == tables
    queues = DEFAULT.of_type("AWS::SQS::Queue")
    last = {name for name, queue in queues.items() if "RedrivePolicy" not in queue}
    sources = DEFAULT.of_type("AWS::Lambda::EventSourceMapping").values()
    worked_on = {name for name in last if f"{name}.Arn" in {source["EventSourceArn"] for source in sources}}
    in_flight = watched("ApproximateNumberOfMessagesNotVisible")
    visible = watched("ApproximateNumberOfMessagesVisible")
    assert set().union(*in_flight.values()) == {f"{name}.QueueName" for name in worked_on}
    assert set().union(*visible.values()) == {f"{name}.QueueName" for name in last - worked_on}
    assert in_flight == {"JobFailuresAlarm": {"JobFailures.QueueName"}}


def test_jobs_ring_after_their_tries() -> None:
    """A job that is put back twice, as any may be, is not yet one that waits; one that cannot be ended rings."""
    queue = DEFAULT.of_type("AWS::SQS::Queue")["JobsQueue"]
    tries: int = queue["RedrivePolicy"]["maxReceiveCount"]
    assert ALARMS["JobsWaitAlarm"]["Threshold"] > tries * queue["VisibilityTimeout"]
    alarm = ALARMS["JobFailuresAlarm"]
    assert (alarm["Statistic"], alarm["Threshold"], alarm["EvaluationPeriods"]) == ("Average", 0.5, 3)


def test_the_accounts_quota_is_watched_as_a_part() -> None:
    """The alarm of concurrency is a percentage of the quota that the parameter tells."""
    alarm = Deployment(AccountConcurrency="3000").resources["ConcurrencyAlarm"]["Properties"]
    assert alarm["Metrics"][0]["Expression"] == "100 * places / 3000"
    assert alarm["Threshold"] == 80


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DEFAULT.resources["Dashboard"]["Properties"]["DashboardBody"])
    return found


def test_the_dashboard_shows_every_alarm_and_fits_the_screen() -> None:
    """Its body is JSON; all alarms are on it; no two widgets lie on each other or beyond the 24 columns."""
    widgets = dashboard()["widgets"]
    (alarms,) = [widget["properties"]["alarms"] for widget in widgets if widget["type"] == "alarm"]
    assert sorted(alarms) == sorted(f"{name}.Arn" for name in ALARMS)
    taken = [
        (x, y)
        for widget in widgets
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24


@each_api_function
def test_a_bad_version_goes_back_by_itself(name: str) -> None:
    """A function that answers requests is deployed as the operator says, and its own alarm takes the version back."""
    function = Deployment(DeploymentType="Canary10Percent5Minutes").functions[name]
    assert function["DeploymentPreference"] == {"Type": "Canary10Percent5Minutes", "Alarms": [f"{name}Failing"]}


def test_each_stage_is_deployed_with_parameters_of_the_template() -> None:
    """What samconfig sets are parameters: a stage for trying moves at once, the one for clients by a canary."""
    config = tomllib.loads((PROJECT_FOLDER / "samconfig.toml").read_text())
    chosen = {
        stage: overrides(config[stage]["deploy"]["parameters"]["parameter_overrides"]) for stage in ("default", "prod")
    }
    types = {
        stage: Deployment(**values).functions["Shrink"]["DeploymentPreference"]["Type"]
        for stage, values in chosen.items()
    }
    assert types == {"default": "AllAtOnce", "prod": "Canary10Percent5Minutes"}
    assert set(types.values()) <= set(PARAMETERS["DeploymentType"]["AllowedValues"])


@pytest.mark.parametrize(
    "saved",
    [
        ["LogLevel=INFO", 'Plans={"free": 1}', "AlarmEmail=ops@example.com"],
        'LogLevel="INFO" Plans="{\\"free\\": 1}" AlarmEmail="ops@example.com"',
    ],
)
def test_overrides_are_read_as_sam_saves_them(saved: str | list[str]) -> None:
    """A list, as samconfig.toml has it here, and the one string that `sam deploy --guided` writes mean the same."""
    assert overrides(saved) == {"LogLevel": "INFO", "Plans": '{"free": 1}', "AlarmEmail": "ops@example.com"}
