"""Pairs of pods that begin from a pod as the operator renders it, or as a client has it."""

from api.admission.bodies import ABSENT, IMAGE, model_pod, owner, sidecar
from api.admission.pairs import Pair

GATE = "/spec/initContainers/0"
GATEWAY = "/spec/initContainers/1"
ENGINE = "/spec/containers/0"
_TOKEN = {"serviceAccountToken": {"path": "t", "audience": "casemate-warden"}}
_OTHER_TOKEN = {"serviceAccountToken": {"path": "t", "audience": "kubernetes"}}
_CERTIFICATE = {"signerName": "casemate.dev/gateway", "keyType": "ED25519", "keyPath": "k"}
_CERTIFICATE |= {"certificateChainPath": "c"}
_GUARD = sidecar("guardrail-words", restartPolicy="Always")
_START, _GATEWAY = model_pod()["spec"]["initContainers"]
_NEXT = len(model_pod()["spec"]["volumes"])
_ARGS = _GATEWAY["args"]
_TOLD = next(place for place, one in enumerate(_ARGS) if one.startswith("--guard-policy-digest="))
_NAMES = _ARGS.index("--identity=warden")
_OTHER_POLICY = f"sha256:{'0' * 64}"
_MARKED = "/metadata/annotations/casemate.dev~1guard-policy"
_TAGGED = "registry.enclave.local/tools/t:1"


def _volume(**source: object) -> dict[str, object]:
    return {f"/spec/volumes/{_NEXT}": {"name": "more", **source}}


ORIGIN = [
    Pair(
        "a pod without an owner",
        {"/metadata/ownerReferences": ABSENT},
        ("metadata.ownerReferences", "one ReplicaSet"),
    ),
    Pair(
        "a pod of another kind of owner",
        {"/metadata/ownerReferences": [owner("StatefulSet")]},
        ("metadata.ownerReferences", "one ReplicaSet"),
    ),
    Pair(
        "a ReplicaSet of another group",
        {"/metadata/ownerReferences": [owner(group="example.org/v1")]},
        ("metadata.ownerReferences", "apps/v1"),
    ),
    Pair(
        "a second owner",
        {"/metadata/ownerReferences/1": {**owner(), "uid": "u-2", "controller": False}},
        ("metadata.ownerReferences", "must be one"),
    ),
    Pair(
        "a label that others may select by",
        {"/metadata/labels/app": "client"},
        ("metadata.labels app;", "accepted are app.kubernetes.io/"),
        {"/metadata/labels/app.kubernetes.io~1version": "1"},
    ),
    Pair(
        "an annotation that asks a network for more",
        {"/metadata/annotations/k8s.v1.cni.cncf.io~1networks": "other"},
        ("metadata.annotations k8s.v1.cni.cncf.io/networks;", "accepted are prometheus.io/"),
        {"/metadata/annotations/kubectl.kubernetes.io~1restartedAt": "now"},
    ),
]

SHAPE = [
    Pair(
        "a second container",
        {"/spec/containers/1": sidecar("extra")},
        ("spec.containers", "exactly engine", "found engine, extra"),
    ),
    Pair(
        "no readiness gate",
        {"/spec/readinessGates": [{"conditionType": "example.org/other"}]},
        ("spec.readinessGates", "must hold casemate.dev/network-isolated"),
        {"/spec/readinessGates/1": {"conditionType": "example.org/other"}},
    ),
    Pair(
        "an engine of another name",
        {f"{ENGINE}/name": "server"},
        ("spec.containers", "exactly engine", "found server"),
    ),
    Pair(
        "no gateway",
        {"/spec/initContainers": []},
        ("spec.initContainers", "one native sidecar named gateway"),
    ),
    Pair(
        "a gateway that ends",
        {
            f"{GATEWAY}/restartPolicy": ABSENT,
            f"{GATEWAY}/startupProbe": ABSENT,
            f"{GATEWAY}/livenessProbe": ABSENT,
            f"{GATEWAY}/readinessProbe": ABSENT,
        },
        ("spec.initContainers.restartPolicy", "container gateway", "must be Always"),
    ),
    Pair(
        "an init container of an unknown name",
        {"/spec/initContainers/2": sidecar("helper", restartPolicy="Always")},
        ("spec.initContainers", "container helper", "begin with guardrail-"),
        {"/spec/initContainers/2": _GUARD},
    ),
    Pair(
        "a guardrail that ends",
        {"/spec/initContainers/2": sidecar("guardrail-words")},
        ("spec.initContainers.restartPolicy", "guardrail-words", "must be Always"),
        {"/spec/initContainers/2": _GUARD},
    ),
    Pair(
        "a start gate that never ends",
        {f"{GATE}/restartPolicy": "Always"},
        ("spec.initContainers.restartPolicy", "start-gate", "which must end"),
    ),
    Pair(
        "a start gate after the gateway",
        {"/spec/initContainers/2": _START, GATE: ABSENT},
        ("spec.initContainers", "must begin with start-gate", "found gateway, start-gate"),
    ),
    Pair(
        "no start gate",
        {GATE: ABSENT},
        ("spec.initContainers", "must begin with start-gate", "found gateway"),
    ),
    Pair(
        "a start gate of another program",
        {f"{GATE}/args/0": "gateway"},
        ("args and command of container start-gate", "must be start-gate as first argument"),
        {f"{GATE}/args/4": "--closed=tcp:10.0.0.1:443"},
    ),
    Pair(
        "a start gate with a command",
        {f"{GATE}/command": ["/bin/true"]},
        ("args and command of container start-gate", "no command"),
        {f"{ENGINE}/command": ["/bin/true"]},
    ),
    Pair(
        "a check of the weights after the gateway",
        {"/spec/initContainers/2": sidecar("verify")},
        ("spec.initContainers", "start-gate and verify, then gateway", "found start-gate, gateway"),
        {"/spec/initContainers/1": sidecar("verify"), "/spec/initContainers/2": _GATEWAY},
    ),
    Pair(
        "another first argument",
        {f"{GATEWAY}/args/0": "operator"},
        ("args and command", "container gateway", "gateway as first argument"),
        {f"{GATEWAY}/args/1": "--listen=[::]:8443"},
    ),
    Pair(
        "a command of another program",
        {f"{GATEWAY}/command": ["/bin/true"]},
        ("args and command", "container gateway", "no command"),
        {f"{ENGINE}/command": ["/bin/true"]},
    ),
    *(
        Pair(
            f"a gateway {what}",
            changes,
            ("args of container gateway", "must have --guard-policy and --guard-policy-digest"),
            accepted,
        )
        for what, changes, accepted in (
            (
                "without a policy",
                {f"{GATEWAY}/args": _ARGS[: _TOLD - 1]},
                {f"{GATEWAY}/args": [*_ARGS, "--listen=0.0.0.0:8443"]},
            ),
            (
                "under another policy than its pod says",
                {f"{GATEWAY}/args/{_TOLD}": f"--guard-policy-digest={_OTHER_POLICY}"},
                {
                    f"{GATEWAY}/args/{_TOLD}": f"--guard-policy-digest={_OTHER_POLICY}",
                    _MARKED: _OTHER_POLICY,
                },
            ),
            (
                "with a file of another place",
                {f"{GATEWAY}/args/{_TOLD - 1}": "--guard-policy=/tmp/policy.json"},
                {},
            ),
            (
                "with a bundle of its own",
                {f"{GATEWAY}/args/{len(_ARGS)}": "--guard-bundle=/tmp/bundle.bin"},
                {f"{GATEWAY}/args/{len(_ARGS)}": "--engine-health=/health"},
            ),
            (
                "with an abbreviated option at the end",
                {f"{GATEWAY}/args/{len(_ARGS)}": f"--guard-policy-dig={_OTHER_POLICY}"},
                {},
            ),
            ("whose pod says nothing of a policy", {_MARKED: ABSENT}, {}),
        )
    ),
    *(
        Pair(
            f"a gateway that {what}",
            changes,
            ("args of container gateway", "must have --identity=warden, once, and no other"),
            {f"{GATEWAY}/args/{len(_ARGS)}": "--idle-timeout=5"},
        )
        for what, changes in (
            ("asks nobody for a name", {f"{GATEWAY}/args/{_NAMES}": "--identity=anonymous"}),
            ("does not say who names callers", {f"{GATEWAY}/args/{_NAMES}": "--idle-timeout=5"}),
            (
                "takes it back at the end",
                {f"{GATEWAY}/args/{len(_ARGS)}": "--identity=anonymous"},
            ),
            (
                "takes it back in two words",
                {
                    f"{GATEWAY}/args/{len(_ARGS)}": "--identity",
                    f"{GATEWAY}/args/{len(_ARGS) + 1}": "anonymous",
                },
            ),
            (
                "takes it back by an abbreviation",
                {f"{GATEWAY}/args/{len(_ARGS)}": "--ide=anonymous"},
            ),
        )
    ),
    Pair(
        "a further port of the gateway",
        {f"{GATEWAY}/ports/2": {"name": "more", "containerPort": 8000}},
        ("ports.containerPort", "container gateway", "must be 8443 or 9090"),
        {f"{GATEWAY}/ports/1": ABSENT},
    ),
    Pair(
        "a port of the engine",
        {f"{ENGINE}/ports": [{"containerPort": 8443}]},
        ("ports of container engine", "only container gateway has ports"),
        {f"{ENGINE}/ports": []},
    ),
    Pair(
        "another account",
        {"/spec/serviceAccountName": "other-model"},
        ("spec.serviceAccountName", "must be m-model"),
    ),
    Pair(
        "a mounted account token",
        {"/spec/automountServiceAccountToken": True},
        ("spec.automountServiceAccountToken", "must be false"),
    ),
    Pair(
        "a token mounted by default",
        {"/spec/automountServiceAccountToken": ABSENT},
        ("spec.automountServiceAccountToken", "must be false"),
    ),
    Pair(
        "processes shared between containers",
        {"/spec/shareProcessNamespace": True},
        ("spec.shareProcessNamespace", "must be false"),
        {"/spec/shareProcessNamespace": False},
    ),
]

HOST = [
    Pair(
        f"{field} of a model pod",
        {f"/spec/{field}": True},
        (field, "must be false or absent"),
        {f"/spec/{field}": False},
    )
    for field in ("hostPID", "hostIPC")
] + [
    Pair(
        "hostUsers of a model pod",
        {"/spec/hostUsers": True},
        ("hostUsers", "must be false or absent"),
        {"/spec/hostUsers": False},
    ),
    Pair(
        "the network of the node",
        {
            "/spec/hostNetwork": True,
            f"{GATEWAY}/ports/0/hostPort": 8443,
            f"{GATEWAY}/ports/1/hostPort": 9090,
        },
        ("spec.hostNetwork", "must be false or absent"),
        {"/spec/hostNetwork": False},
    ),
    Pair(
        "a port of the node",
        {f"{GATEWAY}/ports/0/hostPort": 8443},
        ("ports.hostPort", "container gateway", "no port of the node"),
        {f"{GATEWAY}/ports/0/hostPort": 0},
    ),
    Pair(
        "a folder of the node",
        _volume(hostPath={"path": "/"}),
        ("spec.volumes more", "hostPath is not accepted"),
        _volume(emptyDir={}),
    ),
]

CONTAINER = [
    Pair(
        "a privileged engine",
        {
            f"{ENGINE}/securityContext/privileged": True,
            f"{ENGINE}/securityContext/allowPrivilegeEscalation": ABSENT,
        },
        ("securityContext.privileged", "container engine", "must be false"),
        {f"{ENGINE}/securityContext/privileged": False},
    ),
    Pair(
        "an added capability",
        {f"{ENGINE}/securityContext/capabilities/add": ["NET_BIND_SERVICE"]},
        ("capabilities.add", "container engine", "must be empty"),
        {f"{ENGINE}/securityContext/capabilities/add": []},
    ),
    Pair(
        "capabilities that are kept",
        {f"{ENGINE}/securityContext/capabilities": {"drop": ["NET_RAW"]}},
        ("capabilities.drop", "container engine", "must hold ALL"),
        {f"{ENGINE}/securityContext/capabilities": {"drop": ["NET_RAW", "ALL"]}},
    ),
    Pair(
        "privileges that can be gained",
        {f"{GATEWAY}/securityContext/allowPrivilegeEscalation": True},
        ("allowPrivilegeEscalation", "container gateway", "must be false"),
    ),
    Pair(
        "privileges that can be gained by default",
        {f"{GATEWAY}/securityContext/allowPrivilegeEscalation": ABSENT},
        ("allowPrivilegeEscalation", "container gateway", "must be false"),
    ),
    Pair(
        "a root file system that can be written",
        {f"{ENGINE}/securityContext/readOnlyRootFilesystem": False},
        ("readOnlyRootFilesystem", "container engine", "must be true"),
    ),
    Pair(
        "a container that may run as root although the pod may not",
        {f"{ENGINE}/securityContext/runAsNonRoot": False},
        ("runAsNonRoot", "container engine", "must be true"),
        {f"{ENGINE}/securityContext/runAsNonRoot": True},
    ),
    Pair(
        "a pod that may run as root",
        {"/spec/securityContext/runAsNonRoot": ABSENT},
        ("runAsNonRoot", "start-gate, gateway, engine", "on the pod or the container"),
        {
            "/spec/securityContext/runAsNonRoot": ABSENT,
            f"{GATE}/securityContext/runAsNonRoot": True,
            f"{GATEWAY}/securityContext/runAsNonRoot": True,
            f"{ENGINE}/securityContext/runAsNonRoot": True,
        },
    ),
    *(
        Pair(
            f"a tag for {name}",
            {f"{place}/image": _TAGGED},
            (f"image of container {name}", "must be by digest"),
            {f"{place}/image": IMAGE},
        )
        for name, place in (("gateway", GATEWAY), ("engine", ENGINE))
    ),
    Pair(
        "a hook",
        {f"{ENGINE}/lifecycle": {"preStop": {"exec": {"command": ["x"]}}}},
        ("lifecycle of container engine", "must be absent"),
    ),
    *(
        Pair(
            f"a program as {probe}",
            {f"{ENGINE}/{probe}": {"exec": {"command": ["x"]}}},
            (probe, "container engine", "must not have exec"),
            {f"{ENGINE}/{probe}": {"httpGet": {"path": "/", "port": 8000}}},
        )
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    ),
]

VOLUMES = [
    Pair(
        "a Secret",
        _volume(secret={"secretName": "s"}),
        ("spec.volumes more", "must be one of configMap, emptyDir"),
        _volume(persistentVolumeClaim={"claimName": "c"}),
    ),
    Pair(
        "a volume of the network",
        _volume(nfs={"server": "192.0.2.1", "path": "/"}),
        ("spec.volumes more", "must be one of configMap, emptyDir"),
        _volume(emptyDir={"medium": "Memory"}),
    ),
    Pair(
        "an image volume by tag",
        _volume(image={"reference": _TAGGED}),
        ("spec.volumes more", "image.reference must be by digest"),
        _volume(image={"reference": IMAGE}),
    ),
    Pair(
        "a token for the API server",
        _volume(projected={"sources": [_OTHER_TOKEN]}),
        ("spec.volumes more", "audience casemate-warden"),
        _volume(projected={"sources": [_TOKEN]}),
    ),
    Pair(
        "a ConfigMap beside the token",
        _volume(projected={"sources": [_TOKEN, {"configMap": {"name": "c"}}]}),
        ("spec.volumes more", "projected must only have"),
        _volume(projected={"sources": [_TOKEN, {"podCertificate": _CERTIFICATE}]}),
    ),
    Pair(
        "a ConfigMap of another name",
        _volume(configMap={"name": "kube-root-ca.crt"}),
        ("spec.volumes more", "configMap must be the deployment's own NAME-guard"),
        _volume(configMap={"name": "m-guard"}),
    ),
    Pair(
        "the policy of another deployment",
        _volume(configMap={"name": "other-guard"}),
        ("spec.volumes more", "configMap must be the deployment's own NAME-guard"),
        _volume(configMap={"name": "m-guard"}),
    ),
    Pair(
        "an engine that sees the policy",
        {f"{ENGINE}/volumeMounts/3": {"name": "guard", "mountPath": "/guard"}},
        ("volumeMounts of container engine", "only container gateway"),
        {f"{ENGINE}/volumeMounts/3": {"name": "tmp", "mountPath": "/guard"}},
    ),
    Pair(
        "a bundle of another CA",
        _volume(projected={"sources": [{"clusterTrustBundle": {"name": "x", "path": "c"}}]}),
        ("spec.volumes more", "clusterTrustBundle casemate.dev:gateway:ca"),
        _volume(
            projected={
                "sources": [
                    {"clusterTrustBundle": {"name": "casemate.dev:gateway:ca", "path": "c"}}
                ]
            }
        ),
    ),
    Pair(
        "a certificate of another signer",
        _volume(
            projected={"sources": [{"podCertificate": {**_CERTIFICATE, "signerName": "x.dev/y"}}]}
        ),
        ("spec.volumes more", "signer casemate.dev/gateway"),
        _volume(projected={"sources": [{"podCertificate": _CERTIFICATE}]}),
    ),
    Pair(
        "an engine that sees the key",
        {f"{ENGINE}/volumeMounts/3": {"name": "tls", "mountPath": "/tls"}},
        ("volumeMounts of container engine", "only container gateway"),
        {f"{ENGINE}/volumeMounts/3": {"name": "tmp", "mountPath": "/tls"}},
    ),
]

CLIENT = "/spec/containers/0"

OTHERS = [
    Pair(
        "a loader without an end",
        {"/spec/activeDeadlineSeconds": ABSENT},
        ("spec.activeDeadlineSeconds", "1 to 86400 seconds"),
        {"/spec/activeDeadlineSeconds": 1},
    ),
    Pair(
        "a loader that ends after more than a day",
        {"/spec/activeDeadlineSeconds": 86_401},
        ("spec.activeDeadlineSeconds", "1 to 86400 seconds"),
        {"/spec/activeDeadlineSeconds": 86_400},
    ),
    Pair(
        "a loader that is always restarted",
        {"/spec/restartPolicy": "Always"},
        ("spec.restartPolicy", "accepted are Never or OnFailure"),
        {"/spec/restartPolicy": "OnFailure"},
    ),
    *(
        Pair(
            f"{field} of a client",
            {f"/spec/{field}": True},
            (field, "must be false or absent"),
            {f"/spec/{field}": False},
        )
        for field in ("hostNetwork", "hostPID", "hostIPC")
    ),
    Pair(
        "a client with a folder of the node",
        {"/spec/volumes": [{"name": "root", "hostPath": {"path": "/"}}]},
        ("spec.volumes root", "hostPath is not accepted"),
        {"/spec/volumes": [{"name": "root", "secret": {"secretName": "s"}}]},
    ),
    Pair(
        "a privileged client",
        {f"{CLIENT}/securityContext": {"privileged": True}},
        ("securityContext.privileged", "container client", "must be false"),
        {f"{CLIENT}/securityContext": {"privileged": False}},
    ),
    Pair(
        "a client with a capability",
        {f"{CLIENT}/securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}},
        ("capabilities.add", "container client", "must be empty"),
        {f"{CLIENT}/securityContext": {"capabilities": {"drop": ["ALL"]}}},
    ),
    Pair(
        "a client on a port of the node",
        {f"{CLIENT}/ports": [{"containerPort": 80, "hostPort": 80}]},
        ("ports.hostPort", "container client", "no port of the node"),
        {f"{CLIENT}/ports": [{"containerPort": 80}]},
    ),
    Pair(
        "a client with a label of ours",
        {"/metadata/labels/casemate.dev~1role": "x"},
        ("metadata.labels", "accepted on model pods only"),
        {"/metadata/labels/example.org~1role": "x"},
    ),
    Pair(
        "a client with a model's account",
        {"/spec/serviceAccountName": "m-model"},
        ("spec.serviceAccountName", "for model pods only; found m-model"),
        {"/spec/serviceAccountName": "m-models"},
    ),
]
