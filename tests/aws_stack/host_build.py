"""`sam build` of the real template and functions, with layers that this machine's Python can load."""

import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.aws_stack.template import PROJECT_FOLDER

_VENVS = PROJECT_FOLDER / ".venvs"
SAM = _VENVS / "sam" / "bin" / "sam"
_MACHINES = {"x86_64": "x86_64", "aarch64": "arm64"}  # as build_native.py calls them
_PACKAGE = re.compile(r"^([a-z0-9-]+)==.*?(?=^[a-z0-9]|\Z)", re.MULTILINE | re.DOTALL)


def build_for_this_machine(folder: Path) -> Path:
    """Build everything into ``folder``; return the built template's path.

    The layers' own locks are for Lambda's Python. Here each layer gets the same packages in the versions of
    requirements/run.txt, which is what the service on one machine runs with.
    """
    locks = folder / "locks"
    locks.mkdir(parents=True)
    for layer in ("runtime", "codecs"):
        (locks / f"{layer}.txt").write_text(_lock_for(layer))
    output = folder / "build"
    done = subprocess.run(
        [str(SAM), "build", "--build-dir", str(output)],
        cwd=PROJECT_FOLDER, env=_environment(locks), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"sam build failed:\n{done.stdout}{done.stderr}")
    return _for_ministack(output / "template.yaml")


def _for_ministack(built: Path) -> Path:
    """Return the built template without what MiniStack cannot deploy, or reads in another way than AWS does."""
    template: dict[str, Any] = yaml.safe_load(built.read_text())  # sam has written all short forms out
    resources: dict[str, Any] = template["Resources"]
    for name, resource in list(resources.items()):
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"].pop("DeploymentPreference", None)  # it has no CodeDeploy
        elif resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]:
            del resources[name]  # its alarms cannot calculate
        elif resource["Type"] == "AWS::Lambda::EventSourceMapping":
            resource["Properties"].pop("ScalingConfig", None)  # it cannot compare with a parameter's number
        elif resource["Type"] == "AWS::IAM::Role":
            _allow_batches(resource["Properties"])
    api = resources["Api"]["Properties"]
    # It takes what AWS writes for a slash as it is, and passes over the gateway's own answers within the API.
    api["BinaryMediaTypes"] = [name.replace("~1", "/") for name in api["BinaryMediaTypes"]]
    for kind, answer in api["GatewayResponses"].items():
        resources[f"Answer{kind.title().replace('_', '')}"] = _gateway_response(kind, answer)
    changed = built.with_name("ministack.yaml")
    changed.write_text(json.dumps(template))
    return changed


def _allow_batches(role: dict[str, Any]) -> None:
    """Let a role that may send a message send several: one permission of AWS, two of MiniStack."""
    for policy in role.get("Policies", []):
        for statement in policy["PolicyDocument"]["Statement"]:
            if "sqs:SendMessage" in statement.get("Action", ()):  # a statement may be a condition
                statement["Action"] = [*statement["Action"], "sqs:SendMessageBatch"]


def _gateway_response(kind: str, answer: dict[str, Any]) -> dict[str, Any]:
    """Return one of the gateway's own answers as a resource."""
    fields = answer["ResponseParameters"]["Headers"]
    properties = {
        "RestApiId": {"Ref": "Api"},
        "ResponseType": kind,
        "ResponseParameters": {f"gatewayresponse.header.{name}": value for name, value in fields.items()},
        "ResponseTemplates": answer["ResponseTemplates"],
    }
    status = {"StatusCode": str(answer["StatusCode"])} if "StatusCode" in answer else {}
    return {"Type": "AWS::ApiGateway::GatewayResponse", "Properties": properties | status}


def _lock_for(layer: str) -> str:
    wanted = {
        found[1] for found in _PACKAGE.finditer((PROJECT_FOLDER / "layers" / layer / "requirements.txt").read_text())
    }
    run = (PROJECT_FOLDER / "requirements" / "run.txt").read_text()
    return "".join(found[0] for found in _PACKAGE.finditer(run) if found[1] in wanted)


def _environment(locks: Path) -> dict[str, str]:
    """Return what `make build` sets, and what the layers' Makefiles take for another machine."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return inherited | {
        "UV": str(PROJECT_FOLDER / ".venv" / "bin" / "uv"),
        "ZIG": str(_VENVS / "zig" / "bin" / "python"),
        "SAM_CLI_TELEMETRY": "0",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "LAYER_PLATFORM": f"{platform.machine()}-manylinux_2_28",
        "LAYER_PYTHON": f"{sys.version_info.major}.{sys.version_info.minor}",
        "LAYER_MACHINE": _MACHINES[platform.machine()],
        "LAYER_LOCKS": str(locks),
    }
