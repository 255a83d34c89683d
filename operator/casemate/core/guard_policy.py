"""The guard policy: what an agreement makes of the guard, as the one file that a gateway reads."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from casemate.api.agreement import BUILT_IN, SEALED, Audit, UsageAgreementSpec
from casemate.api.conditions import ConditionType, Reason
from casemate.api.guard import Quotas
from casemate.api.terms import Guardrail
from casemate.core.findings import Finding
from casemate.core.isolation import Pod
from casemate.core.observed import GuardBundle

_VERSION = 1
"""Of the file's format."""
_REFUSE = "Refuse"


class Policy(NamedTuple):
    """The policy of one deployment."""

    text: str
    bundle: str
    """Digest of the bundle that it is for."""

    @property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return f"sha256:{hashlib.sha256(self.text.encode()).hexdigest()}"


def policy(
    terms: UsageAgreementSpec | None, guardrails: Sequence[Guardrail], bundle: GuardBundle
) -> Policy:
    """Renders the policy.

    Args:
        terms: The agreement; without one, everything that the guard finds is refused.
        guardrails: Those that run in the pod: each must agree too.
        bundle: What judges.
    """
    said = _agreed(terms) if terms else _strictest()
    plain = {
        "version": _VERSION,
        **said,
        "bundle": {"digest": bundle.digest, **said["bundle"]},
        "detectors": [
            {"name": one.name, "port": one.port, "detectorId": one.name} for one in guardrails
        ],
    }
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Policy(text, bundle.digest)


def _strictest() -> dict[str, Any]:
    lines = [{"id": one.id, "verdict": _REFUSE, "patterns": []} for one in BUILT_IN]
    return {"bundle": {}, "lines": lines, "uncovered": _REFUSE, "systemInstruction": ""}


def _agreed(terms: UsageAgreementSpec) -> dict[str, Any]:
    least = terms.guard.minimum_bundle_version
    lines = [
        {"id": one.id, "verdict": one.verdict, "patterns": one.patterns} for one in terms.red_lines
    ]
    return {
        "bundle": {} if least is None else {"minimumVersion": least},
        "lines": lines,
        "uncovered": terms.guard.uncovered_languages,
        "systemInstruction": terms.system_instruction,
        **_quotas(terms.quotas),
        **_sealing(terms.audit),
    }


def _quotas(quotas: Quotas) -> dict[str, Any]:
    """The quotas, or nothing where no amount is limited."""
    said = quotas.model_dump(by_alias=True, exclude_none=True)
    return {"quotas": said} if said.keys() - {"windowSeconds"} else {}


def _sealing(audit: Audit) -> dict[str, Any]:
    """The key that contents are sealed to, or nothing where none are kept."""
    return {"sealTo": audit.public_key} if audit.record == SEALED else {}


def finding(pods: Sequence[Pod], wanted: str) -> Finding:
    """Whether every ready pod runs under the policy with the digest `wanted`, as seen on the pods.

    A gateway is not ready before its own policy is in force, and nobody can change the mark of a
    pod; so what a ready pod carries is what it keeps to.
    """
    kind = ConditionType.GUARDRAILS_ENFORCED
    if not pods:
        return Finding(kind, "Unknown", Reason.NO_PODS, "no pod runs")
    serving = [pod for pod in pods if pod.ready]
    if not serving:
        return Finding(kind, "Unknown", Reason.NO_REPLICA_READY, "no pod is ready")
    others = [pod for pod in serving if pod.policy != wanted]
    counts = f"{len(serving) - len(others)} of {len(serving)} ready pods run under policy {wanted}"
    if others:
        text = f"{counts}; pod {others[0].name}: {others[0].policy or 'none'}"
        return Finding(kind, "False", Reason.POLICY_OUTDATED, text)
    return Finding(kind, "True", Reason.POLICY_ENFORCED, counts)


def report(wanted: Policy) -> dict[str, str]:
    """The part of the status that says what the guard must be."""
    return {"bundleDigest": wanted.bundle, "policyDigest": wanted.digest}
