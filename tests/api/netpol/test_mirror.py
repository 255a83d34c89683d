"""Copies of a real API server's objects: changes, a lost place, a restart."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from kubernetes.aio import client, config

from enclave.controlplane import ControlPlane
from enclave.netpol import parse
from enclave.netpol.mirror import Mirror, read
from enclave.netpol.model import Labels

SECONDS = 20.0
Follow = Callable[..., Mirror[Labels]]


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server of its own, as one test restarts it."""
    workdir = tmp_path_factory.mktemp("mirror-plane")
    with ControlPlane(workdir, audit_log=workdir / "audit.jsonl") as started:
        yield started


@pytest.fixture
async def core(plane: ControlPlane) -> AsyncIterator[client.CoreV1Api]:
    async with await config.new_client_from_config(str(plane.kubeconfig)) as api:
        yield client.CoreV1Api(api)


@pytest.fixture
async def follow(core: client.CoreV1Api) -> AsyncIterator[Follow]:
    """Start mirrors of namespaces; each counts its changes in ``seen``."""
    tasks = []

    def start(seen: list[int], place: str = "") -> Mirror[Labels]:
        mirror = Mirror(
            core.list_namespace_without_preload_content, parse.labels, lambda: seen.append(1)
        )
        mirror._place = place
        tasks.append(asyncio.create_task(mirror.run()))
        return mirror

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110 - the copy tells nobody of what did not matter
            await asyncio.sleep(0.01)


def label(mirror: Mirror[Labels], name: str) -> str | None:
    return mirror.objects.get(("", name), {}).get("color")


async def test_objects_appear_change_and_vanish(core: client.CoreV1Api, follow: Follow) -> None:
    seen: list[int] = []
    mirror = follow(seen)
    await asyncio.wait_for(mirror.ready.wait(), SECONDS)
    await core.create_namespace(namespace("one", color="red"))
    await until(lambda: label(mirror, "one") == "red")
    await core.patch_namespace("one", namespace("one", color="blue"))
    await until(lambda: label(mirror, "one") == "blue")
    known = len(mirror.objects)
    await core.create_namespace(namespace("marker"))
    await until(lambda: len(mirror.objects) == known + 1)


async def test_a_change_that_does_not_matter_wakes_nobody(
    core: client.CoreV1Api, follow: Follow
) -> None:
    await core.create_namespace(namespace("quiet", color="red"))
    seen: list[int] = []
    mirror = follow(seen)
    await asyncio.wait_for(mirror.ready.wait(), SECONDS)
    before = len(seen)
    noted = await core.patch_namespace("quiet", {"metadata": {"annotations": {"note": "x"}}})
    version = int(noted.metadata.resource_version)
    await until(lambda: mirror._versions["", "quiet"] >= version)
    assert len(seen) == before
    await core.patch_namespace("quiet", namespace("quiet", color="blue"))
    await until(lambda: len(seen) == before + 1)


async def test_a_place_the_server_has_forgotten_leads_to_a_new_list(
    plane: ControlPlane, follow: Follow, caplog: pytest.LogCaptureFixture
) -> None:
    plane.restart_api_server()  # a fresh server remembers no events before its start
    mirror = follow([], place="1")
    await asyncio.wait_for(mirror.ready.wait(), SECONDS)
    assert ("", "default") in mirror.objects
    assert "too old resource version" in caplog.text


async def test_a_copy_outlives_the_server_and_follows_it_again(
    plane: ControlPlane, core: client.CoreV1Api, follow: Follow
) -> None:
    mirror = follow([])
    await asyncio.wait_for(mirror.ready.wait(), SECONDS)
    before = dict(mirror.objects)
    plane.restart_api_server()  # not in a thread: the server would die with it
    assert mirror.objects == before
    await core.create_namespace(namespace("later", color="red"))
    await until(lambda: label(mirror, "later") == "red")


async def test_a_copy_tells_whether_it_is_as_new_as_a_fresh_answer(
    core: client.CoreV1Api, follow: Follow
) -> None:
    mirror = follow([])
    await asyncio.wait_for(mirror.ready.wait(), SECONDS)
    fresh = await read(core.read_namespace_without_preload_content, name="default")
    assert mirror.holds(fresh)
    newer = {"metadata": {**fresh["metadata"], "resourceVersion": "999999999"}}
    stranger = {"metadata": {**fresh["metadata"], "name": "stranger"}}
    assert not mirror.holds(newer)
    assert not mirror.holds(stranger)
