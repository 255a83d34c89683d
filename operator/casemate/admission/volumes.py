"""What a pod may mount."""

from casemate.admission.containers import DIGEST, every
from casemate.admission.policy import Check
from casemate.api.rules import literal
from casemate.core.names import GUARD_SUFFIX, NAME_LABEL, SIGNER, TRUST_BUNDLE, WARDEN

VOLUMES = {
    "volumes": "object.spec.?volumes.orValue([])",
    "keys": "variables.volumes.filter(v, has(v.configMap) || has(v.projected) &&"
    " v.projected.?sources.orValue([]).exists(s, !has(s.clusterTrustBundle))).map(v, v.name)",
}
"""Variables that the checks here need: `keys` are volumes with a certificate, a token or the
guard's policy."""

_KINDS = ("configMap", "emptyDir", "image", "persistentVolumeClaim", "projected")
_IS_ACCEPTED = " || ".join(f"has(v.{kind})" for kind in _KINDS)
_CA = (
    "(has(s.clusterTrustBundle) &&"
    f" s.clusterTrustBundle.?name.orValue('') == {literal(TRUST_BUNDLE)})"
)
_SOURCE = (
    f"{_CA} || "
    f"(has(s.podCertificate) && s.podCertificate.signerName == {literal(SIGNER)})"
    " || (has(s.serviceAccountToken)"
    f' && s.serviceAccountToken.?audience.orValue("") == {literal(WARDEN)})'
)


def _each(condition: str, accepted: str) -> Check:
    failing = f'variables.volumes.filter(v, !({condition})).map(v, v.name).join(", ")'
    message = f"{literal('spec.volumes ')} + {failing} + {literal(f': {accepted}')}"
    return Check(f"variables.volumes.all(v, {condition})", message)


NO_HOST_PATH = _each("!has(v.hostPath)", "hostPath is not accepted")
"""Asked of every pod in an enclave."""

MODEL_VOLUMES = (
    _each(_IS_ACCEPTED, f"must be one of {', '.join(_KINDS)}"),
    _each(
        f"!has(v.projected) || v.projected.?sources.orValue([]).all(s, {_SOURCE})",
        f"projected must only have podCertificate of signer {SIGNER}, serviceAccountToken of"
        f" audience {WARDEN}, and clusterTrustBundle {TRUST_BUNDLE}",
    ),
    _each(
        "!has(v.configMap) || v.configMap.?name.orValue('') =="
        f" variables.labels[{literal(NAME_LABEL)}] + {literal(GUARD_SUFFIX)}",
        f"configMap must be the deployment's own NAME{GUARD_SUFFIX}",
    ),
    _each(
        f'!has(v.image) || v.image.?reference.orValue("").matches({literal(DIGEST)})',
        "image.reference must be by digest, NAME@sha256:…",
    ),
    every(
        'c.name == "gateway" || c.?volumeMounts.orValue([]).all(m, !(m.name in variables.keys))',
        "volumeMounts",
        "must not name a volume with a key, a token or a policy: only container gateway has them",
    ),
)
"""Asked of a model pod beside that."""
