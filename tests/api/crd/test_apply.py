"""What is applied twice is unchanged the second time: no client sees a difference that stays."""

import json
from pathlib import Path
from typing import Any

import pytest

from api.crd.cluster import Cluster, Json, Kubectl
from unit.api.cases import AGREEMENT, DIRECTIVE, IMAGE, SPEC, SUPPLIER, WAIVER, changed

EXAMPLES = Path(__file__).parents[3] / "examples" / "15-terms.yaml"
_GUARD: Json = {"name": "pii", "image": IMAGE, "port": 8090}
_LINES = [
    {"id": "domestic-mass-surveillance", "verdict": "Refuse"},
    {"id": "use-of-force", "verdict": "Hold"},
]
WITH_LISTS: dict[str, Json] = {
    "ModelDeployment": changed("engine.env", [{"name": "EMPTY"}], SPEC)
    | {
        "guardrails": [_GUARD],
        "access": {"clients": [{"podSelector": {"matchLabels": {"a": "b"}}}]},
    },
    "UsageAgreement": AGREEMENT
    | {
        "redLines": [*_LINES, {"id": "leak", "verdict": "Hold", "patterns": ["a"]}],
        "quotas": {"requests": 5},
        "requiredGuardrails": [_GUARD],
        "capacity": {
            "maxReplicas": 8,
            "profiles": [{"name": "cpu"}, {"name": "gpu", "tolerations": [{"key": "gpu"}]}],
        },
    },
    "Supplier": SUPPLIER
    | {"directives": [DIRECTIVE, DIRECTIVE | {"reference": "D-2", "waivers": [WAIVER]}]},
}
"""Specs whose lists hold items without any field that may be absent."""
CHANGED: dict[str, tuple[str, Any]] = {
    "ModelDeployment": ("guardrails", [_GUARD | {"port": 8091}]),
    "UsageAgreement": ("capacity.profiles", [{"name": "cpu"}]),
    "Supplier": ("directives", [DIRECTIVE]),
}


def _applied(kubectl: Kubectl, cluster: Cluster, kind: str, spec: Json) -> str:
    body = {
        "apiVersion": "casemate.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": "applied-twice"},
        "spec": spec,
    }
    said = kubectl.run("apply", "-n", cluster.namespace, "-f", "-", stdin=json.dumps(body))
    return said.split()[-1]


def test_the_examples_applied_twice_are_unchanged(kubectl: Kubectl, cluster: Cluster) -> None:
    assert cluster.listed() is not None
    said = [kubectl.run("apply", "-f", str(EXAMPLES)).splitlines() for _ in range(2)]
    assert [line.split()[-1] for line in said[0]] == ["created", "created"]
    assert [line.split()[-1] for line in said[1]] == ["unchanged", "unchanged"]


@pytest.mark.parametrize("kind", WITH_LISTS)
def test_lists_applied_twice_are_unchanged_and_a_change_is_seen(
    kubectl: Kubectl, cluster: Cluster, kind: str
) -> None:
    spec = WITH_LISTS[kind]
    assert [_applied(kubectl, cluster, kind, spec) for _ in range(2)] == ["created", "unchanged"]
    other = changed(*CHANGED[kind], spec)
    assert _applied(kubectl, cluster, kind, other) == "configured", "control: a change is told"
