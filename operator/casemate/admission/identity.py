"""What makes a model pod who it is: its address, its certificate, its account's token.

Each of them is given by a kubelet. From anybody else it would put another in the pod's place.
"""

from casemate.admission import callers, glass
from casemate.admission.cel import annotations, ours
from casemate.admission.policy import Check, Policy, Target
from casemate.api.rules import literal
from casemate.core.names import SIGNER

_ADDRESSES = {"hostIP": "''", "hostIPs": "[]", "podIP": "''", "podIPs": "[]"}
_SAME = " && ".join(
    f"object.?status.?{field}.orValue({empty}) == oldObject.?status.?{field}.orValue({empty})"
    for field, empty in _ADDRESSES.items()
)

ADDRESSES = Policy(
    name="casemate-pod-addresses",
    # The Service of a model leads its clients to the address that the status names.
    targets=(Target("", ("pods/status",), ("UPDATE",)),),
    when={"model-pod": ours("oldObject")},
    checks=(
        Check(
            f"({callers.NODE}) || ({_SAME})",
            literal(f"status {', '.join(_ADDRESSES)}: changed on a model pod by its kubelet alone")
            + f" + {callers.FOUND_USER}",
        ),
    ),
)

CERTIFICATES = Policy(
    name="casemate-certificates",
    # The operator sees for which pod a certificate is asked, but not by whom.
    targets=(Target("certificates.k8s.io", ("podcertificaterequests",), ("CREATE",)),),
    when={"of-ours": f"object.spec.signerName == {literal(SIGNER)}"},
    checks=(
        Check(
            callers.NODE,
            literal(
                f"podcertificaterequests of signer {SIGNER}: accepted from the kubelet of the pod:"
                " whoever else asked would get a certificate in its name"
            )
            + f" + {callers.FOUND_USER}",
        ),
    ),
)

_ACCOUNT = literal("kubernetes.io/service-account.name")


def _account(owner: str) -> str:
    return f"{annotations(owner)}[?{_ACCOUNT}].orValue('')"


TOKEN_SECRETS = Policy(
    name="casemate-model-token-secrets",
    targets=(Target("", ("secrets",)),),
    when={
        "token": "object.?type.orValue('') == 'kubernetes.io/service-account-token'",
        "of-a-model": f"{_account('object')}.endsWith('-model')",
        # The cluster fills in the token by an update of its own.
        "newly": f"oldObject == null || {_account('oldObject')} != {_account('object')}",
    },
    checks=(
        Check(
            callers.BREAK_GLASS,
            literal(
                "secrets: a token of an account whose name ends in -model is accepted from who has"
                f" {callers.GLASS}"
            )
            + f" + {callers.FOUND_USER}",
        ),
    ),
    audit=glass.audit("request.userInfo.username + ': secrets ' + request.name", unless="false"),
    enclaves_only=True,
)
