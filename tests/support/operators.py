"""The operator as a process of its own against a real API server, with the rights of the chart."""

import json
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import yaml

from casemate.core.names import WARDEN_PORT
from casemate.core.observed import Isolation, Replica
from enclave.controlplane import ControlPlane, free_ports
from enclave.kubeapi import ApiError, KubeApi
from enclave.waiting import until
from support.charts import Helm
from support.terms import AGREEMENT, terms

Json = dict[str, Any]

PROJECT = Path(__file__).resolve().parents[2]
SYSTEM = "casemate-system"
USER = f"system:serviceaccount:{SYSTEM}:casemate-operator"
GROUPS = ("system:serviceaccounts", f"system:serviceaccounts:{SYSTEM}", "system:authenticated")
DIGEST = f"sha256:{'a' * 64}"
GATEWAY_IMAGE = f"registry.enclave.local/casemate/casemate@{DIGEST}"
TERMS_WRITES = {"usageagreements/status", "suppliers/status", "termsindexes"}
"""Counts that are gathered over all deployments, and the index of what there is."""
WARDENS = (Replica("casemate-warden-0", "10.96.7.7"), Replica("casemate-warden-1", "10.96.7.8"))
ISOLATION = Isolation(WARDENS, SYSTEM)
"""What the operator finds here: a warden, and neither API server nor DNS as a pod has them."""
GATEWAY_SIDECAR: Json = {
    "name": "gateway",
    "image": GATEWAY_IMAGE,
    "args": ["gateway"],
    "restartPolicy": "Always",
}
"""What a pod with our label needs to be accepted by every API server that the tests start."""
WRITES = {"create", "update", "patch", "delete"}

_PATHS = {
    "ModelDeployment": ("/apis/casemate.dev/v1alpha1", "modeldeployments"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "ReplicaSet": ("/apis/apps/v1", "replicasets"),
    "Service": ("/api/v1", "services"),
    "ConfigMap": ("/api/v1", "configmaps"),
    "ServiceAccount": ("/api/v1", "serviceaccounts"),
    "Pod": ("/api/v1", "pods"),
    "Secret": ("/api/v1", "secrets"),
    "NetworkPolicy": ("/apis/networking.k8s.io/v1", "networkpolicies"),
    "PodDisruptionBudget": ("/apis/policy/v1", "poddisruptionbudgets"),
    "Lease": ("/apis/coordination.k8s.io/v1", "leases"),
    "Event": ("/apis/events.k8s.io/v1", "events"),
    "TermsIndex": ("/apis/casemate.dev/v1alpha1", "termsindexes"),
    "UsageAgreement": ("/apis/casemate.dev/v1alpha1", "usageagreements"),
    "Supplier": ("/apis/casemate.dev/v1alpha1", "suppliers"),
    "KillSwitch": ("/apis/casemate.dev/v1alpha1", "killswitches"),
}
_CLUSTER_WIDE = {"UsageAgreement", "Supplier", "TermsIndex", "KillSwitch"}


def path(kind: str, namespace: str, name: str = "", sub: str = "") -> str:
    """The URL path of objects of a kind."""
    root, plural = _PATHS[kind]
    tail = "".join(f"/{part}" for part in (name, sub) if part)
    inside = "" if kind in _CLUSTER_WIDE else f"/namespaces/{namespace}"
    return f"{root}{inside}/{plural}{tail}"


@dataclass
class Api:
    """An API server as its administrator sees it."""

    plane: ControlPlane
    client: KubeApi = field(init=False)
    _entries: list[Json] = field(default_factory=list)
    _read: int = 0
    """Bytes of the audit log that are in `_entries`: it is too long to be read again each time."""

    def __post_init__(self) -> None:
        self.client = KubeApi.load(self.plane.kubeconfig)

    def get(self, kind: str, namespace: str, name: str) -> Json | None:
        try:
            found: Json = self.client.request("GET", path(kind, namespace, name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return found

    def items(self, kind: str, namespace: str) -> list[Json]:
        found: list[Json] = self.client.request("GET", path(kind, namespace))["items"]
        return found

    def create(self, body: Json) -> Json:
        meta = body["metadata"]
        made: Json = self.client.request(
            "POST", path(body["kind"], meta.get("namespace", "")), body
        )
        return made

    def patch(self, kind: str, namespace: str, name: str, body: Any, sub: str = "") -> None:
        """Merge patch for an object, JSON patch for a list; `fieldManager` is `intruder`."""
        media = "json-patch" if isinstance(body, list) else "merge-patch"
        target = f"{path(kind, namespace, name, sub)}?fieldManager=intruder"
        self.client.request("PATCH", target, body, f"application/{media}+json")

    def delete(self, kind: str, namespace: str, name: str, policy: str = "Background") -> None:
        target = f"{path(kind, namespace, name)}?propagationPolicy={policy}"
        self.client.request("DELETE", target)

    def namespace(self, name: str) -> str:
        self.client.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        return name

    def calls(self, user: str = USER) -> list[Json]:
        """What a user asked for so far, in order; watches and the Lease are left out."""
        return [
            entry
            for entry in self.entries()
            if entry["user"]["username"] == user
            and entry["verb"] != "watch"
            and entry.get("objectRef", {}).get("resource") != "leases"
        ]

    def entries(self) -> list[Json]:
        """All of the audit log so far, each request once it is answered."""
        assert self.plane.audit_log is not None
        with self.plane.audit_log.open("rb") as log:
            log.seek(self._read)
            for line in log:
                if line.endswith(b"\n"):  # the last one may still be on its way
                    self._read += len(line)
                    self._entries.append(json.loads(line))
        return self._entries

    def writes(self, user: str = USER) -> Counter[tuple[str, str]]:
        """How often a user wrote which kind of resource in which way; what was refused is none."""
        written = (c for c in self.calls(user) if c["verb"] in WRITES)
        found = (c for c in written if c["responseStatus"]["code"] < HTTPStatus.BAD_REQUEST)
        return Counter((c["verb"], _resource(c)) for c in found)

    def own_writes(self, user: str = USER) -> Counter[tuple[str, str]]:
        """The writes that deployments cost, without those that are gathered over all of them."""
        found = self.writes(user).items()
        return Counter({key: count for key, count in found if key[1] not in TERMS_WRITES})

    def counted(self) -> bool:
        """Whether agreements, suppliers and the index tell of all deployments that there are."""
        return not self.uncounted()

    def uncounted(self) -> list[str]:
        """Where `counted` fails."""
        everything = "/apis/casemate.dev/v1alpha1/modeldeployments"
        named = Counter(
            one["spec"]["agreementRef"]["name"]
            for one in self.client.request("GET", everything)["items"]
        )
        agreements, suppliers = self.items("UsageAgreement", ""), self.items("Supplier", "")
        told = {
            one["metadata"]["name"]: one.get("status", {}).get("deployments") for one in agreements
        }
        known = (self.get("TermsIndex", "", "casemate-terms") or {}).get("data") or {}
        there = {f"agreement.{name}" for name in told}
        there |= {f"supplier.{one['metadata']['name']}" for one in suppliers}
        return [
            *(f"{name}: {n}, not {named[name]}" for name, n in told.items() if n != named[name]),
            *(f"{name}: too much or too little in the index" for name in there ^ known.keys()),
            *(f"{name}: Unknown" for name, standing in known.items() if standing == "Unknown"),
        ]

    def forbidden(self, user: str = USER) -> list[str]:
        """What a user asked for without the right to."""
        decision = "authorization.k8s.io/decision"
        refused = (c for c in self.calls(user) if c["annotations"].get(decision) == "forbid")
        return [f"{call['verb']} {call['requestURI']}" for call in refused]


def _resource(call: Json) -> str:
    reference = call["objectRef"]
    return "/".join(filter(None, (reference["resource"], reference.get("subresource"))))


def install(plane: ControlPlane) -> Api:
    """Gives an API server the CRD, and the operator's account exactly the chart's rights."""
    api = Api(plane)
    for file in sorted((PROJECT / "crds").glob("*.yaml")):
        crd = yaml.safe_load(file.read_text())
        api.client.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)
    api.namespace(SYSTEM)
    for document in Helm().template():
        if "rbac" in document["apiVersion"]:
            group = f"/apis/{document['apiVersion']}"
            namespace = document["metadata"].get("namespace")
            inside = f"/namespaces/{namespace}" if namespace else ""
            kind = f"{document['kind'].lower()}s"
            api.client.request("POST", f"{group}{inside}/{kind}", document)
    until(lambda: _established(api), 30, "the CRDs never served")
    for body in terms():
        api.create(body)
    bring_warden(api)
    return api


def bring_warden(api: Api) -> None:
    """The Services of the warden's replicas, which the operator looks up: without endpoints."""
    for one in WARDENS:
        spec = {"ports": [{"name": "https", "port": WARDEN_PORT}], "clusterIP": one.address}
        meta = {"name": one.name, "namespace": SYSTEM}
        api.create({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec})


def _established(api: Api) -> bool:
    try:
        for kind in ("ModelDeployment", "UsageAgreement", "Supplier", "KillSwitch"):
            api.items(kind, "default")
    except ApiError:
        return False
    return True


@dataclass
class Operator:
    """A running operator."""

    process: subprocess.Popen[bytes]
    metrics_port: int
    health_port: int
    log: Path

    def fetch(self, port: int, where: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{where}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return self.fetch(self.health_port, "/readyz")[0] == 200

    def metric(self, name: str) -> float:
        """The value of one series, written as Prometheus prints it; 0 when it is not there."""
        for line in self.fetch(self.metrics_port, "/metrics")[1].splitlines():
            series, _, value = line.rpartition(" ")
            if series == name:
                return float(value)
        return 0.0

    def total(self, name: str) -> float:
        """The sum over all series of a metric, of which there must be one."""
        text = self.fetch(self.metrics_port, "/metrics")[1]
        series = [one for one in text.splitlines() if one.startswith(f"{name}{{")]
        assert series, f"{name} is not there"
        return sum(float(one.rpartition(" ")[2]) for one in series)

    def leads(self) -> bool:
        return self.metric("casemate_leader") == 1

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=15)


def start(plane: ControlPlane, log: Path, *extra: str, kubeconfig: Path | None = None) -> Operator:
    """Starts an operator and returns at once; `kubeconfig` leads it another way than directly."""
    metrics, health = free_ports(2)
    command = [sys.executable, "-m", "casemate", "operator", f"--gateway-image={GATEWAY_IMAGE}"]
    command += [f"--metrics-port={metrics}", f"--health-port={health}", *extra]
    credentials = kubeconfig or plane.client_config_for(USER, GROUPS)
    environment = {"KUBECONFIG": str(credentials), "PATH": "/usr/bin"}
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, stdin=subprocess.DEVNULL
        )
    return Operator(process, metrics, health, log)


@contextmanager
def running(
    plane: ControlPlane, log: Path, *extra: str, kubeconfig: Path | None = None
) -> Iterator[Operator]:
    """An operator that has read everything once, and leads if nobody else does."""
    operator = start(plane, log, *extra, kubeconfig=kubeconfig)
    try:
        until(operator.ready, 30, f"the operator never got ready: {log}")
        yield operator
    finally:
        if operator.process.poll() is None:
            operator.stop()


def model_deployment(name: str, namespace: str, **changed: Any) -> Json:
    """A ModelDeployment that is accepted as it is."""
    digest = f"sha256:{'0' * 64}"
    model = {
        "name": name,
        "supplier": "maker",
        "source": {"oci": {"image": f"registry.enclave.local/models/m@{digest}"}},
    }
    spec = {
        "model": model,
        "engine": {"image": f"registry.enclave.local/engines/e@{digest}"},
        "agreementRef": {"name": AGREEMENT},
        "use": "logistics-optimization",
        "owner": {"name": "Office", "contact": "office"},
        "access": {"clients": [{"podSelector": {"matchLabels": {"app": "client"}}}]},
        **changed,
    }
    meta = {"name": name, "namespace": namespace}
    return {
        "apiVersion": "casemate.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": meta,
        "spec": spec,
    }


def eventually(
    condition: Callable[[], bool], message: str | Callable[[], str], seconds: float = 60
) -> None:
    """Waits until something holds."""
    until(condition, seconds, message, every=0.05)
