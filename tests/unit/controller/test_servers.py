"""What the operator's two ports serve."""

import re
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from casemate import telemetry
from casemate.api.v1alpha1 import KIND
from casemate.cluster.keys import Key
from casemate.cluster.store import Store
from casemate.controller import servers
from casemate.controller.health import Progress
from casemate.controller.queue import WorkQueue
from casemate.controller.terms_metrics import terms_metrics
from unit.cluster.test_store import child, parent

DOCUMENT = Path(__file__).parents[3] / "docs" / "operations.md"
ROW = re.compile(r"^\| `(casemate_\w+)(?:\{([\w,]+)\})?` \| (\w+) \|", re.MULTILINE)


async def _work(_: Key) -> None:
    return


def _parts() -> tuple[Store, WorkQueue[Key], Progress]:
    store = Store()
    queue: WorkQueue[Key] = WorkQueue(_work, 1, lambda _, __: None)
    progress = Progress()
    progress.follow(store, queue)
    return store, queue, progress


async def _get(app: web.Application, path: str) -> tuple[int, str]:
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://{host}:{port}{path}") as answer,
        ):
            return answer.status, await answer.text()
    finally:
        await runner.cleanup()


async def _metrics(store: Store, queue: WorkQueue[Key], *, leads: bool = True) -> Any:
    collector = servers.StateCollector(store, queue, lambda: leads)
    try:
        status, text = await _get(servers.metrics_app(collector), "/metrics")
    finally:
        telemetry.REGISTRY.unregister(collector)
    assert status == 200
    return {family.name: family for family in text_string_to_metric_families(text)}


def _documented() -> dict[str, tuple[str, set[str]]]:
    rows = ROW.findall(DOCUMENT.read_text())
    return {
        name.removesuffix("_total"): (kind, set(labels.split(",")) - {""})
        for name, labels, kind in rows
        if not name.startswith("casemate_gateway_")
    }


async def test_the_metrics_that_are_documented_are_those_that_are_served() -> None:
    store, queue, _ = _parts()
    found = await _metrics(store, queue)
    served = {name: family.type for name, family in found.items() if name.startswith("casemate_")}
    assert served == {name: kind for name, (kind, _) in _documented().items()}


def test_the_labels_that_are_documented_are_those_that_are_set() -> None:
    documented = {name: labels for name, (_, labels) in _documented().items()}
    fixed = {
        "casemate_queue_depth": set(),
        "casemate_queue_age_seconds": set(),
        "casemate_modeldeployment_condition": {"namespace", "name", "type", "status"},
        **{one.name: set(one._labelnames) for one in terms_metrics(Store())},
    }
    metrics = (
        telemetry.RECONCILE_DURATION,
        telemetry.RECONCILE_TOTAL,
        telemetry.RECONCILE_ERRORS,
        telemetry.DRIFT_REPAIRS,
        telemetry.CONTESTS,
        telemetry.BREAK_GLASS,
        telemetry.API_REQUESTS,
        telemetry.CERTIFICATES,
        telemetry.WARDEN_HEARD,
        telemetry.CA_EXPIRY,
        telemetry.LEADER,
        telemetry.BUILD_INFO,
    )
    known = {one._name: set(one._labelnames) for one in metrics}
    assert known | fixed == documented


async def test_conditions_and_queue_are_read_at_scrape_time() -> None:
    store, queue, _ = _parts()
    conditions = [{"type": "Ready", "status": "False"}]
    store.put(KIND, parent(5, status={"conditions": conditions}))
    queue.add(Key("n", "a"))
    found = await _metrics(store, queue)
    (sample,) = found["casemate_modeldeployment_condition"].samples
    assert sample.labels == {"namespace": "n", "name": "a", "type": "Ready", "status": "False"}
    assert sample.value == 1
    assert found["casemate_queue_depth"].samples[0].value == 1
    store.drop(KIND, parent(6))
    found = await _metrics(store, queue)
    assert found["casemate_modeldeployment_condition"].samples == []


async def test_a_follower_tells_nothing_that_the_leader_tells() -> None:
    store, queue, _ = _parts()
    conditions = [{"type": "Ready", "status": "False"}]
    store.put(KIND, parent(5, status={"conditions": conditions}))
    found = await _metrics(store, queue, leads=False)
    assert found["casemate_modeldeployment_condition"].samples == []
    assert found["casemate_modeldeployments_refused"].samples == []
    found = await _metrics(store, queue)
    assert found["casemate_modeldeployment_condition"].samples != [], "control: a leader does"


async def test_health_says_what_makes_no_progress() -> None:
    store, queue, _ = _parts()
    times = iter([0.0, 91.0])
    progress = Progress(lambda: next(times))
    progress.follow(store, queue)
    store.put("Service", child(5))
    assert await _get(servers.health_app(progress), "/healthz") == (200, "ok")
    status, text = await _get(servers.health_app(progress), "/healthz")
    assert status == 503
    assert "have not shown a known change for 91 s" in text


async def test_readiness_waits_for_the_first_complete_list() -> None:
    *_, progress = _parts()
    assert (await _get(servers.health_app(progress), "/readyz"))[0] == 503
    progress.primed = True
    assert (await _get(servers.health_app(progress), "/readyz"))[0] == 200
