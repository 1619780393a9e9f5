"""What operators read: the runbook, and what only AWS can prove. What they name is there, and commands are shell."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from minipic.settings import PROJECT_FOLDER
from tests.meta.deployment import DEFAULT, PARAMETERS, Deployment

DOCS = PROJECT_FOLDER / "docs"
RUNBOOK = (DOCS / "runbook.md").read_text()
UNPROVEN = (DOCS / "unproven-without-aws.md").read_text()
ALARMS = DEFAULT.of_type("AWS::CloudWatch::Alarm")
WITH_ALL = Deployment(DomainName="api.example.com", CertificateArn="arn", WafRateLimit="100")


def test_the_runbook_has_every_alarm_and_no_other() -> None:
    """Each alarm has its heading, and under it what it means, what to look at and what to do."""
    sections = re.split(r"^### ", RUNBOOK, flags=re.MULTILINE)[1:]
    headings = [name for section in sections for name in section.partition("\n")[0].split(", ")]
    assert sorted(headings) == sorted(ALARMS)
    for section in sections:
        assert re.findall(r"^(Means|Look at|Do): ", section, re.MULTILINE) == ["Means", "Look at", "Do"]


def test_the_runbook_names_what_there_is() -> None:
    """Parameters, outputs and log groups that the runbook names are the template's."""
    named = set(re.findall(r"`([A-Z][a-z]+[A-Z]\w+)(?:=\S+)?`", RUNBOOK))
    known = PARAMETERS.keys() | DEFAULT.outputs.keys() | DEFAULT.resources.keys()
    of_aws = {"MemorySize", "ParallelizationFactor", "BytesSaved", "EngineDuration", "ServiceUnavailable"}
    assert named
    assert named <= known | of_aws


def test_the_commands_for_aws_name_what_there_is() -> None:
    """Outputs, resources and roles that are asked for are the template's, and so are parameters that are set."""
    for pattern, known in (
        (r"\$\(out (\w+)\)", WITH_ALL.outputs),
        (r"\$\(res (\w+)\)", WITH_ALL.resources),
        (r"^(?:simulate|leading) (\w+)", DEFAULT.functions),
        (r"`([A-Z]\w+)=", PARAMETERS),
    ):
        named = set(re.findall(pattern, UNPROVEN, re.MULTILINE))
        assert named, f"the page has nothing like {pattern}"
        assert named <= known.keys()


def test_alarms_are_paid_by_their_metrics() -> None:
    """The page of costs counts the alarms, and the metrics that they are billed by, as the template has them."""
    metrics = sum(
        sum("MetricStat" in metric for metric in alarm["Metrics"]) if "Metrics" in alarm else 1
        for alarm in ALARMS.values()
    )
    assert f"{len(ALARMS)} alarms on {metrics} metrics" in (DOCS / "cost.md").read_text()


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash reads the commands")
@pytest.mark.parametrize("name", ["cost.md", "runbook.md", "unproven-without-aws.md"])
def test_the_commands_are_shell(name: str, tmp_path: Path) -> None:
    """Every block of commands can be read by a shell."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (DOCS / name).read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    (tmp_path / "all.sh").write_text("\n".join(blocks))
    subprocess.run(["bash", "-n", str(tmp_path / "all.sh")], check=True)
