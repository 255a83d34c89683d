"""Who gets a certificate: pods of the operator's own Deployments, of the warden, of the console."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec

from casemate.api.terms import spelled
from casemate.core import names
from casemate.core.observed import Live, Observed
from casemate.core.ownership import controller


@dataclass(frozen=True)
class Request:
    """A PodCertificateRequest with the chain of owners that it claims, as the cluster shows it."""

    body: Mapping[str, Any]
    pod: Mapping[str, Any] | None
    replica_set: Mapping[str, Any] | None
    deployment_uid: str | None
    """UID of the Deployment that the operator made under the name that the pod's label says."""
    warden_uid: str | None = None
    """UID of the warden's StatefulSet, where the request is for a pod in the operator's namespace
    that runs as the warden; None: it is not."""
    console_uid: str | None = None
    """UID of the console's Deployment, likewise."""


class Denial(NamedTuple):
    """Why no certificate is issued."""

    reason: str
    message: str


def made_here(observed: Observed, live: Live) -> bool:
    """Whether the operator made a Deployment for this very ModelDeployment.

    Both signs are asked for, the reference and our apply: here a doubt is a denial, not a repair.
    """
    return live.applied and controller(live.body).get("uid") == observed.uid


def settled(body: Mapping[str, Any]) -> bool:
    """Whether a PodCertificateRequest has its answer already."""
    return bool(body.get("status", {}).get("conditions"))


def owner_uid(body: Mapping[str, Any], kind: str) -> str | None:
    """UID of the controlling owner of `kind`."""
    for owner in body["metadata"].get("ownerReferences", []):
        if owner.get("controller") and owner["kind"] == kind:
            return str(owner["uid"])
    return None


def examine(request: Request) -> Denial | None:
    """None when the request may be granted; every doubt is a denial."""
    spec, pod = request.body["spec"], request.pod
    if pod is None or pod["metadata"]["uid"] != spec["podUID"]:
        return Denial("PodUnknown", "the pod does not exist (any more)")
    if spec.get("unverifiedUserAnnotations"):
        return Denial("UnknownAnnotations", "this signer accepts no userAnnotations")
    if request.console_uid:
        return _of_console(request, pod)
    return _of_warden(request, pod) if request.warden_uid else _of_model(request, pod)


def _of_model(request: Request, pod: Mapping[str, Any]) -> Denial | None:
    spec = request.body["spec"]
    name = pod["metadata"].get("labels", {}).get(names.NAME_LABEL)
    made_by = _deployment(request, pod)
    if isinstance(made_by, Denial):
        return made_by
    if not request.deployment_uid or made_by != request.deployment_uid:
        return Denial("PodNotOurs", f"the pod belongs to no ModelDeployment called {name!r}")
    if spec["serviceAccountName"] != f"{name}-model":
        return Denial("PodNotOurs", f"the pod runs as {spec['serviceAccountName']!r}")
    return None


def _of_warden(request: Request, pod: Mapping[str, Any]) -> Denial | None:
    if owner_uid(pod, "StatefulSet") != request.warden_uid:
        return Denial("PodNotOurs", f"the pod is not of the StatefulSet {names.WARDEN}")
    return None


def _of_console(request: Request, pod: Mapping[str, Any]) -> Denial | None:
    made_by = _deployment(request, pod)
    if isinstance(made_by, Denial):
        return made_by
    if made_by != request.console_uid:
        return Denial("PodNotOurs", f"the pod is not of the Deployment {names.CONSOLE}")
    return None


def _deployment(request: Request, pod: Mapping[str, Any]) -> str | Denial | None:
    """UID of the Deployment above the ReplicaSet that controls a pod."""
    replica_set = request.replica_set
    if replica_set is None or owner_uid(pod, "ReplicaSet") != replica_set["metadata"]["uid"]:
        return Denial("PodNotOurs", "the pod is controlled by no ReplicaSet")
    return owner_uid(replica_set, "Deployment")


def public_key(csr_der: bytes) -> ec.EllipticCurvePublicKey | Denial:
    """The key that a request is for; only P-256 is signed."""
    try:
        csr = x509.load_der_x509_csr(csr_der)
        key = csr.public_key()
        valid = csr.is_signature_valid
    except (ValueError, InvalidSignature) as error:
        return Denial("Malformed", f"not a certificate signing request: {error}")
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        return Denial("UnsupportedKeyType", "ECDSAP256 is accepted")
    return key if valid else Denial("Malformed", "the request is not signed by its own key")


def denied(denial: Denial, now: datetime) -> dict[str, Any]:
    """The status that refuses a request."""
    return {"conditions": [_condition("Denied", denial.reason, denial.message, now)]}


def issued(certificate: x509.Certificate, chain: bytes, now: datetime) -> dict[str, Any]:
    """The status that grants a request; renewal begins after two thirds of the lifetime."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return {
        "conditions": [_condition("Issued", "Issued", "signed by the gateway CA", now)],
        "certificateChain": chain.decode(),
        "notBefore": spelled(start),
        "beginRefreshAt": spelled(start + (end - start) * 2 / 3),
        "notAfter": spelled(end),
    }


def lifetime(body: Mapping[str, Any]) -> timedelta:
    """How long the certificate may live: what was asked for."""
    return timedelta(seconds=body["spec"]["maxExpirationSeconds"])


def _condition(kind: str, reason: str, message: str, now: datetime) -> dict[str, Any]:
    return {
        "type": kind,
        "status": "True",
        "reason": reason,
        "message": message,
        "lastTransitionTime": spelled(now),
    }
