"""Small pieces of CEL text that several policies are made of."""

from casemate.api.rules import literal
from casemate.core.names import NAME_LABEL

PREFIX = "casemate.dev/"
"""Beginning of labels and annotations that are Casemate's."""


def labels(owner: str) -> str:
    """Return the labels of an object, which may have none."""
    return f"{owner}.metadata.?labels.orValue({{}})"


def annotations(owner: str) -> str:
    """Return the annotations of an object, which may have none."""
    return f"{owner}.metadata.?annotations.orValue({{}})"


def ours(owner: str) -> str:
    """Tell whether an object carries the label of a ModelDeployment."""
    return f"{literal(NAME_LABEL)} in {labels(owner)}"


def same(now: str, before: str, prefix: str = "") -> str:
    """Tell whether two maps agree, or agree in all keys that begin with a prefix."""
    other = f"!k.startsWith({literal(prefix)}) || " if prefix else ""
    forth = f"{now}.all(k, {other}(k in {before} && {before}[k] == {now}[k]))"
    return f"{forth} && {before}.all(k, {other}k in {now})"
