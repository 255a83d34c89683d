"""The Deployment: one pod shape, closed by default."""

from typing import Any, NamedTuple

from casemate.api.agreement import Profile
from casemate.api.v1alpha1 import ModelDeploymentSpec, ModelSource
from casemate.core import names
from casemate.core.isolation import GATE
from casemate.core.observed import Settings

_CERTIFICATE_SECONDS = 86_400
"""Lifetime of a gateway's certificate; the kubelet renews it on its own before the end."""

_RESOLVER: dict[str, Any] = {"dnsPolicy": "ClusterFirst"}
_NO_RESOLVER: dict[str, Any] = {
    "dnsPolicy": "None",
    "dnsConfig": {"nameservers": ["127.0.0.1"]},
}
"""A name can't leave the pod, and look-ups fail at once instead of timing out."""


_TOKEN_SECONDS = 3600
"""Lifetime of the gateway's token for the warden; the kubelet renews it long before its end."""


class Shape(NamedTuple):
    """What the terms and the other renderers decide about the pods."""

    replicas: int
    sidecars: list[dict[str, Any]]
    """The start gate, then native sidecars in the order of their start, the gateway first."""
    engine: dict[str, Any]
    place: Profile | None
    """Where they may run; None: anywhere."""
    policy: str
    """Digest of the guard policy that they are made for."""


def deployment(
    name: str, spec: ModelDeploymentSpec, settings: Settings, shape: Shape
) -> dict[str, Any]:
    """The Deployment of the model pods."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": shape.replicas,
            "revisionHistoryLimit": 2,
            "selector": {"matchLabels": names.selector_labels(name)},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
            },
            "template": {
                "metadata": {
                    "labels": names.labels(name, "model"),
                    "annotations": {
                        "prometheus.io/scrape": "true",
                        "prometheus.io/port": str(names.METRICS_PORT),
                        names.GUARD_ANNOTATION: shape.policy,
                    },
                },
                "spec": _pod(name, spec, settings, shape),
            },
        },
    }


def _pod(name: str, spec: ModelDeploymentSpec, settings: Settings, shape: Shape) -> dict[str, Any]:
    pod: dict[str, Any] = {
        "serviceAccountName": f"{name}-model",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        # The engine drains first, then the gateway: sidecars are stopped last.
        "terminationGracePeriodSeconds": 60,
        **(_RESOLVER if spec.access.dns else _NO_RESOLVER),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": names.MODEL_UID,
            "runAsGroup": names.MODEL_UID,
            "fsGroup": names.MODEL_UID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "initContainers": shape.sidecars,
        "containers": [shape.engine],
        "volumes": [
            _tls(),
            _models(spec.model.source),
            # In memory and small: it holds a socket, and an engine must not fill a disk with it.
            {"name": "engine", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
            _empty("tmp"),
            _warden_ca(),
            _warden_token(),
            _guard(name),
        ],
        # No endpoint of a Service, and no step of a rollout, without a proof of isolation.
        "readinessGates": [{"conditionType": GATE}],
    }
    if settings.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": secret} for secret in settings.image_pull_secrets]
    return pod | (_placed(shape.place) if shape.place else {})


def _placed(place: Profile) -> dict[str, Any]:
    found = {
        "nodeSelector": place.node_selector,
        "tolerations": [one.model_dump(exclude_none=True) for one in place.tolerations],
        "runtimeClassName": place.runtime_class_name,
    }
    return {key: value for key, value in found.items() if value}


def _tls() -> dict[str, Any]:
    certificate = {
        "signerName": names.SIGNER,
        "keyType": "ECDSAP256",
        "credentialBundlePath": "bundle.pem",
        "maxExpirationSeconds": _CERTIFICATE_SECONDS,
    }
    return {
        "name": "tls",
        "projected": {"defaultMode": 0o440, "sources": [{"podCertificate": certificate}]},
    }


def _warden_ca() -> dict[str, Any]:
    bundle = {"name": names.TRUST_BUNDLE, "path": "ca.pem"}
    return {"name": "warden-ca", "projected": {"sources": [{"clusterTrustBundle": bundle}]}}


def _warden_token() -> dict[str, Any]:
    token = {"audience": names.WARDEN, "expirationSeconds": _TOKEN_SECONDS, "path": "token"}
    sources = [{"serviceAccountToken": token}]
    return {"name": "warden-token", "projected": {"defaultMode": 0o440, "sources": sources}}


def _guard(name: str) -> dict[str, Any]:
    files = [{"key": names.GUARD_FILE, "path": names.GUARD_FILE}]
    source = {"name": names.guard(name), "defaultMode": 0o440, "items": files}
    return {"name": "guard", "configMap": source}


def _models(source: ModelSource) -> dict[str, Any]:
    if source.oci:
        image = {"reference": source.oci.image, "pullPolicy": "IfNotPresent"}
        return {"name": "models", "image": image}
    claim = source.claim.name if source.claim else ""
    return {"name": "models", "persistentVolumeClaim": {"claimName": claim, "readOnly": True}}


def _empty(name: str) -> dict[str, Any]:
    return {"name": name, "emptyDir": {}}
