"""Namespaces: who may make one an enclave or end that, and how strict its pods must be."""

from casemate.admission.cel import labels
from casemate.admission.policy import ENCLAVE_LABEL, Check, Policy, Target
from casemate.api.rules import literal

_POD_SECURITY = "pod-security.kubernetes.io/enforce"
_VERSION = f"{_POD_SECURITY}-version"
_VERSIONS = "^(latest|v1[.](3[7-9]|[4-9][0-9]|[1-9][0-9]{2}))$"


def _value(when: str, label: str) -> str:
    return f"variables.{when}[?{literal(label)}].orValue('')"


_CHANGED = " || ".join(
    f"{labels('object')}[?{literal(label)}].orValue('') !="
    f" (oldObject == null ? '' : {labels('oldObject')}[?{literal(label)}].orValue(''))"
    for label in (ENCLAVE_LABEL, _POD_SECURITY, _VERSION)
)

NAMESPACES = Policy(
    name="casemate-namespaces",
    # Labels can be written along with the status too.
    targets=(Target("", ("namespaces", "namespaces/*")),),
    when={"label-changes": _CHANGED},
    variables={
        "now": labels("object"),
        "before": f"oldObject == null ? {{}} : {labels('oldObject')}",
        "enclave": f"{literal(ENCLAVE_LABEL)} in variables.now",
    },
    checks=(
        Check(
            f"{_value('now', ENCLAVE_LABEL)} == {_value('before', ENCLAVE_LABEL)} ||"
            ' authorizer.group("").resource("namespaces").name(object.metadata.name)'
            '.check("enclave").allowed()',
            literal(
                f"metadata.labels {ENCLAVE_LABEL}: accepted to change from who has the RBAC verb"
                " enclave on namespaces; found "
            )
            + " + request.userInfo.username",
        ),
        Check(
            f"!variables.enclave || {_value('now', ENCLAVE_LABEL)} == 'true'",
            literal(f"metadata.labels {ENCLAVE_LABEL}: must be true, or absent; found ")
            + f" + {_value('now', ENCLAVE_LABEL)}",
        ),
        Check(
            f"!variables.enclave || {_value('now', _POD_SECURITY)} == 'restricted'",
            literal(f"metadata.labels {_POD_SECURITY}: must be restricted in an enclave"),
        ),
        Check(
            f"!variables.enclave || !({literal(_VERSION)} in variables.now) ||"
            f" {_value('now', _VERSION)}.matches({literal(_VERSIONS)})",
            literal(f"metadata.labels {_VERSION}: must be absent, latest, or v1.37 and later"),
        ),
    ),
)
