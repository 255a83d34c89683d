"""An API server with terms and deployments in every state, and requests to it."""

import json
from dataclasses import dataclass, field
from typing import Any

import yaml

from api.admission_terms.states import DIGEST, EXISTING, PAST, STANDINGS, TERMS, md
from enclave.controlplane import ControlPlane
from enclave.kubeapi import ApiError, KubeApi
from enclave.waiting import until
from support.operators import PROJECT
from unit.api.cases import Json

DOMAIN = "/apis/casemate.dev/v1alpha1"
INDEXES = f"{DOMAIN}/termsindexes"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
PLACE, OUTSIDE = "terms", "outside"


def message_of(error: ApiError) -> str:
    """The sentence with which the API server refuses."""
    if error.status not in {403, 422}:
        raise error
    text: str = json.loads(str(error).partition(f" answered {error.status}: ")[2])["message"]
    return text


@dataclass
class World:
    """An API server with everything above, and the policies."""

    plane: ControlPlane
    admin: KubeApi = field(init=False)
    made: dict[str, Json] = field(default_factory=dict)
    """Deployments and agreements as stored, by path."""

    def __post_init__(self) -> None:
        self.admin = KubeApi.load(self.plane.kubeconfig)

    def user(self, name: str) -> KubeApi:
        return KubeApi.load(self.plane.client_config_for(name, ["system:authenticated"]))

    def install(self) -> None:
        """Gives the API server the kinds and two namespaces."""
        crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        for file in sorted((PROJECT / "crds").glob("*.yaml")):
            self.admin.request("POST", crds, yaml.safe_load(file.read_text()))
        until(self._served, 30, "the kinds never served")
        enclave = {"casemate.dev/enclave": "true"}
        for name, labels in ((PLACE, enclave), (OUTSIDE, {}), ("casemate-system", {})):
            body = {"metadata": {"name": name, "labels": labels}}
            self.admin.request("POST", "/api/v1/namespaces", body)

    def _served(self) -> bool:
        try:
            for plural in ("modeldeployments", "usageagreements", "suppliers"):
                self.admin.request("GET", f"{DOMAIN}/{plural}")
        except ApiError:
            return False
        return True

    def populate(self) -> None:
        """Makes deployments first, since some could not come later, then what judges them."""
        for name, spec in EXISTING.items():
            self.deploy(name, spec)
        self.deploy("stray", md(replicas=2), OUTSIDE)
        for name, (spec, status) in STANDINGS.items():
            self.define("Supplier", name, spec, status)
        for name, (spec, status) in TERMS.items():
            self.define("UsageAgreement", name, spec, status)
        for standing in ("phasing", "blocked", "open-lab"):
            self.take_inventory(standing)
        known = {f"agreement.{name}": "InForce" for name in TERMS}
        known |= {f"supplier.{name}": "Approved" for name in STANDINGS}
        self.index(known)

    def deploy(self, name: str, spec: Json, namespace: str = PLACE, client: Any = None) -> Json:
        where = f"{DOMAIN}/namespaces/{namespace}/modeldeployments"
        body = self.body("ModelDeployment", name, spec)
        stored: Json = (client or self.admin).request("POST", where, body)
        self.made[f"{where}/{name}"] = stored
        return stored

    def body(self, kind: str, name: str, spec: Json) -> Json:
        meta = {"name": name}
        return {"apiVersion": "casemate.dev/v1alpha1", "kind": kind, "metadata": meta, "spec": spec}

    def define(self, kind: str, name: str, spec: Json, status: Json | None) -> None:
        """Makes an agreement or supplier, and judges it as the operator would."""
        where = f"{DOMAIN}/{kind.lower()}s"
        stored = self.admin.request("POST", where, self.body(kind, name, spec))
        if status is not None:
            stored = self.judge(kind, name, **status)
        self.made[f"{where}/{name}"] = stored

    def judge(self, kind: str, name: str, **status: Any) -> Json:
        where = f"{DOMAIN}/{kind.lower()}s/{name}/status"
        media = "application/merge-patch+json"
        judged: Json = self.admin.request("PATCH", where, {"status": status}, media)
        return judged

    def take_inventory(self, supplier: str) -> None:
        where = f"{DOMAIN}/namespaces/{PLACE}/modeldeployments/of-{supplier}"
        entry = {
            "uid": self.made[where]["metadata"]["uid"],
            "replicas": 2,
            "artifacts": DIGEST,
        }
        order = {"reference": "D-1", "effectiveSince": PAST, "deployments": [entry]}
        self.judge("Supplier", supplier, inventory=[order])

    def index(self, data: Json) -> None:
        meta = {"name": "casemate-terms"}
        body = {**self.body("TermsIndex", "", {}), "metadata": meta, "data": data}
        del body["spec"]
        self.admin.request("POST", INDEXES, body)

    def enforce(self) -> None:
        """Applies the policies as the chart has them."""
        file = PROJECT / "charts" / "casemate" / "files" / "policies" / "terms.yaml"
        for document in yaml.safe_load_all(file.read_text()):
            plural = "policies" if document["kind"].endswith("Policy") else "policybindings"
            self.admin.request("POST", f"{ADMISSION}/validatingadmission{plural}", document)

    def refusal(self, name: str, spec: Json, on: str = "", namespace: str = PLACE) -> str:
        """How a deployment, new or changed, is refused; "" if it is accepted."""
        where = f"{DOMAIN}/namespaces/{namespace}/modeldeployments"
        if not on:
            return self.attempt("POST", where, self.body("ModelDeployment", name, spec))
        stored = self.made[f"{where}/{on}"]
        return self.attempt("PUT", f"{where}/{on}", stored | {"spec": spec})

    def scaled(self, name: str, replicas: int) -> str:
        where = f"{DOMAIN}/namespaces/{PLACE}/modeldeployments/{name}/scale"
        media = "application/merge-patch+json"
        return self.attempt("PATCH", where, {"spec": {"replicas": replicas}}, media)

    def attempt(
        self,
        method: str,
        where: str,
        body: Any = None,
        media: str = "application/json",
        client: KubeApi | None = None,
    ) -> str:
        """Tries a request without effect; returns how it is refused, or ""."""
        try:
            (client or self.admin).request(method, f"{where}?dryRun=All", body, media)
        except ApiError as error:
            return message_of(error)
        return ""
