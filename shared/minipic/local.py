"""One machine: every function's app behind one server, its routes read from template.yaml, as API Gateway does."""

import importlib.util
import logging
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
import yaml
from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from minipic import wiring
from minipic.background import start_background
from minipic.demo import announce
from minipic.http import upload_form
from minipic.http.app import create_app, observe_and_limit, start
from minipic.http.errors import ALLOWED_METHODS
from minipic.http.faces import Face, face_of, native, tinyjpg
from minipic.http.limits import BODIES, Gate
from minipic.http.logs import set_up_logs
from minipic.http.prometheus import PATH as METRICS_PATH
from minipic.http.prometheus import Meters, metrics_router
from minipic.http.protocol import IDLE_S, MAX_HEAD_BYTES, LimitedProtocol
from minipic.service import Engine, Services
from minipic.settings import PROJECT_FOLDER, SettingError, Settings, StoreKind
from minipic.stores.local.uploads import PATH as UPLOAD_PATH
from minipic.stores.local.uploads import FileUploads

STOP_WITHIN_S = 30
JOBS_STOP_WITHIN_S = 36  # a try waits at most 10 s for the engine, which gives up after 25 s

log = logging.getLogger("minipic.local")


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the template: which function answers this method on paths like this one."""

    method: str
    path: re.Pattern[str]
    function: str


class _SamLoader(yaml.SafeLoader):
    """YAML with CloudFormation's tags, whose values no route depends on."""


_SamLoader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


def read_routes(template: Path) -> list[Route]:
    """Return the routes of every function in a SAM template; a function's name is its code folder's."""
    resources: dict[str, Any] = yaml.load(template.read_text(), Loader=_SamLoader)["Resources"]
    routes = []
    for resource in resources.values():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        function = Path(resource["Properties"]["CodeUri"]).name
        for event in resource["Properties"].get("Events", {}).values():
            if event["Type"] == "Api":
                path = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(event["Properties"]["Path"]))
                routes.append(Route(event["Properties"]["Method"].upper(), re.compile(path), function))
    return routes


def load_function(name: str) -> FastAPI:
    """Import functions/<name>/app.py under a name of its own and return its app."""
    spec = importlib.util.spec_from_file_location(
        f"functions.{name}.app", PROJECT_FOLDER / "functions" / name / "app.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    app: FastAPI = module.app
    return app


class LocalApp:
    """Hand each request to the function that the template names; answer 404 and 405 as the gateway would."""

    def __init__(self, routes: Sequence[Route], functions: dict[str, FastAPI], fallbacks: dict[Face, FastAPI]) -> None:
        self._routes = routes
        self._functions = functions
        self._fallbacks = fallbacks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            await self._app(scope)(scope, receive, send)

    def _app(self, scope: Scope) -> ASGIApp:
        on_path = [route for route in self._routes if route.path.fullmatch(scope["path"])]
        for route in on_path:
            if route.method == scope["method"] != "OPTIONS":
                return self._functions[route.function]
        # Paths are shared between functions, so only here is known what a path takes: OPTIONS and the 405 name it.
        scope[ALLOWED_METHODS] = ", ".join(sorted({route.method for route in on_path} - {"OPTIONS"}))
        return self._fallbacks[face_of(scope["path"])]


def build_app(
    settings: Settings, services: Services, engine: Engine | None = None, gate: Gate | None = None
) -> tuple[LocalApp, Engine]:
    """Return every function's app behind one, and the engine that they share: the given one, or one of their own."""
    gate = gate or Gate(place_bytes=settings.body_memory_bytes // BODIES)
    meters = Meters(gate)
    routes = read_routes(PROJECT_FOLDER / "template.yaml")
    functions = {name: load_function(name) for name in sorted({route.function for route in routes})}
    functions["output"].state.derive_app = functions["derive"]
    for method, path, name, router in _own_routes(services, meters):
        routes.append(Route(method, re.compile(path), name))
        functions[name] = create_app(router)
    fallbacks: dict[Face, FastAPI] = {face: create_app(APIRouter(), face=face) for face in (native, tinyjpg)}
    for app in (*functions.values(), *fallbacks.values()):
        observe_and_limit(app, (meters.observe,), gate)
        engine = start(app, settings, services, engine)
    assert engine is not None
    return LocalApp(routes, functions, fallbacks), engine


def _own_routes(services: Services, meters: Meters) -> Iterator[tuple[str, str, str, APIRouter]]:
    """Yield what is here and not in the template: method, path, name and router."""
    yield "GET", METRICS_PATH, "metrics", metrics_router(meters)
    if isinstance(services.uploads, FileUploads):
        yield "POST", f"{UPLOAD_PATH}/[^/]+", "upload form", upload_form.router


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def bound_port(settings: Settings) -> socket.socket:
    """Return a socket on the port, which answers nobody yet; OSError when the port is taken.

    It is taken before a key is made and printed: a key that is shown once must not go to a service that never starts.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    made = socket.socket(family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((settings.host, settings.port))
    except OSError as error:
        made.close()
        raise OSError(f"port {settings.port} on {settings.host}: {error.strerror}") from error
    return made


def check_names(settings: Settings) -> None:
    """SettingError when the stores are on AWS and one of their names is missing: no request could be answered."""
    if settings.store is not StoreKind.AWS:
        return
    aws = settings.aws
    named = {
        "AWS_REGION": aws.region,
        "MINIPIC_TABLE": aws.table,
        "MINIPIC_LEDGER_TABLE": aws.ledger_table,
        "MINIPIC_JOBS_TABLE": aws.jobs_table,
        "MINIPIC_JOBS_QUEUE": aws.jobs_queue,
        "MINIPIC_BUCKET": aws.bucket,
    }
    missing = [variable for variable, name in named.items() if not name]
    if missing:
        raise SettingError(f"MINIPIC_STORE=aws needs {', '.join(missing)} (see Settings in README.md)")


def main() -> None:
    """Serve until a signal says stop, and then until the requests in work are answered."""
    try:
        settings = wiring.settings()
        check_names(settings)
        services = wiring.services()
        port = bound_port(settings)
    except (SettingError, OSError) as error:
        sys.exit(f"MiniPic does not start: {error}")
    settings = replace(settings, port=port.getsockname()[1])
    set_up_logs(settings.log_level, sys.stderr)
    for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises the signal again when all is answered
        signal.signal(number, _stop)
    app, engine = build_app(settings, services)
    stop, workers = threading.Event(), list[threading.Thread]()
    if settings.store is StoreKind.LOCAL:
        workers = start_background(services, engine, settings.engine_children, stop)
        announce(settings, services)
    else:  # sweeping and notices are the stack's own work, and a table that many share is no first start
        log.info("listening on %s:%d, stores on AWS", settings.host, settings.port)
    config = uvicorn.Config(
        app,
        http=LimitedProtocol,  # of h11: httptools would lower-case every header's name
        ws="none",
        lifespan="off",
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=STOP_WITHIN_S,
        log_config=None,
        log_level=settings.log_level.lower(),
        access_log=False,
        server_header=False,
        date_header=False,
    )
    try:
        uvicorn.Server(config).run(sockets=[port])
    finally:
        stop.set()
        stop_by_s = time.monotonic() + JOBS_STOP_WITHIN_S
        for worker in workers:
            worker.join(max(0.0, stop_by_s - time.monotonic()))
        engine.close()
        log.info("stopped")


if __name__ == "__main__":
    main()
