"""The CustomResourceDefinitions, whole, built from the types."""

from dataclasses import dataclass
from typing import Any

from casemate.api.agreement import UsageAgreement
from casemate.api.approval import REQUEST_NAME_LENGTH, ApprovalDecision, ApprovalRequest
from casemate.api.index import TermsIndex
from casemate.api.killswitch import KillSwitch
from casemate.api.model import ApiModel
from casemate.api.names import DECISION_NAME_LENGTH, DECISION_NAME_RULE, REQUEST_NAME_RULE
from casemate.api.review import ApprovalReview
from casemate.api.rules import VALIDATIONS, Rule
from casemate.api.structural import Schema, structural
from casemate.api.supplier import Supplier
from casemate.api.v1alpha1 import (
    GROUP,
    KIND,
    NAME_LENGTH,
    NAME_RULE,
    PLURAL,
    SHORT_NAME,
    VERSION,
    ModelDeployment,
)

_READY = '.status.conditions[?(@.type=="Ready")]'
_CLUSTER_NAME_LENGTH = 63


def column(name: str, path: str, *, kind: str = "string", priority: int = 0) -> dict[str, Any]:
    """Return one column of `kubectl get`; priority 1 shows it with `-o wide` only."""
    return {"name": name, "type": kind, "jsonPath": path, "priority": priority}


@dataclass(frozen=True)
class Definition:
    """One kind as the API server shall know it."""

    kind: str
    plural: str
    short_names: tuple[str, ...]
    type: type[ApiModel]
    columns: tuple[dict[str, Any], ...]
    namespaced: bool = False
    name_length: int = _CLUSTER_NAME_LENGTH
    name_rule: Rule | None = None
    categories: tuple[str, ...] = ("casemate",)
    selectable: tuple[str, ...] = ()
    scale: bool = False
    status: bool = True

    @property
    def crd_name(self) -> str:
        """Name of the CustomResourceDefinition."""
        return f"{self.plural}.{GROUP}"

    def schema(self) -> Schema:
        """Return the schema of the whole object."""
        schema = structural(self.type.model_json_schema(by_alias=True))
        name = {"type": "string", "maxLength": self.name_length}
        envelope = {
            "apiVersion": {"type": "string", "description": "Version of this schema."},
            "kind": {"type": "string", "description": "Kind of this object."},
            "metadata": {"type": "object", "properties": {"name": name}},
        }
        schema["properties"] = {**envelope, **schema["properties"]}
        if self.name_rule:
            schema[VALIDATIONS] = [self.name_rule.as_cel()]
        return schema

    def custom_resource_definition(self) -> Schema:
        """Return the CustomResourceDefinition object."""
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": self.crd_name},
            "spec": {
                "group": GROUP,
                "names": {
                    "kind": self.kind,
                    "listKind": f"{self.kind}List",
                    "plural": self.plural,
                    "singular": self.kind.lower(),
                    "shortNames": list(self.short_names),
                    "categories": list(self.categories),
                },
                "scope": "Namespaced" if self.namespaced else "Cluster",
                "versions": [self._version()],
            },
        }

    def _version(self) -> Schema:
        subresources: dict[str, Any] = {"status": {}} if self.status else {}
        if self.scale:
            subresources["scale"] = {
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.replicas",
                "labelSelectorPath": ".status.selector",
            }
        version = {
            "name": VERSION,
            "served": True,
            "storage": True,
            "schema": {"openAPIV3Schema": self.schema()},
            "subresources": subresources,
            "selectableFields": [{"jsonPath": path} for path in self.selectable],
            "additionalPrinterColumns": list(self.columns),
        }
        return {key: value for key, value in version.items() if value not in ([], {})}


MODEL_DEPLOYMENT = Definition(
    kind=KIND,
    plural=PLURAL,
    short_names=(SHORT_NAME,),
    type=ModelDeployment,
    namespaced=True,
    name_length=NAME_LENGTH,
    name_rule=NAME_RULE,
    # `all`: what a person deployed belongs into `kubectl get all`.
    categories=("all", "casemate"),
    selectable=(".spec.model.supplier", ".spec.use"),
    scale=True,
    # Is it up, what is it, for what and until when, who answers for it.
    columns=(
        column("Ready", f"{_READY}.status"),
        column("Reason", f"{_READY}.reason"),
        column("Model", ".spec.model.name"),
        column("Supplier", ".spec.model.supplier"),
        column("Agreement", ".spec.agreementRef.name"),
        column("Use", ".spec.use"),
        column("Until", ".status.permittedUntil"),
        column("Isolated", '.status.conditions[?(@.type=="NetworkIsolated")].status'),
        column("Guarded", '.status.conditions[?(@.type=="GuardrailsEnforced")].status'),
        column("Serving", ".status.readyReplicas", kind="integer"),
        column("Replicas", ".spec.replicas", kind="integer"),
        column("Owner", ".spec.owner.name"),
        column("Age", ".metadata.creationTimestamp", kind="date"),
        column("URL", ".status.url", priority=1),
        column("Message", f"{_READY}.message", priority=1),
    ),
)
USAGE_AGREEMENT = Definition(
    kind="UsageAgreement",
    plural="usageagreements",
    short_names=("ua",),
    type=UsageAgreement,
    columns=(
        column("Phase", ".status.phase"),
        column("Start", ".spec.term.start"),
        column("End", ".spec.term.end"),
        column("Deployments", ".status.deployments", kind="integer"),
        column("Granted", ".status.replicasGranted", kind="integer"),
        column("Max", ".spec.capacity.maxReplicas", kind="integer"),
        column("Accountable", ".spec.accountable.name"),
        column("Reference", ".spec.reference", priority=1),
        column("Terms", ".status.termsDigest", priority=1),
    ),
)
SUPPLIER = Definition(
    kind="Supplier",
    plural="suppliers",
    short_names=(),
    type=Supplier,
    columns=(
        column("Standing", ".status.standing"),
        column("Since", ".status.effectiveSince"),
        column("Phase-out ends", ".status.phaseOutEndsAt"),
        column("Deployments", ".status.deployments", kind="integer"),
        column("Age", ".metadata.creationTimestamp", kind="date"),
        column("Message", f"{_READY}.message", priority=1),
    ),
)
TERMS_INDEX = Definition(
    kind="TermsIndex",
    plural="termsindexes",
    short_names=(),
    type=TermsIndex,
    # Nobody's business in `kubectl get casemate`: it repeats what agreements and suppliers say.
    categories=(),
    columns=(column("Age", ".metadata.creationTimestamp", kind="date"),),
    status=False,
)
APPROVAL_REQUEST = Definition(
    kind="ApprovalRequest",
    plural="approvalrequests",
    short_names=("ar",),
    type=ApprovalRequest,
    namespaced=True,
    name_length=REQUEST_NAME_LENGTH,
    name_rule=REQUEST_NAME_RULE,
    selectable=(".spec.deployment.name", ".status.phase"),
    columns=(
        column("Line", ".spec.line"),
        column("Requester", ".spec.requester.username"),
        column("Deployment", ".spec.deployment.name"),
        column("Approvals", ".status.tally"),
        column("Phase", ".status.phase"),
        column("Expires", ".spec.expiresAt"),
        column("Age", ".metadata.creationTimestamp", kind="date"),
        column("Agreement", ".spec.agreement.name", priority=1),
        column("Record", ".spec.record", priority=1),
        column("Message", ".status.message", priority=1),
    ),
)
APPROVAL_DECISION = Definition(
    kind="ApprovalDecision",
    plural="approvaldecisions",
    short_names=(),
    type=ApprovalDecision,
    namespaced=True,
    name_length=DECISION_NAME_LENGTH,
    name_rule=DECISION_NAME_RULE,
    selectable=(".spec.request.name",),
    columns=(
        column("Request", ".spec.request.name"),
        column("Verdict", ".spec.verdict"),
        column("Approver", ".spec.approver.username"),
        column("Age", ".metadata.creationTimestamp", kind="date"),
        column("Justification", ".spec.justification", priority=1),
    ),
    status=False,
)
APPROVAL_REVIEW = Definition(
    kind="ApprovalReview",
    plural="approvalreviews",
    short_names=(),
    type=ApprovalReview,
    # They come and go within minutes, with text that only their makers can open.
    categories=(),
    namespaced=True,
    selectable=(".spec.request.name", ".status.answeredAt"),
    columns=(
        column("Request", ".spec.request.name"),
        column("Reviewer", ".spec.reviewer.username"),
        column("Answered", ".status.answeredAt"),
        column("Age", ".metadata.creationTimestamp", kind="date"),
        column("Message", ".status.message", priority=1),
    ),
)
KILL_SWITCH = Definition(
    kind="KillSwitch",
    plural="killswitches",
    short_names=(),
    type=KillSwitch,
    columns=(
        column("Scope", ".spec.scope"),
        column("Namespace", ".spec.deployment.namespace"),
        column("Deployment", ".spec.deployment.name"),
        column("Agreement", ".spec.agreementRef.name"),
        column("Stopped by", ".spec.stoppedBy.username"),
        column("Age", ".metadata.creationTimestamp", kind="date"),
        column("Reason", ".spec.reason", priority=1),
    ),
    status=False,
)
DEFINITIONS = (
    MODEL_DEPLOYMENT,
    USAGE_AGREEMENT,
    SUPPLIER,
    TERMS_INDEX,
    APPROVAL_REQUEST,
    APPROVAL_DECISION,
    APPROVAL_REVIEW,
    KILL_SWITCH,
)
"""Every kind of ours."""
