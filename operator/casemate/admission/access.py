"""Ways into a running model that no NetworkPolicy sees, and tokens in a gateway's name."""

from casemate.admission import callers, glass
from casemate.admission.policy import ENCLAVE_LABEL, Check, Policy, Target
from casemate.api.rules import literal

_CONNECTIONS = (
    *("pods/exec", "pods/attach", "pods/portforward", "pods/proxy"),
    "services/proxy",
)

CONNECTIONS = Policy(
    name="casemate-connections",
    targets=(Target("", _CONNECTIONS, ("CONNECT",)),),
    checks=(
        Check(
            callers.BREAK_GLASS,
            "request.resource.resource + '/' + request.subResource"
            " + "
            # A connection carries no labels, so it cannot be known whose pod it is.
            + literal(
                f": not accepted for any pod in a namespace with {ENCLAVE_LABEL}=true, clients"
                f" included, but for who has {callers.GLASS}; run clients that people must get"
                " into in another namespace"
            ),
        ),
    ),
    audit={glass.AUDIT_KEY: glass.CONNECTED},
    enclaves_only=True,
)

TOKENS = Policy(
    name="casemate-model-tokens",
    targets=(Target("", ("serviceaccounts/token",), ("CREATE",)),),
    when={"of-a-model": "request.name.endsWith('-model')"},
    checks=(
        Check(
            f"({callers.NODE}) || {callers.BREAK_GLASS}",
            literal(
                "serviceaccounts/token: a token of an account whose name ends in -model is accepted"
                f" for the kubelet of its pod, or who has {callers.GLASS}"
            )
            + f" + {callers.FOUND_USER}",
        ),
    ),
    audit=glass.audit(glass.CONNECTED, unless=f"({callers.NODE})"),
    enclaves_only=True,
)
