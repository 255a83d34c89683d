"""Fixtures: every test gets its own engine and, by `start`, gateways with the limits it names."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from casemate.gateway.checks import Chain
from casemate.gateway.guard import InForce
from casemate.gateway.policy import Load
from casemate.gateway.settings import GuardFiles, Identity, Pinned
from unit.gateway.desk import Desk, at_the_desk
from unit.gateway.guarded import in_force, loads
from unit.gateway.support import (
    Authority,
    FakeEngine,
    Running,
    fake_engine,
    running_gateway,
    settings_for,
    until,
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

        async def begin(
            chain: Chain | None = None,
            *,
            force: InForce | None = None,
            load: Load | None = None,
            pinned: Pinned | None = None,
            identity: Identity | None = None,
            heard: bool = True,
            **changes: float,
        ) -> Running:
            """Start a gateway with these checks, none at all, or the stack around what is given."""
            bundle = authority.bundle(tmp_path / "bundle.pem")
            settings = settings_for(bundle, engine.socket, **changes)
            settings = replace(settings, guard=GuardFiles(pinned), identity=identity)
            load = loads(force) if force else load
            chain = None if load else chain or Chain()
            running = running_gateway(authority, bundle, settings, chain, load)
            gateway = await stack.enter_async_context(running)
            if heard:
                await gateway.heard()
            if force:
                await until(lambda: gateway.stack.problem is None)
            return gateway

        yield begin


@pytest.fixture
async def gateway(start: Start) -> Running:
    """A gateway without any checks: what it does before, behind and around them."""
    return await start()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with at_the_desk(tmp_path / "desk") as one:
        yield one


@pytest.fixture
async def asking(start: Start, desk: Desk) -> Running:
    """A gateway that asks the desk for the names of callers."""
    return await start(identity=desk.identity)


@pytest.fixture
async def guarded(start: Start) -> Running:
    """A gateway with its safety stack, around the judge of marker words."""
    return await start(force=in_force())
