"""Where each kind lives in the API."""

from dataclasses import dataclass
from urllib.parse import quote

from casemate.api import v1alpha1


@dataclass(frozen=True)
class Kind:
    """A resource type of the API server."""

    kind: str
    group: str
    version: str
    plural: str

    @property
    def api_version(self) -> str:
        """Group and version as objects spell them."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None, sub: str = "") -> str:
        """The URL path of a collection, an object or its subresource."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        inside = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
        one = f"/{quote(name, safe=':')}" if name else ""
        return f"{root}{inside}/{self.plural}{one}{f'/{sub}' if sub else ''}"


MODEL_DEPLOYMENT = Kind(v1alpha1.KIND, v1alpha1.GROUP, v1alpha1.VERSION, v1alpha1.PLURAL)

USAGE_AGREEMENT = Kind("UsageAgreement", v1alpha1.GROUP, v1alpha1.VERSION, "usageagreements")
SUPPLIER = Kind("Supplier", v1alpha1.GROUP, v1alpha1.VERSION, "suppliers")
TERMS_INDEX = Kind("TermsIndex", v1alpha1.GROUP, v1alpha1.VERSION, "termsindexes")

CHILDREN = {
    kind.kind: kind
    for kind in (
        Kind("NetworkPolicy", "networking.k8s.io", "v1", "networkpolicies"),
        Kind("ServiceAccount", "", "v1", "serviceaccounts"),
        Kind("Service", "", "v1", "services"),
        Kind("ConfigMap", "", "v1", "configmaps"),
        Kind("PodDisruptionBudget", "policy", "v1", "poddisruptionbudgets"),
        Kind("Deployment", "apps", "v1", "deployments"),
    )
}
"""Everything that the operator makes for a ModelDeployment, by kind."""

NAMESPACE = Kind("Namespace", "", "v1", "namespaces")
POD = Kind("Pod", "", "v1", "pods")
REPLICA_SET = Kind("ReplicaSet", "apps", "v1", "replicasets")
STATEFUL_SET = Kind("StatefulSet", "apps", "v1", "statefulsets")
SERVICE = CHILDREN["Service"]
TOKEN_REVIEW = Kind("TokenReview", "authentication.k8s.io", "v1", "tokenreviews")
ACCESS_REVIEW = Kind("SubjectAccessReview", "authorization.k8s.io", "v1", "subjectaccessreviews")
SECRET = Kind("Secret", "", "v1", "secrets")
EVENT = Kind("Event", "events.k8s.io", "v1", "events")
CERTIFICATE_REQUEST = Kind(
    "PodCertificateRequest", "certificates.k8s.io", "v1", "podcertificaterequests"
)
LEASE = Kind("Lease", "coordination.k8s.io", "v1", "leases")
TRUST_BUNDLE = Kind("ClusterTrustBundle", "certificates.k8s.io", "v1", "clustertrustbundles")
APPROVAL_REQUEST = Kind("ApprovalRequest", v1alpha1.GROUP, v1alpha1.VERSION, "approvalrequests")
APPROVAL_DECISION = Kind("ApprovalDecision", v1alpha1.GROUP, v1alpha1.VERSION, "approvaldecisions")
APPROVAL_REVIEW = Kind("ApprovalReview", v1alpha1.GROUP, v1alpha1.VERSION, "approvalreviews")
KILL_SWITCH = Kind("KillSwitch", v1alpha1.GROUP, v1alpha1.VERSION, "killswitches")
