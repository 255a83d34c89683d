"""The largest Supplier that the schema accepts is one that etcd takes, and the schema says so."""

import json
from typing import Any

import pytest
from kubernetes import client

from api.crd.cluster import Cluster, Json, Kubectl
from casemate.api.supplier import HISTORY, INVENTORY
from unit.api.cases import DIGEST

MEBIBYTE = 2**20
NAME = "largest"
_LATE = "2099-12-31T23:59:59Z"
_REGISTRY = ".".join(["r" * 63] * 3 + ["r" * 61])


def _plain(number: int, length: int = 256) -> str:
    # "<" is stored as six characters, more than any other character takes.
    return f"{number:02}" + "<" * (length - 2)


def _names(count: int, length: int = 63) -> list[str]:
    return [f"{number:02}" + "n" * (length - 2) for number in range(count)]


def _waiver(name: str) -> Json:
    scopes = {scope: _names(16) for scope in ("agreements", "uses", "namespaces")}
    said = {"owner": _plain(0), "justification": _plain(0, 512)}
    return {"name": name, "until": _LATE, **scopes, **said}


def _directive(number: int) -> Json:
    return {
        "reference": _plain(number),
        "legalBasis": _plain(number),
        "state": "Effective",
        "effectiveAt": "2026-03-01T00:00:00Z",
        "phaseOutEndsAt": _LATE,
        "stays": [{"from": "2026-03-01T00:00:00Z", "until": _LATE}] * 8,
        "waivers": [_waiver(name) for name in _names(8)],
    }


SPEC: Json = {
    "identities": {
        "names": [_plain(n) for n in range(16)],
        "registries": [f"{n:02}{_REGISTRY[2:]}" for n in range(16)],
        "signingIdentities": [_plain(n) for n in range(16)],
    },
    "approval": {"reference": _plain(0), "approvedBy": _plain(0), "until": _LATE},
    "directives": [_directive(n) for n in range(8)],
}


def _inventory(number: int, count: int) -> Json:
    entry = {"replicas": 1000, "artifacts": f"sha256:{DIGEST}"}
    return {
        "reference": _plain(number),
        "effectiveSince": _LATE,
        "deployments": [entry | {"uid": f"{number}{n:035}"} for n in range(count)],
        "omitted": 2**31,
        "omittedUntil": _LATE,
    }


def _status(total: int) -> Json:
    change = {"time": _LATE, "standing": "PhasingOut", "reference": _plain(0)}
    counts = [total - 7 * (INVENTORY // 8), *[INVENTORY // 8] * 7]
    condition = {"type": "Ready", "status": "True", "observedGeneration": 1, "reason": "PhasingOut"}
    # The operator's own: a sentence, and one for each order whose inventory was full.
    said = {"lastTransitionTime": _LATE, "message": "<" * 400 * 9}
    return {
        "standing": "PhasingOut",
        "effectiveSince": _LATE,
        "phaseOutEndsAt": _LATE,
        "deployments": 2**31,
        "inventory": [_inventory(n, count) for n, count in enumerate(counts)],
        "history": [change] * HISTORY,
        "conditions": [condition | said],
    }


def _write(cluster: Cluster, status: Json) -> Any:
    return cluster.objects.patch_cluster_custom_object_status(
        "casemate.dev", "v1alpha1", "suppliers", NAME, {"status": status}
    )


def test_the_largest_supplier_is_stored_in_less_than_a_mebibyte(
    kubectl: Kubectl, cluster: Cluster
) -> None:
    cluster.create(NAME, SPEC, "Supplier")
    _write(cluster, _status(INVENTORY))
    stored = kubectl.run("get", "--raw", f"/apis/casemate.dev/v1alpha1/suppliers/{NAME}")
    found = json.loads(stored)
    assert sum(len(one["deployments"]) for one in found["status"]["inventory"]) == INVENTORY
    assert MEBIBYTE / 2 < len(stored.encode()) < MEBIBYTE
    with pytest.raises(client.ApiException, match=f"accepts {INVENTORY} deployments in all") as one:
        _write(cluster, _status(INVENTORY + 1))
    assert one.value.status == 422, "the schema refuses it, not etcd"
