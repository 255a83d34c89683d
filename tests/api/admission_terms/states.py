"""Agreements, suppliers and deployments in every state that a policy tells apart."""

from typing import Any

from unit.api.cases import ABSENT, AGREEMENT, DIRECTIVE, IMAGE, SPEC, SUPPLIER, Json, changed

PAST, FUTURE = "2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z"
IN_MARCH = "2026-03-02T00:00:00Z"
DIGEST = f"sha256:{'b2' * 32}"

PII = {"name": "pii", "image": IMAGE, "port": 8090}
BLOCKS = ["10.20.0.0/16", "fd00:20::/32"]
LINES: list[Json] = [
    {"id": "domestic-mass-surveillance", "verdict": "Refuse"},
    {"id": "use-of-force", "verdict": "Refuse"},
    {"id": "targeting", "verdict": "Hold", "patterns": ["a", "b"]},
]


def md(**changes: Any) -> Json:
    """A deployment's spec; fields are written with `__` for `.`."""
    spec = SPEC
    for path, value in changes.items():
        spec = changed(path.replace("__", "."), value, spec)
    return spec


STANDINGS: dict[str, tuple[Json, Json | None]] = {
    "open-lab": (SUPPLIER, {"standing": "Approved"}),
    "second-lab": (SUPPLIER, {"standing": "Approved"}),
    "stranger": (SUPPLIER, {"standing": "Approved"}),
    "phasing": (SUPPLIER, {"standing": "PhasingOut"}),
    "blocked": (SUPPLIER, {"standing": "Blocked"}),
    "unjudged": (SUPPLIER, None),
    "directed": (SUPPLIER | {"directives": [DIRECTIVE]}, {"standing": "Approved"}),
    "proposed": (
        SUPPLIER | {"directives": [DIRECTIVE | {"state": "Proposed"}]},
        {"standing": "Approved"},
    ),
    "planned": (
        SUPPLIER | {"directives": [DIRECTIVE | {"effectiveAt": FUTURE}]},
        {"standing": "Approved", "observedGeneration": 1},
    ),
    "stale": (
        SUPPLIER | {"directives": [DIRECTIVE | {"effectiveAt": FUTURE}]},
        {"standing": "Approved", "observedGeneration": 0},
    ),
    "stayed-now": (
        SUPPLIER | {"directives": [DIRECTIVE | {"stays": [{"from": IN_MARCH, "until": FUTURE}]}]},
        {"standing": "Approved", "observedGeneration": 1},
    ),
    "unapproved": ({}, {"standing": "Approved"}),
    "lapsed": (changed("approval.until", PAST, SUPPLIER), {"standing": "Approved"}),
    "lasting": (changed("approval.until", FUTURE, SUPPLIER), {"standing": "Approved"}),
    "owner-lab": (
        SUPPLIER | {"identities": {"registries": ["registry.enclave.local/owned"]}},
        {"standing": "Approved"},
    ),
    "used-lab": (SUPPLIER, {"standing": "Approved", "deployments": 2}),
    "unused-lab": (SUPPLIER, {"standing": "Approved", "deployments": 0}),
}
_HARBOUR = AGREEMENT | {
    "suppliers": [*(name for name in STANDINGS if name != "stranger"), "ghost"],
    "requiredGuardrails": [PII],
    "capacity": {"maxReplicas": 8, "maxReplicasEach": 4, "profiles": [{"name": "gpu"}]},
    "enclaveCIDRs": BLOCKS,
}
TPU: Json = {
    "name": "tpu",
    "nodeSelector": {"kind": "tpu"},
    "tolerations": [{"key": "tpu"}],
    "resources": {"limits": {"example.com/tpu": 1}, "requests": {"cpu": 1}},
}
LOOSE: Json = AGREEMENT | {
    "term": AGREEMENT["term"] | {"windDownDays": 10},
    "allowedUses": [{"id": name, "description": name} for name in ("routes", "plans")],
    "redLines": LINES,
    "systemInstruction": "Be brief.",
    "guard": {"minimumBundleVersion": 20_260_110, "uncoveredLanguages": "Refuse"},
    "quotas": {"windowSeconds": 100, "requests": 10, "tokens": 10, "persons": 10},
    "requiredGuardrails": [PII],
    "registries": ["r.local/a", "r.local/b"],
    "suppliers": ["open-lab", "second-lab"],
    "enclaveCIDRs": BLOCKS,
    "trust": {"modelSigningKeys": [{"name": "k1", "publicKey": "PEM"}]},
    "approvals": {"quorum": 2, "expiryMinutes": 15, "approverGroups": ["a", "b"]},
    "capacity": {
        "maxReplicas": 8,
        "maxReplicasEach": 4,
        "maxAccelerators": 2,
        "floor": 1,
        "profiles": [{"name": "gpu"}, {"name": "cpu"}, TPU],
    },
    "audit": {"record": "Sealed", "publicKey": "PEM", "retentionDays": 100},
}
TERMS: dict[str, tuple[Json, Json | None]] = {
    "harbour": (_HARBOUR, {"phase": "InForce"}),
    "small": (changed("capacity", {"maxReplicas": 2}, _HARBOUR), {"phase": "InForce"}),
    "pending": (_HARBOUR, {"phase": "Pending"}),
    "winding": (_HARBOUR, {"phase": "WindingDown"}),
    "ended": (_HARBOUR, {"phase": "Ended"}),
    "unjudged": (_HARBOUR, None),
    "future": (
        changed("term", {"start": FUTURE, "end": "2101-01-01T00:00:00Z"}, _HARBOUR),
        {"phase": "InForce"},
    ),
    "past": (
        changed("term", {"start": "2019-01-01T00:00:00Z", "end": PAST}, _HARBOUR),
        {"phase": "InForce"},
    ),
    "loose": (LOOSE, None),
    "walled": (changed("enclaveCIDRs", ABSENT, LOOSE), None),
    "open": (changed("approvals.approverGroups", [], LOOSE), None),
    "digest": (changed("audit", {"record": "Digest"}, LOOSE), None),
    "used": (AGREEMENT, {"deployments": 1}),
    "unused": (AGREEMENT, {"deployments": 0}),
}
_GPU = {"limits": {"cpu": "1", "example.com/gpu": "2"}}
_BASE = {"supplier": "phasing", "digest": DIGEST}
EXISTING: dict[str, Json] = {
    "plain": md(replicas=2),
    "suspended": md(replicas=2, suspend=True),
    "under-winding": md(replicas=2, agreementRef__name="winding"),
    "stopped-under-winding": md(replicas=2, agreementRef__name="winding", suspend=True),
    "of-a-ghost": md(replicas=2, model__supplier="ghost"),
    **{
        f"of-{name}": md(replicas=2, model__supplier=name, engine__resources=_GPU)
        for name in STANDINGS
    },
    "stopped-of-phasing": md(replicas=2, model__supplier="phasing", suspend=True),
    "profiled-of-phasing": md(model__supplier="phasing", engine__resources=_GPU, profile="gpu"),
    "from-phasing": md(replicas=2, model__variant="FineTune", model__base=_BASE),
}
