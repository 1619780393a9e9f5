"""`sam deploy` to MiniStack, as an operator deploys to AWS: the built template as it is, parameters by name."""

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from boto3.session import Session

from tests.aws_stack.host_build import SAM

REGION: Literal["eu-central-1"] = "eu-central-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
STACK = "minipic-e2e"
STAGE = "live"


@dataclass
class Deployment:
    """A stack; what is known of it, with the gateway's own ``answers``, is of the last deployment."""

    endpoint_url: str
    authority: Path
    template: Path
    outputs: dict[str, str] = field(default_factory=dict)
    resources: dict[str, str] = field(default_factory=dict)
    api_id: str = ""
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """Return a client that may do everything."""
        session: Any = Session("test", "test", region_name=REGION)
        return session.client(service, endpoint_url=self.endpoint_url, verify=str(self.authority))

    @property
    def environment(self) -> dict[str, str]:
        """The variables of an operator at work on this stack, taken from its outputs."""
        return CREDENTIALS | {
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_CA_BUNDLE": str(self.authority),
            "MINIPIC_TABLE": self.outputs["TableName"],
            "MINIPIC_LEDGER_TABLE": self.outputs["LedgerTableName"],
            "MINIPIC_BUCKET": self.outputs["BucketName"],
        }

    def deploy(self, **parameters: str) -> None:
        """Create or update the stack; a parameter that is not named keeps its value, or takes its default."""
        overrides = self.template.with_name("parameters.yaml")  # JSON is YAML, and sam takes it under this name only
        overrides.write_text(json.dumps(parameters))
        self._sam(
            "deploy", "--template-file", str(self.template), "--resolve-s3", "--capabilities", "CAPABILITY_IAM",
            "--no-confirm-changeset", "--no-fail-on-empty-changeset",
            *(["--parameter-overrides", f"file://{overrides}"] if parameters else []),
        )  # fmt: skip
        (stack,) = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        self._read_api()

    def delete(self) -> None:
        """Delete the stack; what the template retains stays."""
        self._sam("delete", "--no-prompts", "--region", REGION)

    def _sam(self, command: str, *arguments: str) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        addressed = {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_CA_BUNDLE": str(self.authority),
            "AWS_DEFAULT_REGION": REGION,
            "SAM_CLI_TELEMETRY": "0",
        }
        done = subprocess.run(
            [str(SAM), command, "--stack-name", STACK, *arguments],
            cwd=self.template.parent, env=inherited | CREDENTIALS | addressed,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"sam {command} failed:\n{done.stdout}{done.stderr}")

    def _read_api(self) -> None:
        """Let the stage answer with the gateway's answers, which MiniStack makes after it, and read them."""
        described = self.client("cloudformation").describe_stack_resources(StackName=STACK)["StackResources"]
        self.resources = {found["LogicalResourceId"]: found["PhysicalResourceId"] for found in described}
        self.api_id = self.resources["Api"]
        gateway = self.client("apigateway")
        gateway.create_deployment(restApiId=self.api_id, stageName=STAGE)
        self.answers = {
            answer["responseType"]: answer for answer in gateway.get_gateway_responses(restApiId=self.api_id)["items"]
        }
