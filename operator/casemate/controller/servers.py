"""The operator's two HTTP ports: metrics, and health."""

from collections.abc import Callable, Iterator

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from casemate import telemetry
from casemate.api.conditions import ConditionType
from casemate.cluster.keys import Key
from casemate.cluster.store import Store
from casemate.controller.health import Progress
from casemate.controller.queue import WorkQueue
from casemate.controller.terms_metrics import terms_metrics
from casemate.metering import Family, Label, one_of


class StateCollector(Collector):
    """Reads the queue and the store at scrape time: nothing to keep in step, nothing to forget.

    A follower tells nothing of what it stores: sums over all replicas would count it twice.
    """

    def __init__(
        self, store: Store, queue: WorkQueue[Key], leads: Callable[[], bool] = lambda: True
    ) -> None:
        self._store, self._queue, self._leads = store, queue, leads

    def collect(self) -> Iterator[Family]:
        """The gauges of this moment."""
        depth = Family("casemate_queue_depth", "ModelDeployments that wait for a pass.")
        depth.add_metric([], self._queue.depth)
        yield depth
        age = Family("casemate_queue_age_seconds", "Age of the oldest waiting or running pass.")
        age.add_metric([], self._queue.age())
        yield age
        store = self._store if self._leads() else Store()
        yield self._conditions(store)
        yield from terms_metrics(store)

    @staticmethod
    def _conditions(store: Store) -> Family:
        family = Family(
            "casemate_modeldeployment_condition",
            "1 for the status that a condition of a ModelDeployment has, by type and status.",
            namespace=Label("of the ModelDeployment"),
            name=Label("of the ModelDeployment"),
            type=one_of("of the condition", *ConditionType),
            status=one_of("of the condition", "True", "False", "Unknown"),
        )
        for key, conditions in store.conditions():
            for condition in conditions:
                family.add_metric([*key, condition["type"], condition["status"]], 1)
        return family


def metrics_app(collector: Collector) -> web.Application:
    """`/metrics` for Prometheus."""
    telemetry.REGISTRY.register(collector)

    async def metrics(_: web.Request) -> web.Response:
        body = generate_latest(telemetry.REGISTRY)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    return app


def health_app(progress: Progress) -> web.Application:
    """`/healthz` (makes progress) and `/readyz` (has read everything; is at work or follows)."""

    async def healthz(_: web.Request) -> web.Response:
        trouble = progress.trouble()
        return web.Response(status=503 if trouble else 200, text=trouble or "ok")

    async def readyz(_: web.Request) -> web.Response:
        return web.Response(status=200 if progress.primed else 503, text=str(progress.primed))

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    return app
