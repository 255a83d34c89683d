"""ModelDeployments and agreements at the edges of their terms."""

from typing import Any

from api.admission.bodies import ABSENT
from api.admission.pairs import Pair

DIGEST = f"sha256:{'0' * 64}"
SUPPLIER, USE, NAME = "/spec/model/supplier", "/spec/use", "/spec/agreementRef/name"
IMAGE, ENGINE = "/spec/model/source/oci/image", "/spec/engine/image"
GUARD: dict[str, Any] = {
    "name": "own",
    "image": f"registry.enclave.local/guards/g@{DIGEST}",
    "port": 8100,
}


def based(supplier: str) -> dict[str, Any]:
    """A fine-tune of somebody's model."""
    base = {"supplier": supplier, "digest": DIGEST}
    return {"/spec/model/variant": "FineTune", "/spec/model/base": base}


CREATE = [
    Pair("an agreement that nobody made", {NAME: "nowhere"},
         ("spec.agreementRef.name: found nowhere", "accepted:", "harbour")),
    Pair("an agreement that has not begun", {NAME: "pending"},
         ("found pending in phase Pending", "accepted: an agreement in phase InForce")),
    Pair("an agreement that is over", {NAME: "ended"}, ("found ended in phase Ended",)),
    Pair("an agreement that winds down", {NAME: "winding"}, ("in phase WindingDown",)),
    Pair("an agreement that nobody looked at", {NAME: "unseen"}, ("in phase Unknown",)),
    Pair("an agreement whose term ended while nobody looked", {NAME: "late"},
         ("found late, whose term is from", "accepted: an agreement within its term")),
    Pair("an agreement whose term begins later, whatever its status", {NAME: "early"},
         ("found early, whose term is from",)),
    Pair("a use that is not allowed", {USE: "planning"},
         ("spec.use: found planning", "logistics-optimization, strategic-planning is accepted", "harbour")),
    Pair("a supplier that nobody knows", {SUPPLIER: "nobody"},
         ("spec.model.supplier: found nobody", "accepted:", "maker")),
    Pair("a supplier that the agreement does not name", {SUPPLIER: "unlisted"},
         ("spec.model.supplier: found unlisted", "maker", "is accepted by UsageAgreement")),
    Pair("a base of a supplier that nobody knows", based("nobody"),
         ("spec.model.base.supplier: found nobody", "accepted: "), based("maker")),
    Pair("a base of a supplier that the agreement does not name", based("unlisted"),
         ("spec.model.base.supplier: found unlisted", "is accepted by"), based("open-lab")),
    Pair("a base of a supplier that is phasing out", based("leaving"),
         ("supplier leaving is PhasingOut",), based("open-lab")),
    Pair("a supplier that is phasing out", {SUPPLIER: "leaving"},
         ("supplier leaving is PhasingOut", "accepted: another supplier")),
    Pair("a supplier that is blocked", {SUPPLIER: "blocked"}, ("supplier blocked is Blocked",)),
    Pair("a supplier that nobody looked at", {SUPPLIER: "fresh"}, ("supplier fresh is Unknown",)),
    Pair("a supplier under an order that nobody looked at", {SUPPLIER: "ordered"},
         ("supplier ordered is under order ORDER-1",), {SUPPLIER: "proposed"}),
    Pair("a supplier whose order has begun since it was looked at", {SUPPLIER: "begun"},
         ("is under order ORDER-1",), {SUPPLIER: "later"}),
    Pair("a supplier that nobody approved", {SUPPLIER: "unapproved"},
         ("supplier unapproved has no approval that holds",)),
    Pair("a supplier whose approval has ended", {SUPPLIER: "lapsed"},
         ("supplier lapsed has no approval that holds",)),
    Pair("a model image from elsewhere", {IMAGE: f"other.enclave.local/m/m@{DIGEST}"},
         ("images: found other.enclave.local/m/m", "registry.enclave.local is accepted")),
    Pair("an engine image from elsewhere", {ENGINE: f"other.enclave.local/e/e@{DIGEST}"},
         ("images: found other.enclave.local/e/e",)),
    Pair("a registry that only begins alike", {ENGINE: f"registry.enclave.local.evil/e/e@{DIGEST}"},
         ("images: found registry.enclave.local.evil",)),
    Pair("a guard's image from elsewhere",
         {"/spec/guardrails": [GUARD | {"image": f"other.enclave.local/g/g@{DIGEST}"}]},
         ("images: found other.enclave.local/g/g",), {"/spec/guardrails": [GUARD]}),
    Pair("the name of a required guard", {"/spec/guardrails": [GUARD | {"name": "pii"}]},
         ("spec.guardrails: found pii", "accepted: other names"), {"/spec/guardrails": [GUARD]}),
    Pair("a place that does not exist", {"/spec/profile": "huge"},
         ("spec.profile: found huge", "gpu is accepted"), {"/spec/profile": "gpu"}),
    Pair("more pods than one may have", {"/spec/replicas": 5},
         ("spec.replicas: found 5", "at most 4 is accepted"), {"/spec/replicas": 4}),
    Pair("an image of another supplier", {IMAGE: f"registry.enclave.local/open-lab/m@{DIGEST}"},
         ("belongs to supplier open-lab", "accepted as spec.model.supplier: open-lab"),
         {IMAGE: f"registry.enclave.local/open-lab/m@{DIGEST}", SUPPLIER: "open-lab"}),
]  # fmt: skip
"""New deployments, from the one that maker's model may have under harbour."""

UPDATE = [
    Pair("more pods", {"/spec/replicas": 3}, ("is PhasingOut", "fewer pods of what runs"),
         {"/spec/replicas": 1}),
    Pair("another model of the same supplier", {IMAGE: f"registry.enclave.local/m/new@{DIGEST}"},
         ("supplier leaving is PhasingOut",), {"/spec/access": {"clients": []}}),
    Pair("another engine", {ENGINE: f"registry.enclave.local/e/new@{DIGEST}"},
         ("supplier leaving is PhasingOut",),
         {ENGINE: f"registry.enclave.local/e/new@{DIGEST}", SUPPLIER: "maker"}),
    Pair("another use", {USE: "strategic-planning"}, ("supplier leaving is PhasingOut",),
         {"/spec/owner/name": "Another office"}),
    Pair("a base of the supplier, under another's name", {SUPPLIER: "maker", **based("leaving")},
         ("supplier leaving is PhasingOut",), {SUPPLIER: "maker", **based("open-lab")}),
    Pair("another guard", {"/spec/guardrails": [GUARD]}, ("supplier leaving is PhasingOut",),
         {"/spec/suspend": True}),
    Pair("another place", {"/spec/profile": "gpu"}, ("supplier leaving is PhasingOut",),
         {"/metadata/labels": {"note": "x"}}),
]  # fmt: skip
"""Changes of a deployment that runs while its supplier phases out."""


USES, LINES = "/spec/allowedUses", "/spec/redLines"
LOOSER = [
    Pair("a line removed", {f"{LINES}/2": ABSENT}, ("spec.redLines: a line was removed",),
         {f"{LINES}/3": {"id": "more", "verdict": "Hold", "description": ""}}),
    Pair("a line relaxed", {f"{LINES}/2/verdict": "Hold"}, ("spec.redLines",),
         {f"{LINES}/1/verdict": "Refuse"}),
    Pair("a guard removed", {"/spec/requiredGuardrails": []}, ("spec.requiredGuardrails",),
         {"/spec/requiredGuardrails/1": GUARD | {"name": "more"}}),
    Pair("a guard's image changed",
         {"/spec/requiredGuardrails/0/image": f"registry.enclave.local/x/x@{DIGEST}"},
         ("spec.requiredGuardrails: a guardrail was removed or changed",)),
    Pair("a later end", {"/spec/term/end": "2097-01-01T00:00:00Z"}, ("spec.term.end: was put off",),
         {"/spec/term/end": "2095-01-01T00:00:00Z"}),
    Pair("an earlier start", {"/spec/term/start": "2025-01-01T00:00:00Z"},
         ("spec.term.start: was brought forward",), {"/spec/term/start": "2026-02-01T00:00:00Z"}),
    Pair("more days to wind down", {"/spec/term/windDownDays": 31},
         ("spec.term.windDownDays: raised from 30 to 31",), {"/spec/term/windDownDays": 29}),
    Pair("more pods", {"/spec/capacity/maxReplicas": 10},
         ("spec.capacity.maxReplicas: raised from 9 to 10",), {"/spec/capacity/maxReplicas": 8}),
    Pair("more pods each", {"/spec/capacity/maxReplicasEach": 5},
         ("maxReplicasEach: raised from 4 to 5",), {"/spec/capacity/maxReplicasEach": 3}),
    Pair("more devices", {"/spec/capacity/maxAccelerators": 3},
         ("maxAccelerators: raised from 2 to 3",), {"/spec/capacity/maxAccelerators": 1}),
    Pair("a higher floor", {"/spec/capacity/floor": 2}, ("floor: raised from 1 to 2",),
         {"/spec/capacity/floor": 0}),
    Pair("a smaller quorum", {"/spec/approvals/quorum": 1}, ("quorum: lowered from 2 to 1",),
         {"/spec/approvals/quorum": 3}),
    Pair("more time to approve", {"/spec/approvals/expiryMinutes": 16},
         ("expiryMinutes: raised from 15 to 16",), {"/spec/approvals/expiryMinutes": 14}),
    Pair("another group of approvers", {"/spec/approvals/approverGroups": ["a", "b", "c"]},
         ("approverGroups: a group was added",), {"/spec/approvals/approverGroups": ["a"]}),
    Pair("approvers from anywhere", {"/spec/approvals/approverGroups": []},
         ("approverGroups: a group was added, or all were removed",)),
    Pair("less on record", {"/spec/audit/record": "Digest"},
         ("spec.audit.record: was lowered from Sealed to Digest",), {"/spec/audit/publicKey": "new"}),
    Pair("a shorter record", {"/spec/audit/retentionDays": 10},
         ("retentionDays: lowered from 3650 to 10",), {"/spec/audit/retentionDays": 3651}),
    Pair("another use", {f"{USES}/2": {"id": "more", "description": "More"}},
         ("spec.allowedUses: added or changed more",), {f"{USES}/1": ABSENT}),
    Pair("a use that says something else", {f"{USES}/0/description": "Anything"},
         ("spec.allowedUses: added or changed logistics-optimization",)),
    Pair("another registry", {"/spec/registries/1": "other.enclave.local"},
         ("spec.registries: added other.enclave.local",),
         {"/spec/registries/0": "registry.enclave.local"}),
    Pair("another supplier", {"/spec/suppliers/9": "stranger"},
         ("spec.suppliers: added stranger",), {"/spec/suppliers/1": ABSENT}),
    Pair("another place", {"/spec/capacity/profiles/1": {"name": "more"}},
         ("profiles: added or changed more",), {"/spec/capacity/profiles/0": ABSENT}),
    Pair("another key", {"/spec/trust/modelSigningKeys/0": {"name": "k", "publicKey": "p"}},
         ("modelSigningKeys: added or changed k",), {"/spec/accountable/name": "B. Person"}),
]  # fmt: skip
"""Changes of an agreement; each refusal needs the right to loosen."""
