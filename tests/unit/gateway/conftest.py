"""Fixtures: every test gets its own engine and, by `start`, gateways with the limits it names."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from casemate.gateway.checks import Chain
from unit.gateway.support import (
    Authority,
    FakeEngine,
    Running,
    fake_engine,
    running_gateway,
    settings_for,
)

Start = Callable[..., Awaitable[Running]]


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], uvloop.Loop]]:
    """Run every test on the loop that the gateway uses."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[FakeEngine]:
    async with fake_engine(tmp_path) as engine:
        yield engine


@pytest.fixture
async def start(tmp_path: Path, authority: Authority, engine: FakeEngine) -> AsyncIterator[Start]:
    async with contextlib.AsyncExitStack() as stack:

        async def begin(chain: Chain | None = None, **changes: float) -> Running:
            bundle = authority.bundle(tmp_path / "bundle.pem")
            settings = settings_for(bundle, engine.socket, **changes)
            return await stack.enter_async_context(
                running_gateway(authority, bundle, settings, chain)
            )

        yield begin


@pytest.fixture
async def gateway(start: Start) -> Running:
    return await start()
