"""What `sam build` makes, under Lambda's own runtime client and AWS's emulator of the runtime's interface."""

import base64
import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from benchmarks.lambda_runtime.emulator import Event, Place, Runtime, running
from benchmarks.lambda_runtime.events import addressed, read_events
from benchmarks.lambda_runtime.places import PEER, Stores, build, built_places, function_names, running_stores
from benchmarks.lambda_runtime.snapshots import held_before_snapshot

pytestmark = pytest.mark.timeout(300)

EVENTS = read_events(function_names().values())
NAMES = [(function, name) for function, events in EVENTS.items() for name in events]
# `output` hands this one to `derive` by an invocation, which needs a Lambda that knows both.
NEEDS_LAMBDA = "output_operations"


@pytest.fixture(scope="module")
def stores() -> Iterator[Stores]:
    """Stand-ins for DynamoDB, S3 and SQS, with an account."""
    with running_stores() as made:
        yield made


@pytest.fixture(scope="module")
def places(stores: Stores, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Place]:
    """Every function as built, for this machine."""
    folder = tmp_path_factory.mktemp("built") / "functions"
    build(folder)
    return built_places(stores.variables, folder)


@pytest.fixture(scope="module")
def runtimes(places: Mapping[str, Place], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Runtime]]:
    """Execution environments that are kept from one test to the next, as Lambda keeps them."""
    kept: dict[str, Runtime] = {}
    folder = tmp_path_factory.mktemp("logs")
    with contextlib.ExitStack() as stack:
        for function, place in places.items():
            kept[function] = stack.enter_context(running(place, function, folder, "app.handler"))
        yield kept


@pytest.fixture(scope="module")
def result_id(runtimes: dict[str, Runtime], stores: Stores) -> str:
    """The id of a result that is there."""
    answer = runtimes["shrink"].invoke(addressed(EVENTS["shrink"]["shrink"], stores.key)).answer
    return str(answer["headers"]["Location"].rpartition("/")[2].partition("?")[0])


def json_lines(path: Path) -> list[dict[str, str]]:
    """Return the lines of a log that are the service's own."""
    return [json.loads(line) for line in path.read_text().splitlines() if line.startswith("{")]


def invoked(runtime: Runtime, event: Event) -> Event | None:
    """Return the function's answer; it raised nothing."""
    answer: Event | None = runtime.invoke(event).answer
    assert not isinstance(answer, dict) or "errorType" not in answer, (answer, runtime.log_text())
    return answer


@pytest.mark.parametrize(("function", "name"), NAMES)
def test_every_event_is_answered(
    function: str, name: str, runtimes: dict[str, Runtime], stores: Stores, result_id: str
) -> None:
    """Each function takes each of its events, and answers API Gateway's with success."""
    if name == NEEDS_LAMBDA:
        pytest.skip("needs a Lambda that knows both functions")
    answer = invoked(runtimes[function], addressed(EVENTS[function][name], stores.key, result_id))
    if "httpMethod" in EVENTS[function][name]:
        assert answer is not None
        assert answer["statusCode"] in (200, 201, 204), answer
        assert not any(name.islower() for name in answer["headers"])
    assert "Traceback" not in runtimes[function].log_text()


def test_a_picture_gets_smaller(runtimes: dict[str, Runtime], stores: Stores) -> None:
    """The engine's child works in the built layers: codecs, C files and all."""
    event = addressed(EVENTS["compress"]["compress"], stores.key)
    answer = invoked(runtimes["compress"], event)
    assert answer is not None
    picture = base64.b64decode(answer["body"])
    assert picture.startswith(b"RIFF")
    assert len(picture) < len(base64.b64decode(event["body"]))


def test_the_log_has_a_line_and_metrics_for_a_request(runtimes: dict[str, Runtime], stores: Stores) -> None:
    """What a function writes is what CloudWatch reads: JSON by lines, without the key."""
    invoked(runtimes["usage"], addressed(EVENTS["usage"]["usage"], stores.key))
    lines = runtimes["usage"].log_lines()
    assert any(line.get("message") == "request" and line["operation"] == "/v1/usage" for line in lines)
    assert any("_aws" in line for line in lines)
    assert stores.key not in runtimes["usage"].log_text()


def test_a_function_that_cannot_start_says_why(places: Mapping[str, Place], tmp_path: Path) -> None:
    """The failure is a line of the log, in its own form, with the variable that is wrong."""
    place = places["usage"]
    broken = Place(place.folder, place.layers, {**place.variables, "MINIPIC_LINK_MODE": "nonsense"})
    with held_before_snapshot(broken, "usage", tmp_path, "app.handler") as runtime:
        with pytest.raises(RuntimeError, match="SettingError"):
            runtime.wait_until_held()
        lines = json_lines(tmp_path / "usage.snapshot.log")
    (line,) = [line for line in lines if line["message"] == "the function could not start"]
    assert "MINIPIC_LINK_MODE" in line["exception"]


@pytest.mark.parametrize("function", sorted(set(EVENTS) - {PEER}))
def test_around_a_snapshot(function: str, places: Mapping[str, Place], stores: Stores, tmp_path: Path) -> None:
    """With the runtime's own hooks: all is ready at the snapshot without a call, and the first request is answered."""
    with held_before_snapshot(places[function], function, tmp_path, "app.handler") as runtime:
        runtime.wait_until_held()
        log = (tmp_path / f"{function}.snapshot.log").read_text()
        assert log == ""  # nothing failed, and of the rehearsal nobody was told
        runtime.restore()
        answer = runtime.invoke(addressed(EVENTS[function][function], stores.key)).answer
    assert runtime.errors == []
    if function in ("shrink", "compress", "usage", "stats", "site"):
        assert answer["statusCode"] in (200, 201), json.dumps(answer)
