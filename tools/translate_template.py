"""Translate template.yaml as AWS does before it deploys, so that cfn-lint sees the resources that SAM makes of it.

The parameters are those of a deployment that clients use: samconfig.toml's `prod`, the others at their defaults.

Runs in the environment of the SAM CLI: python -m tools.translate_template OUTPUT.json
"""

import json
import logging
import sys
import tomllib
from pathlib import Path

import yaml
from samcli.lib.translate.sam_template_validator import SamTemplateValidator  # type: ignore[import-not-found]
from samcli.yamlhelper import yaml_parse  # type: ignore[import-not-found]
from tools.samconfig import overrides

PROJECT_FOLDER = Path(__file__).resolve().parents[1]
# Translation reads DeploymentType, so nothing is left to use it. The template as it is written is linted, too.
LINT = {"config": {"ignore_checks": ["W2001"]}}


class NoManagedPolicies:
    """Stands for the list of AWS's managed policies: the template names none, so AWS need not be asked for it."""

    def load(self) -> dict[str, str]:
        """Return no policy."""
        return {}


def parameters(template: dict[str, dict[str, dict[str, object]]]) -> dict[str, object]:
    """Return each parameter's value in the deployment that clients use."""
    defaults = {name: fields["Default"] for name, fields in template["Parameters"].items() if "Default" in fields}
    prod = tomllib.loads((PROJECT_FOLDER / "samconfig.toml").read_text())["prod"]["deploy"]["parameters"]
    return defaults | overrides(prod["parameter_overrides"])


def main() -> None:
    """Write the translated template to the file that the first argument names."""
    logging.disable(logging.WARNING)  # SAM tells of features of its own that it cannot look up here
    template = yaml_parse((PROJECT_FOLDER / "template.yaml").read_text())
    validator = SamTemplateValidator(
        template, NoManagedPolicies(), region="eu-central-1", parameter_overrides=parameters(template)
    )
    translated = yaml.safe_load(validator.get_translated_template_if_valid())
    translated.setdefault("Metadata", {})["cfn-lint"] = LINT
    output = Path(sys.argv[1])
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(translated, indent=2))


if __name__ == "__main__":
    main()
