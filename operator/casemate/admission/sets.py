"""The policies by the file of the chart that they are generated into."""

from casemate.admission import (
    access,
    children,
    guardrails,
    identity,
    index,
    marks,
    namespaces,
    pods,
)
from casemate.admission.approvals import APPROVALS
from casemate.admission.killswitch import KILL_SWITCHES
from casemate.admission.policy import Policy
from casemate.admission.reviews import REVIEWS
from casemate.admission.terms import TERMS
from casemate.admission.wardens import WARDENS

POLICIES: dict[str, tuple[Policy, ...]] = {
    "pods": (
        pods.MODEL_PODS,
        pods.OTHER_PODS,
        guardrails.KNOWN,
        guardrails.REQUIRED,
        marks.POD_MARKS,
        marks.POD_PROOFS,
        marks.BINDINGS,
        identity.ADDRESSES,
        identity.CERTIFICATES,
        access.CONNECTIONS,
    ),
    "children": (
        children.CHILDREN,
        children.CONFIG_MAPS,
        children.NETWORK_POLICIES,
        children.SERVICES,
        children.ENDPOINTS,
        access.TOKENS,
        identity.TOKEN_SECRETS,
    ),
    "terms": TERMS,
    "wardens": (WARDENS,),
    "index": (index.INDEXED,),
    "namespaces": (namespaces.NAMESPACES,),
    "approvals": (*APPROVALS, *REVIEWS, *KILL_SWITCHES),
}
