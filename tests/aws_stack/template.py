"""The deployment's template as plain values: what it says of functions, table and bucket is not repeated in tests."""

from pathlib import Path
from typing import Any

import yaml

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
TEMPLATE_PATH = PROJECT_FOLDER / "template.yaml"


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, such as ``!Ref Table`` for ``{"Ref": "Table"}``."""


def _short_form(loader: _Loader, name: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _short_form)


def read_template(path: Path = TEMPLATE_PATH) -> dict[str, Any]:
    """Return a CloudFormation template with its short forms written out."""
    template: dict[str, Any] = yaml.load(path.read_text(), Loader=_Loader)
    return template
