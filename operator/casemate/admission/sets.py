"""The policies by the file of the chart that they are generated into."""

from casemate.admission import access, children, deployments, marks, namespaces, pods, terms
from casemate.admission.policy import Policy

POLICIES: dict[str, tuple[Policy, ...]] = {
    "pods": (
        pods.MODEL_PODS,
        pods.OTHER_PODS,
        marks.POD_MARKS,
        marks.BINDINGS,
        access.CONNECTIONS,
    ),
    "children": (
        children.CHILDREN,
        children.NETWORK_POLICIES,
        children.SERVICES,
        children.ENDPOINTS,
        access.TOKENS,
    ),
    "deployments": (
        deployments.PLACE,
        deployments.KNOWN,
        deployments.AGREEMENT,
        deployments.SUPPLIER,
        deployments.PROVENANCE,
        deployments.SCALE,
    ),
    "terms": (terms.LOOSENING, terms.IN_USE, terms.INDEXED),
    "namespaces": (namespaces.NAMESPACES,),
}
