"""Names, labels and annotations that Casemate gives to what it makes."""

from collections.abc import Mapping

from casemate.api import terms

FIELD_MANAGER = "casemate"
"""The one field manager for everything that the operator applies."""

NAME_LABEL = "casemate.dev/model-deployment"
"""Selector label: the name of the ModelDeployment that an object belongs to. Never changes."""

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "casemate"
MANAGED_SELECTOR = NAME_LABEL
"""Label selector (the label exists) of every object that the operator makes for a deployment."""

DIGEST_ANNOTATION = "casemate.dev/desired-digest"
"""SHA-256 of the object as we wanted it: tells a change of ours from a change of somebody else."""

TERMS_ANNOTATION = "casemate.dev/terms"
"""Agreement and SHA-256 of its terms that an object was made under, NAME@sha256:…"""

GUARD_ANNOTATION = "casemate.dev/guard-policy"
"""SHA-256 of the guard policy that a pod was made for; its gateway serves under no other."""

GUARD_SUFFIX = "-guard"
"""End of the name of the ConfigMap with the policy."""

GUARD_OPTION = "--guard-policy"
"""The gateway's option for it; with `-digest` appended, for its digest."""

GUARD_FOLDER, GUARD_FILE = "/etc/casemate/guard", "policy.json"
"""Where the gateway finds its policy; the file's name is also its key in the ConfigMap."""

IDENTITY_OPTION = "--identity"
IDENTITY_ARGUMENT = f"{IDENTITY_OPTION}=warden"
"""What makes a gateway ask the warden for the name behind each request."""

BREAK_GLASS_ANNOTATION = "casemate.dev/break-glass"
"""Who wrote an object of a model by the right to break the glass, and why: `USER: REASON`."""

LIFT_ANNOTATION = "casemate.dev/lift"
"""On a KillSwitch: who lifts it, and why: `USER: REASON`."""

SIGNER = "casemate.dev/gateway"
"""The signer of the gateways' serving certificates (Kubernetes Pod Certificates)."""

TRUST_BUNDLE = f"{SIGNER.replace('/', ':')}:ca"
"""The ClusterTrustBundle with the CA of that signer."""

TERMS_INDEX = "casemate-terms"
"""The one TermsIndex: `agreement.NAME` = phase and `supplier.NAME` = standing, by the operator."""

WARDEN = "casemate-warden"
"""Name of the warden's Service, StatefulSet and account, in the operator's namespace."""
MOST_WARDENS = 5
"""Replicas that it may have."""
WARDEN_PORT = 8444
CANARY_PORT = 8445
"""Where the warden listens, on TCP and UDP, for what no policy allows."""

CONSOLE = "casemate-console"
"""Name of the console's Service, Deployment and account, in the operator's namespace."""
CONSOLE_PORT = 8446

DNS_NAMESPACE, DNS_SERVICE = "kube-system", "kube-dns"
DNS_LABELS = {"k8s-app": "kube-dns"}
DNS_PORT = 53
"""Where every Kubernetes distribution that keeps to the convention has its DNS."""

GATEWAY_PORT, METRICS_PORT = terms.GATEWAY_PORT, terms.METRICS_PORT
SERVICE_PORT = 443

MODEL_UID = 65532
"""User and group of every container in a model pod: they share a Unix socket."""


def warden(number: int) -> str:
    """Name of one replica of the warden: of its pod, of its Service and of its log."""
    return f"{WARDEN}-{number}"


def is_warden(name: str) -> bool:
    """Whether a name is of a replica that the warden may have."""
    return name in map(warden, range(MOST_WARDENS))


def selector_labels(name: str) -> dict[str, str]:
    """Labels that select the pods of a deployment."""
    return {NAME_LABEL: name}


def default_deny(name: str) -> str:
    """The NetworkPolicy that closes the pods of a deployment, and stays as long as one of them."""
    return f"{name}-default-deny"


def guard(name: str) -> str:
    """The ConfigMap with the guard policy of a deployment."""
    return f"{name}{GUARD_SUFFIX}"


def guard_arguments(digest: str) -> list[str]:
    """What tells a gateway which policy it keeps to."""
    return [f"{GUARD_OPTION}={GUARD_FOLDER}/{GUARD_FILE}", f"{GUARD_OPTION}-digest={digest}"]


def labels(name: str, component: str) -> dict[str, str]:
    """All labels of a child of deployment `name`."""
    return {
        "app.kubernetes.io/name": "model",
        "app.kubernetes.io/instance": name,
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/part-of": "casemate",
        MANAGED_BY_LABEL: MANAGED_BY,
        NAME_LABEL: name,
    }


def service_hosts(name: str, namespace: str) -> tuple[str, ...]:
    """DNS names under which clients may reach the gateway; the first is the canonical one."""
    short = f"{name}.{namespace}.svc"
    return (short, f"{short}.cluster.local", f"{name}.{namespace}", name)


def url(name: str, namespace: str) -> str:
    """Base address for OpenAI clients."""
    return f"https://{service_hosts(name, namespace)[0]}/v1"


def selector_text(selector: Mapping[str, str]) -> str:
    """A label selector as text, as the scale subresource wants it."""
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
