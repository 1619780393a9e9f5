"""One machine: every function's app behind one server, its routes read from template.yaml, as API Gateway does."""

import importlib.util
import logging
import re
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
import yaml
from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from minipic import wiring
from minipic.demo import announce
from minipic.http.app import create_app, start
from minipic.http.errors import ALLOWED_METHODS
from minipic.service import Engine, Services
from minipic.settings import PROJECT_FOLDER, Settings
from minipic.stores.local.results import FileResults

SWEEP_EVERY_S = 600
STOP_WITHIN_S = 30

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

    def __init__(self, routes: Sequence[Route], functions: dict[str, FastAPI], fallback: FastAPI) -> None:
        self._routes = routes
        self._functions = functions
        self._fallback = fallback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            await self._app(scope)(scope, receive, send)

    def _app(self, scope: Scope) -> ASGIApp:
        on_path = [route for route in self._routes if route.path.fullmatch(scope["path"])]
        for route in on_path:
            if route.method == scope["method"]:
                return self._functions[route.function]
        # Paths are shared between functions, so only here is known what a path takes: the 405 names it.
        scope[ALLOWED_METHODS] = ", ".join(sorted({route.method for route in on_path}))
        return self._fallback


def build_app(settings: Settings, services: Services, engine: Engine | None = None) -> tuple[LocalApp, Engine]:
    """Return every function's app behind one, and the engine that they share: the given one, or one of their own."""
    routes = read_routes(PROJECT_FOLDER / "template.yaml")
    functions = {name: load_function(name) for name in sorted({route.function for route in routes})}
    for app in functions.values():
        start(app, settings, services, engine)
        engine = engine or app.state.engine
    assert engine is not None
    fallback = create_app(APIRouter())
    start(fallback, settings, services)
    return LocalApp(routes, functions, fallback), engine


def _sweep(results: FileResults, services: Services, stop: threading.Event) -> None:
    while True:
        results.sweep(services.now_ms(), services.result_ttl_s)
        if stop.wait(SWEEP_EVERY_S):
            return


def main() -> None:
    """Serve until a signal says stop."""
    settings, services = wiring.settings(), wiring.services()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    app, engine = build_app(settings, services)
    stop = threading.Event()
    if isinstance(services.results, FileResults):
        threading.Thread(target=_sweep, args=(services.results, services, stop), daemon=True).start()
    announce(settings, services)
    try:
        uvicorn.run(
            app,
            host=settings.host,
            port=settings.port,
            http="h11",  # httptools would lower-case every header's name
            lifespan="off",
            log_level=settings.log_level.lower(),
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=STOP_WITHIN_S,
        )
    except KeyboardInterrupt:
        log.info("stopped")
    finally:
        stop.set()
        engine.close()


if __name__ == "__main__":
    main()
