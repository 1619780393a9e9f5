"""What template.yaml comes to: its resources once parameters are chosen, conditions decided and references named.

A reference to a resource becomes its name in the template, `Table`, an attribute `Table.Arn`. So values are plain, and
what a test compares reads as the template does.
"""

import re
from typing import Any

from minipic.settings import Settings, read_settings
from tests.aws_stack import read_template

TEMPLATE = read_template()
PARAMETERS: dict[str, Any] = TEMPLATE["Parameters"]
PSEUDO_PARAMETERS = {
    "AWS::StackName": "stack",
    "AWS::Region": "eu-central-1",
    "AWS::AccountId": "account",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}
KEY_ARN = "arn:aws:kms:eu-central-1:account:key/own"
NO_VALUE = {"Ref": "AWS::NoValue"}


class Deployment:
    """The template with some parameters chosen, the others at their defaults."""

    def __init__(self, **chosen: str) -> None:
        assert chosen.keys() <= PARAMETERS.keys()
        self._values = (
            PSEUDO_PARAMETERS | {name: str(fields["Default"]) for name, fields in PARAMETERS.items()} | chosen
        )
        self.resources: dict[str, Any] = {
            name: self.resolve(resource)
            for name, resource in TEMPLATE["Resources"].items()
            if self.holds(resource.get("Condition"))
        }
        defaults = self.resolve(TEMPLATE["Globals"]["Function"])
        self.functions: dict[str, dict[str, Any]] = {
            name: {**defaults, **resource["Properties"]}
            for name, resource in self.resources.items()
            if resource["Type"] == "AWS::Serverless::Function"
        }
        self.outputs: dict[str, Any] = {
            name: self.resolve(output)
            for name, output in TEMPLATE["Outputs"].items()
            if self.holds(output.get("Condition"))
        }
        self._default_variables: dict[str, str] = defaults["Environment"]["Variables"]

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of every resource of a type such as ``AWS::SNS::Topic``, by name."""
        return {name: found["Properties"] for name, found in self.resources.items() if found["Type"] == kind}

    def statements(self, function: str) -> list[dict[str, Any]]:
        """Return what a function's own role may do."""
        role = self.functions[function]["Role"].removesuffix(".Arn")
        (policy,) = self.resources[role]["Properties"]["Policies"]
        found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
        return found

    def settings(self, function: str) -> Settings:
        """Return what the function's variables say, as the service reads them."""
        own = self.resources[function]["Properties"].get("Environment", {}).get("Variables", {})
        return read_settings(self._default_variables | own | {"AWS_REGION": PSEUDO_PARAMETERS["AWS::Region"]})

    def holds(self, condition: str | None) -> bool:
        """Tell whether a condition of the template is true; none always is."""
        return condition is None or self._decide(TEMPLATE["Conditions"][condition])

    def resolve(self, value: Any) -> Any:
        """Return a value of the template with its functions carried out."""
        if isinstance(value, list):
            return [self.resolve(item) for item in value if self._choose(item) != NO_VALUE]
        if not isinstance(value, dict):
            return value
        if value.keys() == {"Ref"}:
            return self._values.get(value["Ref"], value["Ref"])
        if value.keys() == {"Fn::GetAtt"}:
            return value["Fn::GetAtt"]
        if value.keys() == {"Fn::If"}:
            return self.resolve(self._choose(value))
        if value.keys() == {"Fn::Sub"}:
            return self._substitute(value["Fn::Sub"])
        return {name: self.resolve(item) for name, item in value.items() if self._choose(item) != NO_VALUE}

    def _choose(self, value: Any) -> Any:
        while isinstance(value, dict) and value.keys() == {"Fn::If"}:
            condition, yes, no = value["Fn::If"]
            value = yes if self.holds(condition) else no
        return value

    def _substitute(self, value: Any) -> str:
        text, named = value if isinstance(value, list) else (str(value), {})
        values = self._values | {name: str(self.resolve(item)) for name, item in named.items()}
        return re.sub(r"\$\{([^}]+)\}", lambda found: str(values.get(found[1], found[1])), text)

    def _decide(self, test: dict[str, Any]) -> bool:
        ((function, given),) = test.items()
        if function == "Condition":
            return self.holds(given)
        if function == "Fn::Equals":
            left, right = (str(self.resolve(item)) for item in given)
            return left == right
        decided = [self._decide(item) for item in given]
        return {"Fn::Not": not decided[0], "Fn::And": all(decided), "Fn::Or": any(decided)}[function]


DEFAULT = Deployment()
PIXEL_FUNCTIONS = {name for name, function in DEFAULT.functions.items() if "CodecsLayer" in function["Layers"]}
API_FUNCTIONS = [
    name
    for name, function in DEFAULT.functions.items()
    if any(event["Type"] == "Api" for event in function.get("Events", {}).values())
]


def events_of(name: str) -> list[dict[str, Any]]:
    """Return what calls a function, by the properties of its events."""
    return [event["Properties"] for event in DEFAULT.functions[name].get("Events", {}).values()]
