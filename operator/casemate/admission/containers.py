"""What is asked of each container of a pod; messages name the containers that fail."""

from casemate.admission.policy import Check
from casemate.api.rules import literal

DIGEST = "^[^@]+@sha256:[0-9a-f]{64}$"

CONTAINERS = {
    "inits": "object.spec.?initContainers.orValue([])",
    "mains": "object.spec.containers",
    "extras": "object.spec.?ephemeralContainers.orValue([])",
    "all": "variables.inits + variables.mains + variables.extras",
}
"""Variables that the checks here need."""


def every(condition: str, field: str, accepted: str, of: str = "variables.all") -> Check:
    """Return the check that a condition on `c` holds for every container.

    Args:
        condition: CEL over the container `c`.
        field: The field of a container that it is about.
        accepted: What is accepted, for the message.
        of: CEL of the containers that it is asked of.
    """
    failing = f'{of}.filter(c, !({condition})).map(c, c.name).join(", ")'
    message = f"{literal(f'{field} of container ')} + {failing} + {literal(f': {accepted}')}"
    return Check(f"{of}.all(c, {condition})", message)


UNPRIVILEGED = (
    every(
        "!c.?securityContext.?privileged.orValue(false)",
        "securityContext.privileged",
        "must be false",
    ),
    every(
        "c.?securityContext.?capabilities.?add.orValue([]).size() == 0",
        "securityContext.capabilities.add",
        "must be empty",
    ),
    every(
        "c.?ports.orValue([]).all(p, p.?hostPort.orValue(0) == 0)",
        "ports.hostPort",
        "must be absent: no port of the node is accepted",
    ),
)
"""Asked of every pod in an enclave."""

HARDENED = (
    every(
        "c.?securityContext.?allowPrivilegeEscalation.orValue(true) == false",
        "securityContext.allowPrivilegeEscalation",
        "must be false",
    ),
    every(
        "c.?securityContext.?readOnlyRootFilesystem.orValue(false)",
        "securityContext.readOnlyRootFilesystem",
        "must be true",
    ),
    every(
        'c.?securityContext.?capabilities.?drop.orValue([]).exists(d, d == "ALL")',
        "securityContext.capabilities.drop",
        "must hold ALL",
    ),
    every(
        "c.?securityContext.?runAsNonRoot.or(object.spec.?securityContext.?runAsNonRoot)"
        ".orValue(false)",
        "securityContext.runAsNonRoot",
        "must be true, on the pod or the container",
    ),
    every(
        f"c.image.matches({literal(DIGEST)})",
        "image",
        "must be by digest, NAME@sha256:…; a tag is not accepted",
    ),
    every(
        "c.?lifecycle.hasValue() == false",
        "lifecycle",
        "must be absent: hooks are not accepted",
    ),
    every(
        "[c.?startupProbe, c.?livenessProbe, c.?readinessProbe]"
        ".all(p, !p.hasValue() || !has(p.value().exec))",
        "startupProbe, livenessProbe or readinessProbe",
        "must not have exec; httpGet, grpc and tcpSocket are accepted",
    ),
    every(
        'c.name == "gateway" || c.?ports.orValue([]).size() == 0',
        "ports",
        "must be absent: only container gateway has ports",
    ),
)
"""Asked of every container of a model pod beside that."""
