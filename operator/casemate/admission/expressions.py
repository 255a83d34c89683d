"""Pieces of CEL that several policies share."""

from casemate.api.rules import literal
from casemate.api.v1alpha1 import GROUP, PLURAL, ModelDeploymentSpec

DEPLOYMENTS = (GROUP, (PLURAL,))
"""Group and resources of a target."""

_LONGEST_LIST = 3000
"""Characters of a list in a message; the API server drops messages above 5 KiB as a whole."""

_SIZE = {"replicas", "suspend"}


def say(sentence: str, *found: str) -> str:
    """Return the CEL text of a message; every `{}` stands for the next of the expressions."""
    texts = sentence.split("{}")
    parts = [literal(texts[0])]
    for expression, text in zip(found, texts[1:], strict=True):
        parts.append(f"string({expression})")
        parts += [literal(text)] if text else []
    return " + ".join(parts)


def listed(names: str) -> str:
    """Return the CEL text that shows a list of strings, cut where it would be too long."""
    joined = f"{names}.join(', ')"
    cut = f"{joined}.substring(0, {_LONGEST_LIST}) + ' ...'"
    return f"(size({names}) == 0 ? 'none' : size({joined}) > {_LONGEST_LIST} ? {cut} : {joined})"


def contained(block: str, blocks: str) -> str:
    """Return the CEL text that tells whether one of a list of blocks of addresses contains one."""
    return f"{blocks}.exists(outer, cidr(outer).containsCIDR({block}))"


def differs(*fields: str) -> str:
    """Return CEL: at least one of these fields, each required or not, is not as it was."""
    same = (f"object.spec.{path} == oldObject.spec.{path}" for path in map(_optional, fields))
    return f"!({' && '.join(same)})"


def _optional(path: str) -> str:
    return "?" + path.replace(".", ".?")


def _reduces() -> str:
    names = (field.alias or name for name, field in ModelDeploymentSpec.model_fields.items())
    others = differs(*(name for name in names if name not in _SIZE))
    fewer = "!oldObject.spec.suspend && object.spec.replicas <= oldObject.spec.replicas"
    return f"(!{others} && (object.spec.suspend || {fewer}))"


REDUCES = _reduces()
"""CEL, on UPDATE: the spec is as it was, or asks for less; people can always do that."""

CREATES = "request.operation == 'CREATE'"

ASKS = {"asks": f"{CREATES} || !{REDUCES}"}
"""The match condition of what may be refused: a new deployment, and any change but a reduction."""

BASE_SUPPLIER = "object.spec.model.?base.?supplier.orValue('')"
MODEL_IMAGE = "object.spec.model.source.?oci.?image.orValue('')"

# The API server stamps creation, and the time of every write into managedFields, before it asks
# us: the only clock there is, and one that needs no operator. Who takes the stamps away only falls
# back on what the operator saw.
CLOCK = {
    "now": "([object.metadata.creationTimestamp] + object.metadata.?managedFields.orValue([])"
    ".filter(one, has(one.time)).map(one, one.time)).map(one, timestamp(one)).max()"
}
"""The variable `now`: the moment of the request."""
