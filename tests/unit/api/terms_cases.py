"""Pairs for what binds a ModelDeployment to its terms: agreement, variant, profile, guardrails."""

from typing import Any

from unit.api.cases import ABSENT, DIGEST, IMAGE, SPEC, Json, Pair, shown

_REQUIRED = ("Required value",)
_BASE = {"supplier": "open-lab", "digest": f"sha256:{DIGEST}"}
_VARIANT: Json = SPEC["model"] | {"variant": "FineTune", "base": _BASE}


def _guardrail(**changed: Any) -> list[Json]:
    return [{"name": "pii", "image": IMAGE, "port": 8090, **changed}]


def _base(**changed: Any) -> Json:
    return {**_VARIANT, "base": _BASE | changed}


AGREEMENT_REF = [
    Pair("no agreement", "agreementRef", {"name": "harbour"}, ABSENT, _REQUIRED),
    Pair("an agreement without name", "agreementRef", {"name": "harbour"}, {}, _REQUIRED,
         "agreementRef.name"),
    Pair("an agreement of a namespace", "agreementRef.name", "harbour", "port/harbour",
         (shown("port/harbour"), "the name of an object")),
    Pair("an agreement's name that is too long", "agreementRef.name", "h" * 63, "h" * 64,
         ("Too long: may not be more than 63",)),
]  # fmt: skip

VARIANTS = [
    Pair("a variant without base", "model", _VARIANT, SPEC["model"] | {"variant": "FineTune"},
         ("needs base (supplier and digest)", "found a variant without base")),
    Pair("a base without variant", "model", SPEC["model"], SPEC["model"] | {"base": _BASE},
         ("needs base (supplier and digest)", "found a base without variant")),
    Pair("an unknown variant", "model", _VARIANT | {"variant": "Adapter"},
         _VARIANT | {"variant": "Merge"}, (shown("Merge"), '"FineTune", "Adapter"'),
         "model.variant"),
    Pair("a base without supplier", "model", _VARIANT,
         _VARIANT | {"base": {"digest": _BASE["digest"]}}, _REQUIRED, "model.base.supplier"),
    Pair("a base whose supplier is in capitals", "model", _base(supplier="lab"),
         _base(supplier="Lab"), (shown("Lab"), "a name of lower-case letters"),
         "model.base.supplier"),
    Pair("a base whose digest is short", "model", _base(),
         _base(digest=f"sha256:{DIGEST[1:]}"), ("must be a digest, sha256:<64 hex digits>",),
         "model.base.digest"),
]  # fmt: skip

GUARDRAILS = [
    Pair("a profile in capitals", "profile", "gpu-large", "GPU",
         (shown("GPU"), "a name of lower-case letters")),
    Pair("a guardrail by tag", "guardrails", _guardrail(),
         _guardrail(image="registry.enclave.local/guards/pii:1"), ("must be an image by digest",),
         "guardrails[0].image"),
    Pair("a guardrail with a privileged port", "guardrails", _guardrail(port=1024),
         _guardrail(port=1023), ("greater than or equal to 1024",), "guardrails[0].port"),
    Pair("a guardrail with a port that does not exist", "guardrails", _guardrail(port=65535),
         _guardrail(port=65536), ("less than or equal to 65535",), "guardrails[0].port"),
    Pair("a guardrail without port", "guardrails", _guardrail(), [{"name": "pii", "image": IMAGE}],
         _REQUIRED, "guardrails[0].port"),
    Pair("a guardrail with an unknown contract", "guardrails",
         _guardrail(contract="TextDetectorV1"), _guardrail(contract="Icap"),
         (shown("Icap"), '"TextDetectorV1"'), "guardrails[0].contract"),
    Pair("a guardrail's name that is too long", "guardrails", _guardrail(name="g" * 53),
         _guardrail(name="g" * 54), ("Too long: may not be more than 53",), "guardrails[0].name"),
    Pair("a guardrail's name with a dot", "guardrails", _guardrail(name="pii-v2"),
         _guardrail(name="pii.v2"), (shown("pii.v2"), "at most 53 characters"),
         "guardrails[0].name"),
    Pair("a guardrail named twice", "guardrails", _guardrail() + _guardrail(name="b"),
         _guardrail() * 2, ("Duplicate value",), "guardrails[1]"),
    Pair("too many guardrails", "guardrails",
         [_guardrail(name=f"g{n}")[0] for n in range(8)],
         [_guardrail(name=f"g{n}")[0] for n in range(9)],
         ("Too many: 9: must have at most 8 items",)),
    Pair("an environment for a guardrail", "guardrails", _guardrail(), _guardrail(env=[]),
         ("unknown field",), "guardrails[0].env"),
]  # fmt: skip

PAIRS = [*AGREEMENT_REF, *VARIANTS, *GUARDRAILS]
