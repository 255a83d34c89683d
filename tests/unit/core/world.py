"""A small model of the API server's side: what becomes of objects that are applied.

It defaults, canonicalises, leaves out empty values and keeps managedFields, as far as a child of a
ModelDeployment meets that. Snapshots come out of the real Store, fed with what it shows.
"""

from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime
from json import dumps
from typing import Any

from casemate.api.v1alpha1 import API_VERSION, KIND
from casemate.cluster.keys import Key
from casemate.cluster.store import Store
from casemate.core.isolation import Words
from casemate.core.names import GUARD_ANNOTATION, MANAGED_BY, NAME_LABEL
from casemate.core.observed import (
    GuardBundle,
    Isolation,
    Observed,
    Ref,
    Replica,
    Settings,
    Trouble,
)
from casemate.core.plan import Plan, plan
from casemate.isolation.targets import Protocol, Target
from support.terms import terms
from unit.api.cases import SPEC, Json

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DIGEST = "sha256:" + "0b" * 32
_API_SERVER = Target(Protocol.TCP, "10.96.0.1", 443, "API server")
WARDENS = (Replica("casemate-warden-0", "10.96.7.7"), Replica("casemate-warden-1", "10.96.7.8"))
ISOLATION = Isolation(WARDENS, "casemate-system", (_API_SERVER,))
SETTINGS = Settings(
    gateway_image=f"registry.enclave.local/casemate/casemate@{DIGEST}",
    isolation=ISOLATION,
    guard_bundle=GuardBundle(f"sha256:{'0c' * 32}", 20_260_201),
)
UID = "uid-of-the-deployment"

CONTAINER_DEFAULTS = {
    "imagePullPolicy": "IfNotPresent",
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
POD_DEFAULTS = {"restartPolicy": "Always", "schedulerName": "default-scheduler"}
CANONICAL: dict[str | int, str] = {"1000m": "1", "1024Mi": "1Gi", "0.5": "500m", 2: "2"}
ATOMIC = {"podSelector", "namespaceSelector", "matchLabels", "selector"}
ITEM_KEYS = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "imagePullSecrets": ("name",),
    "volumeMounts": ("mountPath",),
    "ports": ("containerPort", "port", "protocol"),
    "ownerReferences": ("uid",),
}
"""Lists whose items are merged by these keys; every other list is atomic."""
POINTERS = {"podSelector", "namespaceSelector", "emptyDir", "resources"}
"""Fields that stay although they are empty."""
MAPS = (".matchLabels", ".labels", ".annotations")
"""Open maps, where empty text is a value like any other."""


class World:
    """One ModelDeployment and its children, as a cluster would hold them."""

    def __init__(self, spec: Any = None, name: str = "m", namespace: str = "models") -> None:
        self.key = Key(namespace, name)
        self.objects: dict[Ref, Json] = {}
        self.pods: list[Json] = []
        self.terms: list[Json] = terms()
        self.doubt = ""
        self.switches: list[Json] | None = []
        """None: nobody can tell."""
        self.words = Words()
        self._version = 100
        meta = {
            "name": name,
            "namespace": namespace,
            "uid": UID,
            "generation": 1,
            "creationTimestamp": "2026-02-01T00:00:00Z",
        }
        self.parent: Json = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": meta,
            "spec": SPEC if spec is None else spec,
            "status": {"observedGeneration": -1},
        }

    def observed(self, trouble: Trouble | None = None) -> Observed:
        store = Store()
        store.terms.doubt = lambda: self.doubt
        store.words = self.words
        if self.switches is not None:
            store.switches.heard()
        for number, body in enumerate(self.switches or ()):
            made = {"uid": f"s-{number}", "creationTimestamp": f"2026-03-01T00:00:0{number}Z"}
            store.switches.put(self._numbered({**body, "metadata": body["metadata"] | made}))
        for body in self.terms:
            store.terms.put(body["kind"], self._numbered(body))
        for kind, body in (
            (KIND, self.parent),
            *((ref.kind, body) for ref, body in self.objects.items()),
            *(("Pod", pod) for pod in self.pods),
        ):
            store.put(kind, self._numbered(body))
        found = store.gather(self.key, trouble)
        assert found is not None
        return found

    def plan(self, settings: Settings = SETTINGS, now: datetime = NOW) -> Plan:
        return plan(self.observed(), settings, now)

    def carry_out(self, wanted: Plan) -> None:
        """What the API server does with all writes of a plan."""
        for ref, uid in wanted.prune:
            assert self.objects[ref]["metadata"]["uid"] == uid
            del self.objects[ref]
        for stage in wanted.stages:
            for one in stage:
                self.apply(one.body)
        if wanted.status is not None:
            self.parent["status"] = deepcopy(dict(wanted.status))

    def apply(self, body: Mapping[str, Any]) -> None:
        ref = Ref(body["kind"], body["metadata"]["name"])
        kept = _kept(deepcopy(dict(body)))
        before = self.objects.get(ref, {}).get("metadata", {})
        kept["metadata"] |= {
            "uid": before.get("uid", f"uid-of-{ref.kind}-{ref.name}"),
            "generation": before.get("generation", 0) + 1,
            "creationTimestamp": "2026-03-01T12:00:00Z",
            "managedFields": [_entry(body)],
        }
        if ref.kind == "Deployment":
            _default_deployment(kept)
        self.objects[ref] = kept

    def settle(self) -> "World":
        """Carries plans out until nothing is left to write."""
        for _ in range(4):
            wanted = self.plan()
            if not wanted.writes and wanted.status is None:
                return self
            self.carry_out(wanted)
        raise AssertionError("there is always something left to write")

    def roll_out(self, **counts: int) -> "World":
        """The Deployment's controller reports; by default, that everything is available."""
        live = self.deployment
        wanted = live["spec"]["replicas"]
        full = {"replicas": wanted, "updatedReplicas": wanted, "readyReplicas": wanted}
        live["status"] = {
            "observedGeneration": live["metadata"]["generation"],
            **full,
            "availableReplicas": wanted,
            **counts,
        }
        return self

    def edit(self, ref: Ref, fields: Json, manager: str = "kubectl-edit", **entry: str) -> Json:
        """Says in managedFields that somebody wrote `fields`; returns the body to be changed."""
        body = self.objects[ref]
        body["metadata"]["managedFields"].append(
            {"manager": manager, "operation": "Update", "fieldsV1": fields, **entry}
        )
        return body

    @property
    def deployment(self) -> Json:
        return self.objects[Ref("Deployment", self.key.name)]

    @property
    def policy(self) -> str:
        """Digest of the guard policy that new pods are made for."""
        template = self.deployment["spec"]["template"]["metadata"]
        return str(template["annotations"][GUARD_ANNOTATION])

    def _numbered(self, body: Mapping[str, Any]) -> Json:
        self._version += 1
        version = {"resourceVersion": str(self._version)}
        return {**body, "metadata": {**body["metadata"], **version}}


def ready(spec: Any = None) -> World:
    """A deployment that serves, with a status that says so."""
    return World(spec).settle().roll_out().settle()


def pod(name: str = "m-1", **status: Any) -> Json:
    labels = {NAME_LABEL: "m", "app.kubernetes.io/managed-by": MANAGED_BY}
    meta = {"name": name, "namespace": "models", "uid": f"uid-of-{name}", "labels": labels}
    return {"metadata": meta, "status": status}


def guarded_pod(policy: str, name: str = "m-1", *, ready: bool = True) -> Json:
    """A pod that was made for a guard policy."""
    made = pod(name, conditions=[{"type": "Ready", "status": str(ready)}])
    made["metadata"]["annotations"] = {GUARD_ANNOTATION: policy}
    return made


def conditions(status: Mapping[str, Any] | None) -> dict[str, Json]:
    assert status is not None
    return {one["type"]: one for one in status["conditions"]}


def _kept(value: Any, path: str = "") -> Any:
    """What the API server stores of a value: no empty text, no empty map or list in structures."""
    if path.endswith(MAPS):
        return value
    if isinstance(value, dict):
        kept = {key: _kept(one, f"{path}.{key}") for key, one in value.items()}
        return {key: one for key, one in kept.items() if key in POINTERS or one not in ("", {}, [])}
    if isinstance(value, list):
        return [_kept(one, path) for one in value]
    return CANONICAL.get(value, value) if ".resources." in path else value


def _entry(body: Mapping[str, Any]) -> Json:
    """Our own entry in managedFields: everything that we applied."""
    applied = {key: value for key, value in body.items() if key not in ("apiVersion", "kind")}
    meta = {key: body["metadata"][key] for key in ("labels", "annotations", "ownerReferences")}
    fields = owned(applied | {"metadata": meta})
    return {"manager": "casemate", "operation": "Apply", "fieldsV1": fields}


def owned(value: Any, name: str = "") -> Json:
    """fieldsV1 of a value, as the types of Kubernetes say which maps and lists are merged."""
    if isinstance(value, dict) and name not in ATOMIC:
        return {f"f:{key}": owned(one, key) for key, one in value.items()}
    if isinstance(value, list) and name in ITEM_KEYS:
        return dict(_item(one, ITEM_KEYS[name]) for one in value)
    return {}


def _item(one: Json, keys: tuple[str, ...]) -> tuple[str, Json]:
    named = {key: one[key] for key in keys if key in one}
    return "k:" + dumps(named, separators=(",", ":")), {".": {}} | owned(one)


def _default_deployment(body: Json) -> None:
    spec = body["spec"]
    spec["progressDeadlineSeconds"] = 600
    template = spec["template"]
    template["metadata"]["creationTimestamp"] = None
    pod_spec = template["spec"]
    pod_spec.update(POD_DEFAULTS | {"serviceAccount": pod_spec["serviceAccountName"]})
    for container in (*pod_spec["initContainers"], *pod_spec["containers"]):
        container.update(CONTAINER_DEFAULTS)
    body["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "1"
    body["metadata"]["managedFields"].append(
        {
            "manager": "kube-controller-manager",
            "operation": "Update",
            "fieldsV1": {
                "f:metadata": {
                    "f:annotations": {".": {}, "f:deployment.kubernetes.io/revision": {}}
                },
                "f:status": {"f:replicas": {}},
            },
        }
    )
