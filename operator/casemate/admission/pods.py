"""Pods: the shape that a model pod must have, and what its neighbours in an enclave may not.

A pod is a model pod if it carries the label of a ModelDeployment. Only the chain from the operator
leads to one (Deployment, ReplicaSet, pod), and what the chain makes must still have the shape.
"""

from casemate.admission import callers
from casemate.admission.cel import PREFIX, annotations, labels, ours
from casemate.admission.containers import CONTAINERS, HARDENED, UNPRIVILEGED
from casemate.admission.policy import ENCLAVE_LABEL, Check, Policy, Target
from casemate.admission.shape import SHAPE
from casemate.admission.volumes import MODEL_VOLUMES, NO_HOST_PATH, VOLUMES
from casemate.api.rules import literal
from casemate.core.names import BREAK_GLASS_ANNOTATION, NAME_LABEL

LABEL_KEYS = ("app.kubernetes.io/", "topology.kubernetes.io/", PREFIX, "pod-template-hash")
_ANNOTATION_KEYS = (
    *("prometheus.io/", PREFIX),
    "kubectl.kubernetes.io/restartedAt",
    "kubernetes.io/limit-ranger",  # an admission plugin of the API server's own
)
_LONGEST_LOAD = 86_400
_CHANGED = "request.operation == 'CREATE' || object.spec != oldObject.spec"


def _images(pod: str) -> str:
    spec = f"{pod}.spec"
    return f"({spec}.?initContainers.orValue([]) + {spec}.containers).map(c, c.image)"


def _keys(field: str, of: str, keys: tuple[str, ...]) -> Check:
    """Return the check that keys of a map begin with what is accepted."""
    known = " || ".join(f"k.startsWith({literal(key)})" for key in keys)
    accepted = " ".join(keys)
    found = f'{of}.map(k, k).filter(k, !({known})).join(", ")'
    message = f"{literal(f'{field} ')} + {found} + {literal(f'; accepted are {accepted}')}"
    return Check(f"{of}.all(k, {known})", message)


_UNNOTED = Check(
    f"!({literal(BREAK_GLASS_ANNOTATION)} in variables.annotations)",
    literal(
        f"metadata.annotations {BREAK_GLASS_ANNOTATION}: must be absent on a pod: nobody breaks"
        " the glass on one; it is accepted on what the operator makes"
    ),
)

HOSTLESS = (
    Check(
        "![object.spec.?hostNetwork, object.spec.?hostPID, object.spec.?hostIPC,"
        " object.spec.?hostUsers].exists(h, h.orValue(false))",
        literal("spec.hostNetwork, hostPID, hostIPC, hostUsers: must be false or absent"),
    ),
    NO_HOST_PATH,
    *UNPRIVILEGED,
)

_ORIGIN = (
    Check(
        f"namespaceObject.metadata.?labels[?{literal(ENCLAVE_LABEL)}].orValue('') == 'true'",
        literal(
            f"metadata.namespace: model pods are accepted in namespaces with {ENCLAVE_LABEL}=true"
        )
        + " + '; found ' + request.namespace",
    ),
    Check(
        "request.operation != 'CREATE' ||"
        f" request.userInfo.username == {literal(callers.POD_MAKER)}",
        literal(f"metadata.labels {NAME_LABEL}: model pods are accepted from {callers.POD_MAKER}")
        + f" + {callers.FOUND_USER}",
    ),
    Check(
        "object.metadata.?ownerReferences.orValue([]).size() == 1 &&"
        " object.metadata.ownerReferences.all(o, o.kind == 'ReplicaSet' &&"
        " o.apiVersion == 'apps/v1' && o.?controller.orValue(false))",
        literal("metadata.ownerReferences: must be one ReplicaSet of apps/v1 as controller"),
    ),
    Check(
        f"request.operation == 'CREATE' || {_images('object')} == {_images('oldObject')}",
        literal("spec.containers.image: must not change; a model pod is replaced, never altered"),
    ),
    Check(
        "request.?subResource.orValue('') != 'resize'",
        literal(
            "pods/resize: not accepted for a model pod: a gateway without room answers nobody;"
            " change spec.engine.resources of the ModelDeployment"
        ),
    ),
    _keys("metadata.labels", "variables.labels", LABEL_KEYS),
    _keys("metadata.annotations", "variables.annotations", _ANNOTATION_KEYS),
)

MODEL_PODS = Policy(
    name="casemate-model-pods",
    targets=(Target("", ("pods", "pods/ephemeralcontainers", "pods/resize")),),
    when={"model-pod": ours("object"), "new-or-changed": _CHANGED},
    variables={
        **CONTAINERS,
        **VOLUMES,
        "labels": labels("object"),
        "annotations": annotations("object"),
        "names": "variables.inits.map(c, c.name)",
        "at": "variables.names.indexOf('gateway')",
        "gateways": "variables.inits.filter(c, c.name == 'gateway')",
    },
    checks=(*_ORIGIN, _UNNOTED, *SHAPE, *HOSTLESS, *HARDENED, *MODEL_VOLUMES),
)

OTHER_PODS = Policy(
    name="casemate-other-pods",
    targets=(Target("", ("pods", "pods/ephemeralcontainers")),),
    when={"other-pod": f"!({ours('object')})", "new-or-changed": _CHANGED},
    variables={
        **CONTAINERS,
        **VOLUMES,
        "labels": labels("object"),
        "annotations": annotations("object"),
    },
    checks=(
        # A pod without the label has no gateway: it could serve a model that nobody guards.
        Check(
            f"request.operation != 'CREATE' || {callers.LOADS}",
            literal(
                "pods: in an enclave only model pods are accepted, and pods that load weights from"
                " who has the RBAC verb load on modeldeployments.casemate.dev in this namespace;"
                " run clients in another namespace"
            )
            + f" + {callers.FOUND_USER}",
        ),
        Check(
            "object.spec.?restartPolicy.orValue('') != 'Always' &&"
            " object.spec.?activeDeadlineSeconds.orValue(0) > 0 &&"
            f" object.spec.?activeDeadlineSeconds.orValue(0) <= {_LONGEST_LOAD}",
            literal(
                "spec.restartPolicy, spec.activeDeadlineSeconds: a pod that loads weights must end:"
                f" accepted are Never or OnFailure, and 1 to {_LONGEST_LOAD} seconds"
            ),
        ),
        *HOSTLESS,
        _UNNOTED,
        Check(
            f"!variables.labels.exists(k, k.startsWith({literal(PREFIX)}))",
            literal(f"metadata.labels: {PREFIX}* is accepted on model pods only"),
        ),
        Check(
            "!object.spec.?serviceAccountName.orValue('').endsWith('-model')",
            literal(
                "spec.serviceAccountName: names that end in -model are accepted for model pods"
                " only; found "
            )
            + " + object.spec.serviceAccountName",
        ),
    ),
    enclaves_only=True,
)
