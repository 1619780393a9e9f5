"""Every function's app in this process, on a real store in a temporary folder and a real engine."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from minipic.domain.account import Plan
from minipic.domain.image import Compressed, ImageFormat, Options
from minipic.domain.keys import Environment
from minipic.local import build_app
from minipic.service import Engine, Services, Sources
from minipic.service.administration import create_account, create_key
from minipic.settings import MIB, Settings
from minipic.stores.local.accounts import SqliteAccounts
from minipic.wiring import build_services
from minipic_engine import EnginePool

SMALL_PLANS = {
    "free": Plan("free", free_images=3, max_bytes=2 * MIB),
    "paid": Plan("paid", free_images=3, max_bytes=4 * MIB),
}


@dataclass
class Clock:
    """Time that a test can move."""

    now_ms: int = 1_795_000_000_000

    def __call__(self) -> int:
        return self.now_ms


@dataclass
class House:
    """The whole service in this process: its parts, a client, and ways to make accounts."""

    settings: Settings
    services: Services
    clock: Clock
    client: TestClient
    keys: dict[str, str] = field(default_factory=dict)

    def new_key(self, name: str = "k", environment: Environment = Environment.LIVE, plan: str = "free") -> str:
        """Return a new key of a new account; ``account_of`` finds the account again."""
        account = create_account(self.services, name, self.services.plans.named(plan))
        text = create_key(self.services, account.id, name, environment).text
        self.keys[text] = account.id
        return text

    def account_of(self, key: str) -> str:
        """Return the id of the key's account."""
        return self.keys[key]


MakeHouse = Callable[..., House]


class InterruptedEngine(EnginePool):
    """An engine during whose work something happens."""

    def __init__(self, happens: Callable[[], object]) -> None:
        super().__init__(1)
        self.happens = happens

    def compress(self, data: bytes, options: Options) -> Compressed:
        """Let it happen, then give a result."""
        self.happens()
        return Compressed(b"smaller", ImageFormat.JPEG, 1, 1)


@pytest.fixture(scope="session")
def engine() -> Iterator[EnginePool]:
    """Two engine children for all tests of this process."""
    pool = EnginePool(2)
    pool.start()
    yield pool
    pool.close()


@pytest.fixture
def make_house(tmp_path: Path, engine: Engine) -> Iterator[MakeHouse]:
    """Return a function that builds the service with the given settings; one a test."""
    clients: list[TestClient] = []
    stores: list[SqliteAccounts] = []

    def build(used_engine: Engine = engine, sources: Sources | None = None, **changes: object) -> House:
        settings = Settings(data_folder=tmp_path, plans=SMALL_PLANS)
        settings = replace(settings, **changes)  # type: ignore[arg-type]
        clock = Clock()
        services = replace(build_services(settings), now_ms=clock)
        services = services if sources is None else replace(services, sources=sources)
        assert isinstance(services.accounts, SqliteAccounts)
        stores.append(services.accounts)
        app, _ = build_app(settings, services, used_engine)
        client = TestClient(app, base_url="http://testserver", raise_server_exceptions=False)
        clients.append(client)
        return House(settings, services, clock, client)

    yield build
    for client in clients:
        client.close()
    for store in stores:
        store._database.close()


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    """The service with small plans: 3 free images a month, 2 MB a file, paid 4 MB."""
    built: House = make_house()
    return built
