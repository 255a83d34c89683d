"""What the operator's two ports serve."""

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
from support.metrics import PAGE, differences, documented, shown
from unit.cluster.test_store import child, parent

AGREEMENT = {
    "kind": "UsageAgreement",
    "metadata": {"name": "a", "uid": "1", "resourceVersion": "1", "generation": 1},
    "spec": {"term": {"start": "2026-01-01T00:00:00Z", "end": "2027-01-01T00:00:00Z"}},
    "status": {"windDownEndsAt": "2027-02-01T00:00:00Z"},
}
SUPPLIER = {
    "kind": "Supplier",
    "metadata": {"name": "s", "uid": "2", "resourceVersion": "2", "generation": 1},
    "spec": {},
    "status": {"phaseOutEndsAt": "2027-01-01T00:00:00Z", "standing": "PhasingOut"},
}


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


async def _scrape(store: Store, queue: WorkQueue[Key], *, leads: bool = True) -> str:
    collector = servers.StateCollector(store, queue, lambda: leads)
    try:
        status, text = await _get(servers.metrics_app(collector), "/metrics")
    finally:
        telemetry.REGISTRY.unregister(collector)
    assert status == 200
    return text


async def _metrics(store: Store, queue: WorkQueue[Key], *, leads: bool = True) -> Any:
    text = await _scrape(store, queue, leads=leads)
    return {family.name: family for family in text_string_to_metric_families(text)}


async def test_a_scrape_shows_exactly_what_is_documented() -> None:
    store, queue, _ = _parts()
    text = await _scrape(store, queue)
    assert differences(documented("Operator"), shown(text)) == []


async def test_what_is_said_of_objects_has_the_labels_that_are_documented() -> None:
    store, queue, _ = _parts()
    conditions = [
        {"type": "Ready", "status": "False", "reason": "Progressing"},
        {"type": "AgreementInForce", "status": "False", "reason": "UseNotAllowed"},
    ]
    store.put(KIND, parent(5, status={"conditions": conditions}))
    store.terms.put("UsageAgreement", AGREEMENT)
    store.terms.put("Supplier", SUPPLIER)
    text = await _scrape(store, queue)
    named = [name for name, one in shown(text).items() if one.labels]
    assert len(named) > 16
    assert differences(documented("Operator"), shown(text)) == []


def test_control_a_scrape_that_differs_is_told_apart() -> None:
    page = documented("Operator", PAGE.read_text())
    text = """# TYPE casemate_leader counter
casemate_leader_total 1
# TYPE casemate_reconcile_total counter
casemate_reconcile_total{result="perhaps"} 1
# TYPE casemate_queue_depth gauge
casemate_queue_depth{queue="a"} 1
"""
    found = differences(page, shown(text))
    assert "casemate_leader is not scraped" in found
    assert "casemate_leader_total is not documented" in found
    assert "casemate_reconcile_total: result is ['perhaps']" in found
    assert "casemate_queue_depth has labels ['queue']" in found


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
