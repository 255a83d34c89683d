"""The two containers of a model pod: the gateway, and the engine that only the gateway reaches."""

from typing import Any

from casemate.api.quantities import Resources
from casemate.api.terms import Guardrail
from casemate.api.v1alpha1 import DEFAULT_SOCKET, Access, ModelDeploymentSpec
from casemate.core import names
from casemate.core.observed import Isolation
from casemate.isolation.targets import Protocol, Target

SOCKET_FOLDER = "/run/casemate/engine"
TLS_FOLDER = "/var/run/casemate/tls"
TLS_BUNDLE = "bundle.pem"
MODELS_FOLDER = "/models"
CA_FOLDER, CA_FILE = "/var/run/casemate/warden-ca", "ca.pem"
TOKEN_FOLDER, TOKEN_FILE = "/var/run/casemate/warden", "token"
_KUBELET_PORT = 10250

_HOST_IP = {"name": "HOST_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}
_WARDEN_CA = {"name": "warden-ca", "mountPath": CA_FOLDER, "readOnly": True}

_RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}
"""Pod Security level `restricted`, as far as it is set per container."""


def gateway(
    spec: ModelDeploymentSpec, image: str, isolation: Isolation, policy: str
) -> dict[str, Any]:
    """The native sidecar that holds the pod's only open port; `policy` is the digest of its own."""
    engine = spec.engine
    address = f"http://127.0.0.1:{engine.port}" if engine.port else f"unix://{socket_path(spec)}"
    return {
        "name": "gateway",
        "image": image,
        "restartPolicy": "Always",
        "args": [
            "gateway",
            f"--listen=0.0.0.0:{names.GATEWAY_PORT}",
            f"--tls-bundle={TLS_FOLDER}/{TLS_BUNDLE}",
            f"--engine={address}",
            f"--metrics=0.0.0.0:{names.METRICS_PORT}",
            names.IDENTITY_ARGUMENT,
            f"--warden-token={TOKEN_FOLDER}/{TOKEN_FILE}",
            f"--isolation-period={isolation.period}",
            *_circuit(isolation, spec.access),
            *names.guard_arguments(policy),
        ],
        "env": [_HOST_IP],
        "ports": [
            {"name": "https", "containerPort": names.GATEWAY_PORT, "protocol": "TCP"},
            {"name": "metrics", "containerPort": names.METRICS_PORT, "protocol": "TCP"},
        ],
        # The gateway starts before the engine, so its start says only that it lives; whether the
        # engine answers is readiness.
        "startupProbe": _probe("/healthz", period=1, failures=60),
        "livenessProbe": _probe("/healthz", period=10, failures=3),
        "readinessProbe": _probe("/readyz", period=2, failures=2),
        # With the guard's weights; the rest up to the limit is for bodies at work.
        "resources": {
            "requests": {"cpu": "100m", "memory": "160Mi"},
            "limits": {"memory": "512Mi"},
        },
        "securityContext": _RESTRICTED,
        "volumeMounts": [
            {"name": "engine", "mountPath": SOCKET_FOLDER},
            {"name": "tls", "mountPath": TLS_FOLDER, "readOnly": True},
            {"name": "warden-token", "mountPath": TOKEN_FOLDER, "readOnly": True},
            _WARDEN_CA,
            {"name": "guard", "mountPath": names.GUARD_FOLDER, "readOnly": True},
        ],
    }


def start_gate(spec: ModelDeploymentSpec, image: str, isolation: Isolation) -> dict[str, Any]:
    """The first container: nothing else starts until the pod's network is proven to be closed."""
    return {
        "name": "start-gate",
        "image": image,
        "args": ["start-gate", *_circuit(isolation, spec.access)],
        "env": [_HOST_IP],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": _RESTRICTED,
        "volumeMounts": [_WARDEN_CA],
    }


def _circuit(isolation: Isolation, access: Access) -> list[str]:
    """What a round of the proof goes through, for the start gate and for the gateway.

    What the author opens need not be closed: the DNS, and gateways of other models.
    """
    wardens = (
        Target(
            Protocol.TCP,
            one.address,
            names.WARDEN_PORT,
            names.service_hosts(one.name, isolation.namespace)[0],
        )
        for one in isolation.wardens
    )
    canaries = (
        Target(protocol, one.address, names.CANARY_PORT, "canary")
        for one in isolation.wardens
        for protocol in Protocol
    )
    closed = (
        *(one.argument() for one in canaries),
        f"tcp:$(HOST_IP):{_KUBELET_PORT}=kubelet",
        *(one.argument() for one in isolation.closed),
        *([isolation.dns.argument()] if isolation.dns and not access.dns else []),
    )
    return [
        *(f"--warden={one.argument()}" for one in wardens),
        f"--warden-ca={CA_FOLDER}/{CA_FILE}",
        *(f"--closed={one}" for one in closed),
        *([] if access.egress else [f"--neighbour-port={names.GATEWAY_PORT}"]),
    ]


def guardrail(guard: Guardrail) -> dict[str, Any]:
    """A further guard as native sidecar: it serves on loopback, for the gateway alone."""
    container: dict[str, Any] = {
        "name": f"guardrail-{guard.name}",
        "image": guard.image,
        "restartPolicy": "Always",
        "env": [{"name": "CASEMATE_GUARDRAIL_PORT", "value": str(guard.port)}],
        "securityContext": _RESTRICTED,
    }
    if resources := guard.resources.model_dump(by_alias=True, exclude_none=True):
        container["resources"] = resources
    return container


def _probe(path: str, period: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": names.METRICS_PORT, "scheme": "HTTP"},
        "periodSeconds": period,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    }


def socket_path(spec: ModelDeploymentSpec) -> str:
    """Where the engine's Unix socket is."""
    return f"{SOCKET_FOLDER}/{spec.engine.socket or DEFAULT_SOCKET}"


def engine(spec: ModelDeploymentSpec, fallback: Resources | None = None) -> dict[str, Any]:
    """The model server, weights mounted read-only; `fallback` are the resources of its profile."""
    wanted = spec.engine
    container: dict[str, Any] = {
        "name": "engine",
        "image": wanted.image,
        "env": [*_own_env(spec), *({"name": e.name, "value": e.value} for e in wanted.env or [])],
        "securityContext": _RESTRICTED,
        "volumeMounts": [
            {"name": "engine", "mountPath": SOCKET_FOLDER},
            {"name": "models", "mountPath": MODELS_FOLDER, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the engine's own empty folder
        ],
    }
    if wanted.command:
        container["command"] = wanted.command
    if wanted.args:
        container["args"] = wanted.args
    resources = wanted.resources.model_dump(by_alias=True, exclude_none=True)
    if not resources and fallback:
        resources = fallback.model_dump(by_alias=True, exclude_none=True)
    if resources:
        container["resources"] = resources
    return container


def _own_env(spec: ModelDeploymentSpec) -> list[dict[str, str]]:
    source = spec.model.source
    mounted = source.oci or source.claim
    path = mounted.path if mounted else None
    values = {
        "CASEMATE_MODEL_NAME": spec.model.name,
        "CASEMATE_MODEL_PATH": f"{MODELS_FOLDER}/{path}" if path else MODELS_FOLDER,
        "CASEMATE_ENGINE_SOCKET": socket_path(spec),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
    }
    return [{"name": name, "value": value} for name, value in values.items()]
