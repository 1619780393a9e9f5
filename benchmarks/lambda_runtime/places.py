"""What was built, for this machine, and the stores that it works on."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

from benchmarks.lambda_runtime.emulator import Place
from tests.aws_stack import running_stack
from tests.aws_stack.host_build import build_for_this_machine
from tests.aws_stack.template import PROJECT_FOLDER, read_template
from tools.check_build import read_build

from minipic.domain.keys import Environment
from minipic.service.administration import create_account, create_key
from minipic.settings import read_settings
from minipic.wiring import build_services

BUILD_FOLDER = PROJECT_FOLDER / "build" / "lambda-runtime"
PEER = "peer"
# Measuring must not meet the limits of a plan.
_PLANS = '{"free": {"free_images": 1000000, "max_bytes": 5242880, "rate_per_second": 1000, "burst": 1000000}}'


@dataclass(frozen=True)
class Stores:
    """A stand-in for AWS with one account: the variables that name it, and a key."""

    variables: Mapping[str, str]
    key: str


@contextmanager
def running_stores() -> Iterator[Stores]:
    """Yield fresh stores."""
    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder)) as stack:
        variables = stack.environment | {"MINIPIC_PLANS": _PLANS}
        services = build_services(read_settings(variables))
        account = create_account(services, "bench", services.plans.free)
        key = create_key(services, account.id, "bench", Environment.LIVE)
        yield Stores(variables, key.text)


def build(folder: Path = BUILD_FOLDER) -> None:
    """Build the template's functions and layers for this machine's Python, bytecode included."""
    shutil.rmtree(folder, ignore_errors=True)
    with mock.patch.dict(os.environ, {"COMPILE_PYTHON": sys.executable}):
        build_for_this_machine(folder)


def function_names() -> dict[str, str]:
    """Return the name of each function's folder in functions/ by its name in the template."""
    resources = read_template()["Resources"]
    return {
        name: Path(resource["Properties"]["CodeUri"]).name
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def built_places(variables: Mapping[str, str], folder: Path = BUILD_FOLDER) -> dict[str, Place]:
    """Return every function that was built in ``folder``, and the peer with its runtime layer, by folder's name."""
    functions, layers = read_build(folder / "build")
    names = function_names()
    peer = Place(Path(__file__).parent / "peer", (layers["RuntimeLayer"] / "python",), variables)
    return {PEER: peer} | {
        names[function.name]: Place(function.folder, tuple(layer / "python" for layer in function.layers), variables)
        for function in functions
    }


def without_bytecode(place: Place, folder: Path) -> Place:
    """Return the same place with layers that hold no bytecode, as a build without Lambda's Python makes them."""
    layers = []
    for layer in place.layers:
        copied = folder / layer.parent.name / "python"
        if not copied.exists():
            shutil.copytree(layer, copied, ignore=shutil.ignore_patterns("__pycache__"), copy_function=os.link)
        layers.append(copied)
    return replace(place, layers=tuple(layers))
