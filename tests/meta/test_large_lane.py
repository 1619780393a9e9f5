"""The large lane's template and image against the code and the main template."""

import fnmatch
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from minipic import local
from minipic.http.limits import BODIES, Gate
from minipic.http.protocol import IDLE_S
from minipic.service.metered import EXPIRED_MESSAGE
from minipic.settings import DEFAULT_PLANS, MIB, PROJECT_FOLDER, read_settings
from minipic_engine.children import JOB_TIMEOUT_S
from tests.aws_stack import read_template
from tests.meta.deployment import API_FUNCTIONS, DEFAULT, KEY_ARN, PARAMETERS, TEMPLATE, Deployment

LANE = read_template(PROJECT_FOLDER / "large-lane.yaml")
RESOURCES: dict[str, Any] = LANE["Resources"]
CONTAINER: dict[str, Any] = RESOURCES["Task"]["Properties"]["ContainerDefinitions"][0]
ENVIRONMENT = {variable["Name"]: variable["Value"] for variable in CONTAINER["Environment"]}
SIZES: dict[str, dict[str, str]] = LANE["Mappings"]["Tasks"]
ALARMS = {name: one["Properties"] for name, one in RESOURCES.items() if one["Type"] == "AWS::CloudWatch::Alarm"}
DOCKERFILE = re.sub(r"\\\n\s*", "", (PROJECT_FOLDER / "Dockerfile").read_text()).splitlines()
GUIDE = (PROJECT_FOLDER / "docs" / "large-lane.md").read_text()
CHILD_MB = 2600  # what a picture may take, see docs/engine-limits.md
PROCESS_MB = 300
LONGEST_WAIT_S = 10  # for a free child of the engine

Permission = tuple[str, str, tuple[str, ...]]  # an action, on what, in which partitions of a table


def attributes(resource: str) -> dict[str, str]:
    """Return the attributes of the template's load balancer or target group."""
    properties = RESOURCES[resource]["Properties"]
    listed = properties.get("LoadBalancerAttributes") or properties["TargetGroupAttributes"]
    return {one["Key"]: one["Value"] for one in listed}


def place(resource: Any) -> str:
    """Return a policy's resource as the main template names it: by parameters named after what they stand for."""
    text = resource["Fn::Sub"] if isinstance(resource["Fn::Sub"], str) else resource["Fn::Sub"][0]
    name, rest = re.fullmatch(r".*\$\{(\w+)Name\}(.*)", text).groups()  # type: ignore[union-attr]
    return f"{name}.Arn{rest}"


def permissions(statements: list[Any], named: Callable[[Any], str]) -> Iterator[Permission]:
    for statement in statements:
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        fences = statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", ())
        for resource in resources:
            for action in statement["Action"]:
                yield action, named(resource), tuple(fences)


def of_functions() -> set[Permission]:
    """Return what the functions behind the API may do to the stores and the queues."""
    statements = [statement for name in API_FUNCTIONS for statement in DEFAULT.statements(name)]
    held = permissions(statements, str)
    return {permission for permission in held if permission[0].partition(":")[0] in ("dynamodb", "s3", "sqs")}


def of_tasks() -> set[Permission]:
    policy, _ = RESOURCES["TaskRole"]["Properties"]["Policies"]
    return set(permissions(policy["PolicyDocument"]["Statement"], place))


def covers(one: Permission, other: Permission) -> bool:
    within = all(any(fnmatch.fnmatchcase(part, fence) for fence in one[2]) for part in other[2])
    fenced_no_more = not one[2] or (bool(other[2]) and within)
    return one[0] == other[0] and fnmatch.fnmatchcase(other[1], one[1]) and fenced_no_more


def test_a_task_may_do_what_the_functions_may() -> None:
    """Each permission of a function behind the API is one of the tasks', and the tasks have no other."""
    assert not [wanted for wanted in of_functions() if not any(covers(held, wanted) for held in of_tasks())]
    assert not of_tasks() - of_functions()


def test_a_task_uses_the_stacks_own_key_as_they_do() -> None:
    """Where the main stack has a key of its own, a task may do with it what a function that writes may."""
    condition, policy, _ = RESOURCES["TaskRole"]["Properties"]["Policies"][1]["Fn::If"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    encrypted = Deployment(KmsKeyArn=KEY_ARN).statements("Shrink")
    assert condition == "OwnKey"
    assert statement["Action"] in [one["Action"] for one in encrypted if one["Resource"] == KEY_ARN]


def test_a_task_has_the_functions_settings() -> None:
    """Each variable of a function is a task's too, but for the function that a task needs none of."""
    variables = {
        name
        for function in API_FUNCTIONS
        for name in (
            *TEMPLATE["Globals"]["Function"]["Environment"]["Variables"],
            *TEMPLATE["Resources"][function]["Properties"].get("Environment", {}).get("Variables", {}),
        )
        if name.startswith("MINIPIC_")
    }
    own = {"AWS_REGION", "MINIPIC_ENGINE_CHILDREN", "MINIPIC_BODY_MEMORY"}
    assert set(ENVIRONMENT) == variables - {"MINIPIC_DERIVE_FUNCTION"} | own


def test_parameters_of_the_same_name_take_the_same() -> None:
    """A setting has the same default and takes the same values in both templates; a few must be given here."""
    shared = set(LANE["Parameters"]) & set(PARAMETERS)
    assert {"LinkMode", "Plans", "LogLevel", "AlarmEmail", "KmsKeyArn"} <= shared
    for name in shared - {"DomainName", "CertificateArn"}:
        one, other = ({**fields[name], "Description": ""} for fields in (LANE["Parameters"], PARAMETERS))
        assert one == other, name


@pytest.mark.parametrize("cpu", SIZES)
def test_a_task_holds_what_it_lets_in(cpu: str) -> None:
    """Memory is enough for a picture at its limit on each core and for all bodies twice; the largest plan gets in."""
    size = SIZES[cpu]
    needed_mb = int(size["Children"]) * CHILD_MB + 2 * int(size["BodyMemoryMb"]) + PROCESS_MB
    assert needed_mb <= int(size["MemoryMb"])
    assert int(size["Children"]) == int(cpu) // 1024
    settings = read_settings({"MINIPIC_BODY_MEMORY": size["BodyMemoryMb"]})
    gate = Gate(place_bytes=settings.body_memory_bytes // BODIES)
    assert gate.places_for(DEFAULT_PLANS["paid"].max_bytes) * 3 <= BODIES
    assert set(SIZES) == set(LANE["Parameters"]["TaskCpu"]["AllowedValues"])


def test_nobody_hangs_up_first() -> None:
    """The balancer waits longer than an answer takes, a task keeps a connection longer than the balancer uses it."""
    idle_s = int(attributes("Balancer")["idle_timeout.timeout_seconds"])
    assert JOB_TIMEOUT_S + LONGEST_WAIT_S + 10 < idle_s < IDLE_S


def test_a_task_is_stopped_only_when_it_has_answered() -> None:
    """Requests in work have a minute and more before SIGTERM comes, and SIGKILL comes after the process's own limit."""
    assert int(attributes("Targets")["deregistration_delay.timeout_seconds"]) >= 60
    assert local.STOP_WITHIN_S < CONTAINER["StopTimeout"] <= 120


def test_the_balancer_asks_for_health_where_the_api_has_it() -> None:
    """The health check is a route of the API."""
    routes = local.read_routes(PROJECT_FOLDER / "template.yaml")
    path = RESOURCES["Targets"]["Properties"]["HealthCheckPath"]
    assert any(route.path.fullmatch(path) and route.method == "GET" for route in routes)


def test_nothing_is_served_without_tls() -> None:
    """Port 80 does nothing but say where HTTPS is, and nobody but the balancer reaches a task."""
    (action,) = RESOURCES["HttpListener"]["Properties"]["DefaultActions"]
    assert (action["Type"], action["RedirectConfig"]["Protocol"]) == ("redirect", "HTTPS")
    (way_in,) = RESOURCES["TaskGroup"]["Properties"]["SecurityGroupIngress"]
    assert way_in["SourceSecurityGroupId"] == {"Fn::GetAtt": "BalancerGroup.GroupId"}
    assert ENVIRONMENT["MINIPIC_PUBLIC_URL"] == {"Fn::Sub": "https://${DomainName}"}


def test_every_alarm_tells_somebody_and_is_explained() -> None:
    """Each alarm goes to the topic, and docs/large-lane.md has a row for it, and for no other."""
    assert all(alarm["AlarmActions"] == [{"Ref": "Alarms"}] for alarm in ALARMS.values())
    assert set(re.findall(r"^\| (Lane\w+) \|", GUIDE, re.MULTILINE)) == set(ALARMS)


def test_an_expired_lease_is_counted() -> None:
    """The filter looks for the word that the log has."""
    pattern = RESOURCES["LeasesExpired"]["Properties"]["FilterPattern"].strip('"')
    assert EXPIRED_MESSAGE.startswith(pattern)


def lines(word: str) -> list[str]:
    return [line.removeprefix(f"{word} ") for line in DOCKERFILE if line.startswith(f"{word} ")]


def copied() -> set[str]:
    sources = [line.split()[:-1] for line in lines("COPY") if not line.startswith("--from")]
    return {source for line in sources for source in line}


def test_the_image_takes_what_is_there() -> None:
    """Each file that the Dockerfile copies exists, and .dockerignore lets it in and nothing else."""
    assert all((PROJECT_FOLDER / source).exists() for source in copied())
    ignored = (PROJECT_FOLDER / ".dockerignore").read_text().splitlines()
    let_in = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert "*" in ignored
    assert let_in == copied()


def test_the_image_runs_what_make_run_runs() -> None:
    """The container's command is the service on one machine, by somebody who is not root, listening to all."""
    assert lines("CMD") == ['["python", "-m", "minipic.local"]']
    assert lines("USER")[-1].isdigit()
    assert CONTAINER["PortMappings"][0]["ContainerPort"] == int(*lines("EXPOSE"))
    assert re.search(r"MINIPIC_HOST=0\.0\.0\.0", lines("ENV")[-1])


def test_the_image_is_made_of_pinned_parts() -> None:
    """Bases have a tag that names the version of Python that functions run on, and what is installed has hashes."""
    version = TEMPLATE["Globals"]["Function"]["Runtime"].removeprefix("python")
    assert {line.split()[0].partition("-slim-")[0] for line in lines("FROM")} == {f"python:{version}"}
    installs = [part for line in lines("RUN") for part in line.split("&&") if re.search(r"pip install", part)]
    assert len(installs) == 4
    assert all("--require-hashes" in part or "--no-deps" in part for part in installs)


def test_a_container_without_its_stores_says_so(tmp_path: Path) -> None:
    """With MINIPIC_STORE=aws and no names the process ends with one line that names what is missing."""
    environment = {"MINIPIC_STORE": "aws", "MINIPIC_TABLE": "t", "MINIPIC_DATA": str(tmp_path), "PORT": "0"}
    command = [sys.executable, "-m", "minipic.local"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=PROJECT_FOLDER, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "MINIPIC_LEDGER_TABLE, MINIPIC_JOBS_TABLE, MINIPIC_JOBS_QUEUE, MINIPIC_BUCKET" in line
    assert "AWS_REGION" in line


def test_body_memory_is_a_setting() -> None:
    """Bodies may hold 160 MB where nothing else is said."""
    assert read_settings({}).body_memory_bytes == 160 * MIB
    assert read_settings({"MINIPIC_BODY_MEMORY": "640"}).body_memory_bytes == 640 * MIB
