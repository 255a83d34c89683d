"""Every cell of the table of who may reach whom, between real pods with the real policies.

The policies are as rendered by operator and chart, and the pods wear their labels. Only the prefix
of Casemate's own labels is another one, so that no admission policy of the enclave takes part.
"""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from e2e.netpol.crowd import Crowd
from e2e.netpol.pods import manifest, network_of
from enclave.waiting import until
from support.charts import Helm
from support.enclaves import Enclave
from support.reach import ALLOWED, MODELS, NODE, OUTSIDE, PLACES, SYSTEM, TEAMS, Cell, cells
from unit.core.reached import DOORS, allowed, cluster, rendered

Json = dict[str, Any]

GUARDED = (*MODELS, *SYSTEM)
_WORKLOADS = {"StatefulSet": "warden", "Deployment": "operator"}
_MARK = "reach-test"


@dataclass(frozen=True)
class Scene:
    """The objects of one run."""

    policies: list[Json]
    labels: dict[str, Json]
    """By name of the pod."""
    homes: dict[str, str]
    """Namespace, by name of the pod."""

    @property
    def spaces(self) -> set[str]:
        """The namespaces that the test makes."""
        return {*self.homes.values()} - {"kube-system"}


def _scene(run: str, helm: Helm, node: str) -> Scene:
    def space(name: str) -> str:
        return f"{run}-{name}" if run and name != "kube-system" else name

    policies, labels = rendered(space)
    chart = helm.template(
        f"--namespace={space('system')}",
        f"--set=monitoring.namespace={space('monitoring')}",
        f"--set=networkPolicy.apiServer.cidrs={{{node}/32}}",
    )
    policies += [one for one in chart if one["kind"] == "NetworkPolicy"]
    for one in chart:
        if name := _WORKLOADS.get(one["kind"]):
            labels[name] = one["spec"]["template"]["metadata"]["labels"]
    labels |= {name: place.labels for name, place in PLACES.items()}
    homes = dict.fromkeys(MODELS, "models") | dict.fromkeys(SYSTEM, "system")
    homes |= {name: place.namespace for name, place in PLACES.items()}
    return Scene(policies, labels, {name: space(home) for name, home in homes.items()})


def _policy(body: Json) -> Json:
    """A policy by itself: it has no owner here."""
    meta = {key: body["metadata"][key] for key in ("name", "namespace")}
    return {**body, "metadata": meta}


def _namespace(run: str, name: str) -> Json:
    labels = TEAMS.get(name.removeprefix(f"{run}-"), {})
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _pod(run: str, name: str, scene: Scene, image: str) -> Json:
    body = manifest(f"{run}-{name}", scene.homes[name], image)
    body["metadata"]["labels"] = scene.labels[name] | {_MARK: run}
    # Never ready, so no endpoint: the enclave's own DNS keeps its questions.
    body["spec"]["containers"][0]["readinessProbe"] = {"exec": {"command": ["/busybox", "false"]}}
    return body


def _apply(enclave: Enclave, objects: list[Json]) -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": objects}
    enclave.apply(json.loads(json.dumps(listed).replace("casemate.dev/", "reach.test/")))


@pytest.fixture(scope="module")
def scene(enclave: Enclave, helm: Helm, tool_image: str) -> Iterator[tuple[Scene, Crowd]]:
    """Pods of everybody in the table, without any policy yet."""
    run = f"reach-{uuid.uuid4().hex[:6]}"
    made = _scene(run, helm, enclave.layout.node_address)
    outside = enclave.layout.outside
    further = [OUTSIDE[name] for name in ("outside-too", "beside")]
    try:
        for address in further:
            enclave.in_namespace(outside, "ip", "address", "add", f"{address}/32", "dev", "lo")
        _apply(enclave, [_namespace(run, name) for name in sorted(made.spaces)])
        for name in made.spaces:
            enclave.wait(name, "serviceaccount/default", "create")
        _apply(enclave, [_pod(run, name, made, tool_image) for name in made.labels])
        yield made, _crowd(enclave, run, set(made.labels))
    finally:
        for address in further:
            enclave.in_namespace(outside, "ip", "address", "del", f"{address}/32", "dev", "lo")
        selected = ("--namespace=kube-system", f"--selector={_MARK}={run}", "--wait=false")
        enclave.kubectl("delete", "pods", *selected)
        enclave.kubectl("delete", "namespaces", *sorted(made.spaces), "--wait=false")


def _crowd(enclave: Enclave, run: str, names: set[str]) -> Crowd:
    def pods() -> dict[str, Json]:
        listed = enclave.get("pods", "--all-namespaces", f"--selector={_MARK}={run}")["items"]
        return {
            one["metadata"]["name"].removeprefix(f"{run}-"): one
            for one in listed
            if one["status"].get("phase") == "Running"
        }

    enclave.eventually(lambda: pods().keys() == names, "the pods never ran", 120)
    found, layout = pods(), enclave.layout
    networks = {name: network_of(one["metadata"]["uid"]) for name, one in found.items()}
    networks["outside"] = layout.namespace_path(layout.outside)
    addresses = {name: one["status"]["podIP"] for name, one in found.items()}
    doors = OUTSIDE | dict.fromkeys(NODE, layout.node_address)
    return Crowd(networks, addresses | doors)


def _tried() -> list[Cell]:
    """The cells that a node without IPv6 can try."""
    return [cell for cell in cells(GUARDED) if ":" not in OUTSIDE.get(cell.target, "")]


def _differences(found: set[Cell], wanted: set[Cell]) -> str:
    return f"open: {sorted(found - wanted)[:20]}; closed: {sorted(wanted - found)[:20]}"


def test_the_policies_of_operator_and_chart_read_as_the_table_says(helm: Helm) -> None:
    made = _scene("", helm, DOORS["api-server"])
    assert allowed(cluster(made.policies, made.labels), GUARDED) == ALLOWED
    assert allowed(cluster([], made.labels), GUARDED) == set(cells(GUARDED)), "control"


def test_packets_get_where_the_table_says_and_nowhere_else(
    enclave: Enclave, scene: tuple[Scene, Crowd]
) -> None:
    made, crowd = scene
    every = set(_tried())
    wanted = ALLOWED & every

    def settles(expected: set[Cell], message: str) -> None:
        seen: list[set[Cell]] = []

        def holds() -> bool:
            seen[:] = [crowd.reached(every)]
            return seen[0] == expected

        until(holds, 30, lambda: f"{message}: {_differences(seen[0], expected)}")

    with crowd.listening():
        settles(every, "control: without policies every way is open")
        _apply(enclave, [_policy(one) for one in made.policies])
        settles(wanted, "the policies do not bind as the table says")
