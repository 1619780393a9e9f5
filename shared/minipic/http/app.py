"""The app factory. A function's folder is a router, ``create_app`` and ``lambda_handler``, nothing else."""

import secrets
from collections.abc import Callable

from fastapi import APIRouter, FastAPI

from minipic import __version__
from minipic.http.envelope import Envelope, RequestIds
from minipic.http.errors import add_error_handlers
from minipic.http.faces import Face, native
from minipic.http.limits import BodyLimits, Gate
from minipic.http.logs import log_access
from minipic.http.measured import measured_engine, measured_services
from minipic.http.record import Observer
from minipic.service import Engine, Services
from minipic.settings import Settings

EngineFactory = Callable[[int], Engine]


def create_app(router: APIRouter, engine_factory: EngineFactory | None = None, face: Face = native) -> FastAPI:
    """Return an app of these routes; it answers once ``start`` gave it its services.

    ``engine_factory(children)`` makes the engine of an app that touches pixels; ``face`` tells its errors.
    """
    app = FastAPI(
        title="MiniPic",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.include_router(router)
    add_error_handlers(app)
    app.add_middleware(BodyLimits)
    app.add_middleware(Envelope, new_request_id=RequestIds(secrets.token_bytes))
    app.state.routes = router.routes
    app.state.engine_factory = engine_factory
    app.state.engine = None
    app.state.face = face
    app.state.gate = None
    app.state.observers = (log_access,)
    return app


def start(app: FastAPI, settings: Settings, services: Services, engine: Engine | None = None) -> Engine | None:
    """Give the app what its endpoints work with, and return the engine that it uses, if any.

    An engine is made where the app needs one and none is given.
    """
    app.state.settings = settings
    app.state.services = measured_services(services)
    if app.state.engine_factory is None:
        return engine
    if engine is None:
        made: Engine = app.state.engine_factory(settings.engine_children)
        made.start()
        engine = made
    app.state.engine = measured_engine(engine)
    return engine


def observe_and_limit(app: FastAPI, observers: tuple[Observer, ...], gate: Gate | None = None) -> None:
    """Add to those who are told of each request, and let bodies in through this gate only."""
    app.state.observers = (*app.state.observers, *observers)
    app.state.gate = gate
