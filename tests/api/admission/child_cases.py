"""Pairs of NetworkPolicies and Services of others in an enclave."""

import json

from api.admission.pairs import Pair
from support.operators import Json

LABEL = "casemate.dev/model-deployment"
OPEN: Json = {
    "metadata": {"name": "open"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]},
}
SERVICE: Json = {
    "metadata": {"name": "second"},
    "spec": {"selector": {"app": "x"}, "ports": [{"port": 80}]},
}
_SELECTOR = "/spec/podSelector"
_LABELS = f"{_SELECTOR}/matchLabels"
_TERMS = f"{_SELECTOR}/matchExpressions"


def unmarked(plural: str, body: Json) -> Json:
    """The same object of somebody else: another label, and no selector that could meet ours."""
    text = json.dumps(body).replace(LABEL, "example.org/app")
    other: Json = json.loads(text)
    return other


def _term(key: str, operator: str, *values: str) -> Json:
    return {"key": key, "operator": operator, **({"values": [*values]} if values else {})}


_SAYS = ("spec.podSelector: must not match model pods", "DoesNotExist")

NETWORK = [
    Pair("all pods", {_SELECTOR: {}}, _SAYS, {_LABELS: {"app": "x"}}),
    Pair(
        "a way out for all pods",
        {"/spec/policyTypes": ["Egress"], "/spec/ingress": [], "/spec/egress": [{}]},
        _SAYS,
        {"/spec/policyTypes": ["Ingress", "Egress"], "/spec/ingress": [], "/spec/egress": []},
    ),
    Pair(
        "model pods by name",
        {_LABELS: {"app.kubernetes.io/name": "model"}},
        _SAYS,
        {_LABELS: {"app.kubernetes.io/name": "postgres"}},
    ),
    Pair(
        "model pods by a label that scheduling adds",
        {_LABELS: {"topology.kubernetes.io/zone": "a"}},
        _SAYS,
        {_LABELS: {"topology.kubernetes.io/zone": "a", "tier": "x"}},
    ),
    Pair(
        "model pods by hash",
        {_LABELS: {"pod-template-hash": "1"}},
        _SAYS,
        {_LABELS: {"pod-template-hash": "1", "app": "x"}},
    ),
    Pair(
        "pods without somebody's label",
        {_TERMS: [_term("app", "DoesNotExist")]},
        _SAYS,
        {_TERMS: [_term(LABEL, "DoesNotExist")]},
    ),
    Pair(
        "pods whose label is not a value",
        {_TERMS: [_term("app", "NotIn", "x")]},
        _SAYS,
        {_TERMS: [_term("app", "In", "x")]},
    ),
    Pair(
        "model pods by what they must have",
        {_TERMS: [_term("pod-template-hash", "Exists")]},
        _SAYS,
        {_TERMS: [_term("app", "Exists")]},
    ),
    Pair(
        "models by name, among others",
        {_TERMS: [_term("app.kubernetes.io/name", "In", "model", "x")]},
        _SAYS,
        {_TERMS: [_term("app.kubernetes.io/name", "Exists"), _term("app", "Exists")]},
    ),
]

_SELECTS = ("spec.selector: must not match model pods", "name a label of your own")

SERVICES = [
    Pair(
        "model pods by name",
        {"/spec/selector": {"app.kubernetes.io/name": "model"}},
        _SELECTS,
        {"/spec/selector": {"app.kubernetes.io/name": "postgres"}},
    ),
    Pair(
        "model pods by deployment",
        {"/spec/selector": {LABEL: "m"}},
        _SELECTS,
        {"/spec/selector": {"example.org/app": "m"}},
    ),
    Pair(
        "model pods by hash",
        {"/spec/selector": {"pod-template-hash": "1"}},
        _SELECTS,
        {"/spec/selector": {"pod-template-hash": "1", "app": "x"}},
    ),
    Pair(
        "model pods by what they are part of",
        {"/spec/selector": {"app.kubernetes.io/part-of": "casemate"}},
        _SELECTS,
        {"/spec/selector": {"app.kubernetes.io/part-of": "other"}},
    ),
    Pair(
        "model pods by two labels",
        {"/spec/selector": {"app.kubernetes.io/instance": "m", "app.kubernetes.io/name": "model"}},
        _SELECTS,
        {"/spec/selector": {}},
    ),
]
