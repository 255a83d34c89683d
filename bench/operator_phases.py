"""What is measured of one operator on one control plane, phase by phase."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from operator_audit import READS, Audit, by_verb, writes
from operator_subject import CASEMATE, Subject, cpu, memory
from operator_watch import MERGE, Admin, Place, Watcher
from operator_world import NAMESPACES, deployment, places

from casemate.cluster.kinds import MODEL_DEPLOYMENT
from casemate.core.names import NAME_LABEL

Record = Callable[[str, float, str, int], None]
Member = tuple[str, str]
_AT_A_TIME = 16
_HEAL_SECONDS = 20.0

# One edit of each kind that a merge patch can make and a look at the object can tell.
EDITS: dict[str, dict[str, Any]] = {
    "NetworkPolicy": {"spec": {"policyTypes": ["Egress"]}},
    "ServiceAccount": {"automountServiceAccountToken": True},
    "Service": {"spec": {"selector": {NAME_LABEL: "somebody-else"}}},
    "Deployment": {"spec": {"replicas": 7}},
}


def quantiles(values: list[float]) -> tuple[float, float]:
    """The 50th and 99th percentile."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[98]


async def together(calls: Iterable[Callable[[], Awaitable[Any]]]) -> None:
    """Make calls, a bounded number at a time."""
    waiting = iter(calls)

    async def work() -> None:
        for call in waiting:
            await call()

    await asyncio.gather(*(work() for _ in range(_AT_A_TIME)))


@dataclass
class Phases:
    """All phases share the members: ModelDeployments that exist."""

    subject: Subject
    admin: Admin
    watcher: Watcher
    audit: Audit
    record: Record
    members: list[Member]

    def _cpu(self) -> tuple[float, float]:
        return cpu(self.subject.pid), cpu(self.subject.plane.pid("kube-apiserver"))

    async def create(self) -> None:
        """Everything at once: rates, requests and processor time."""
        count = len(self.members)
        expected = {place for member in self.members for place in places(*member)}
        complete = self.watcher.all_of(expected)
        mark, before = self.audit.mark(), self._cpu()
        began, clock = time.monotonic(), time.time()
        await together(self._maker(*member) for member in self.members)
        posted = time.monotonic() - began
        took = await asyncio.wait_for(complete, 600) - began
        settled = await self.audit.settle(self.subject.user) - clock
        sent = self.audit.since(mark, self.subject.user)
        own, server = (after - start for after, start in zip(self._cpu(), before, strict=True))
        self.record("create_posting", posted, "s", count)
        self.record("create_all_children_seen", took, "s", count)
        self.record("create_settled", settled, "s", count)
        self.record("create_objects_per_second", count / took, "1/s", count)
        self.record("create_children_per_second", len(expected) / took, "1/s", len(expected))
        self.record("create_children_each", len(expected) / count, "children", count)
        self.record("create_writes_each", len(writes(sent)) / count, "requests", count)
        for verb, number in by_verb(sent).items():
            self.record(f"create_requests_each_{verb}", number / count, "requests", count)
        self.record("create_failed_requests", _failed(sent), "requests", len(sent))
        self.record("create_cpu_operator_each", own / count * 1e3, "ms", count)
        self.record("create_cpu_apiserver_each", server / count * 1e3, "ms", count)

    def _maker(self, name: str, namespace: str) -> Callable[[], Awaitable[Any]]:
        path = MODEL_DEPLOYMENT.path(namespace)
        return lambda: self.admin.send("POST", path, deployment(name, namespace))

    async def touch(self) -> None:
        """An annotation that means nothing to the operator."""
        mark, before = self.audit.mark(), cpu(self.subject.pid)
        body = {"metadata": {"annotations": {"example.com/touched": "yes"}}}
        await together(self._toucher(*member, body) for member in self.members)
        await self.audit.settle(self.subject.user)
        # Lists and watches come by the clock, whatever happens; the idle window counts them.
        timed = {"list", "watch"}
        sent = [x for x in self.audit.since(mark, self.subject.user) if x.verb not in timed]
        used = cpu(self.subject.pid) - before
        count = len(self.members)
        self.record("noop_requests", len(sent), "requests", count)
        self.record("noop_cpu_operator_each", used / count * 1e3, "ms", count)

    def _toucher(self, name: str, namespace: str, body: Any) -> Callable[[], Awaitable[Any]]:
        path = MODEL_DEPLOYMENT.path(namespace, name)
        return lambda: self.admin.send("PATCH", path, body, MERGE)

    async def idle(self, seconds: float) -> None:
        mark, before = self.audit.mark(), self._cpu()
        await asyncio.sleep(seconds)
        sent = self.audit.since(mark, self.subject.user)
        own, server = (after - start for after, start in zip(self._cpu(), before, strict=True))
        window = round(seconds)
        self.record("idle_requests_per_second", len(sent) / seconds, "1/s", window)
        self.record("idle_writes", len(writes(sent)), "requests", window)
        self.record("idle_cpu_operator", own / seconds * 100, "% of a core", window)
        self.record("idle_cpu_apiserver", server / seconds * 100, "% of a core", window)
        for name, value in memory(self.subject.pid).items():
            self.record(f"idle_{name}", value, "MiB", len(self.members))

    async def single(self, count: int) -> None:
        """One at a time, beside all that exist: from sending the request to the last child."""
        took = []
        for number in range(count):
            member = (f"single-{number}", NAMESPACES[number % len(NAMESPACES)])
            complete = self.watcher.all_of(set(places(*member)))
            began = time.monotonic()
            await self._maker(*member)()
            took.append(await asyncio.wait_for(complete, 60) - began)
            await asyncio.sleep(0.1)
        middle, high = quantiles(took)
        self.record("single_create_p50", middle * 1e3, "ms", count)
        self.record("single_create_p99", high * 1e3, "ms", count)

    async def heal(self, count: int) -> None:
        """Children deleted and edited one after another: from the request to the restored child."""
        for action, harm in (("delete", self._delete), ("edit", self._edit)):
            everything = []
            for kind in EDITS:
                took = []
                for member in self.members[:count]:
                    place = next(one for one in places(*member) if one.kind == kind)
                    took.append(await harm(place))
                    await asyncio.sleep(0.03)
                self._heal_times(f"heal_{action}_{kind}", took)
                everything += took
            self._heal_times(f"heal_{action}_all", everything)

    def _heal_times(self, name: str, took: list[float]) -> None:
        middle, high = quantiles(took)
        self.record(f"{name}_p50", middle * 1e3, "ms", len(took))
        self.record(f"{name}_p99", high * 1e3, "ms", len(took))

    async def _delete(self, place: Place) -> float:
        old = self.watcher.body(place)["metadata"]["uid"]
        restored = self.watcher.looks(place, lambda body: bool(body["metadata"]["uid"] != old))
        began = time.monotonic()
        await self.admin.send("DELETE", place.path, {"propagationPolicy": "Background"})
        return await asyncio.wait_for(restored, _HEAL_SECONDS) - began

    async def _edit(self, place: Place) -> float:
        good = _edited(self.watcher.body(place), place.kind)
        spoilt: list[bool] = []

        def restored(body: Any) -> bool:
            same = bool(_edited(body, place.kind) == good)
            if not same:
                spoilt.append(True)
            return same and bool(spoilt)

        seen = self.watcher.looks(place, restored)
        began = time.monotonic()
        await self.admin.send("PATCH", place.path, EDITS[place.kind], MERGE)
        return await asyncio.wait_for(seen, _HEAL_SECONDS) - began

    async def restart(self) -> None:
        """The operator ends and starts anew, while nothing has changed."""
        await self.audit.settle(self.subject.user)
        await asyncio.to_thread(self.subject.stop)
        mark, clock = self.audit.mark(), time.time()
        ready = await asyncio.to_thread(self.subject.start)
        settled = await self.audit.settle(self.subject.user, quiet=3.0) - clock
        sent = self.audit.since(mark, self.subject.user)
        count = len(self.members)
        if self.subject.name == CASEMATE:  # kopf's own probe answers before anything was read
            self.record("restart_ready", ready, "s", count)
        self.record("restart_settled", settled, "s", count)
        self.record("restart_writes", len(writes(sent)), "requests", count)
        reads = [one for one in sent if one.verb in READS]
        self.record("restart_reads", len(reads), "requests", count)
        self.record("restart_cpu_operator", cpu(self.subject.pid), "s", count)


def _edited(body: Any, kind: str) -> Any:
    """The value that EDITS changes."""
    change: Any = EDITS[kind]
    while isinstance(change, dict):
        key = next(iter(change))
        body, change = body.get(key, {}), change[key]
    return body


def _failed(sent: Iterable[Any]) -> int:
    """Answers that are errors; that an object is not there yet is none."""
    return sum(1 for one in sent if one.code >= 400 and (one.verb, one.code) != ("get", 404))
