"""Translate template.yaml as AWS does before it deploys, so that cfn-lint sees the resources that SAM makes of it.

Runs in the environment of the SAM CLI: python tools/translate_template.py OUTPUT.json
"""

import json
import sys
from pathlib import Path

import yaml
from samcli.lib.translate.sam_template_validator import SamTemplateValidator  # type: ignore[import-not-found]
from samcli.yamlhelper import yaml_parse  # type: ignore[import-not-found]

PROJECT_FOLDER = Path(__file__).resolve().parents[1]


class NoManagedPolicies:
    """Stands for the list of AWS's managed policies: the template names none, so AWS need not be asked for it."""

    def load(self) -> dict[str, str]:
        """Return no policy."""
        return {}


def main() -> None:
    """Write the translated template to the file that the first argument names."""
    template = yaml_parse((PROJECT_FOLDER / "template.yaml").read_text())
    defaults = {name: fields["Default"] for name, fields in template["Parameters"].items() if "Default" in fields}
    validator = SamTemplateValidator(template, NoManagedPolicies(), region="eu-central-1", parameter_overrides=defaults)
    translated = yaml.safe_load(validator.get_translated_template_if_valid())
    output = Path(sys.argv[1])
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(translated, indent=2))


if __name__ == "__main__":
    main()
