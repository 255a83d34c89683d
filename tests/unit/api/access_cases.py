"""Pairs for the rest of spec: use, owner, size, and who may connect."""

from typing import Any

from unit.api.cases import ABSENT, SPEC, Json, Pair, shown

_NAME = "kubernetes.io/metadata.name"
_ONE_LABEL = "asks for at least one label"


def _labels(**pod_selector: Any) -> list[Json]:
    return [{"podSelector": pod_selector}]


def _label(key: str, value: str) -> list[Json]:
    return _labels(matchLabels={key: value})


def _where(*expressions: Json) -> list[Json]:
    return _labels(matchLabels={"app": "chat"}, matchExpressions=list(expressions))


def _expression(operator: str, *values: str, key: str = "tier") -> Json:
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


_SELECTOR = "access.clients[0].podSelector"

PURPOSE = [
    Pair("no use", "use", "planning", ABSENT, ("Required value",)),
    Pair("a use in words", "use", "route-planning", "Route planning",
         (shown("Route planning"), "lower-case letters, digits and '-', at most 63 characters")),
    Pair("an empty use", "use", "u", "", (shown(""), "lower-case letters, digits and '-'")),
    Pair("no owner", "owner", SPEC["owner"], ABSENT, ("Required value",)),
    Pair("an owner without contact", "owner", SPEC["owner"], {"name": "Harbour Office"},
         ("Required value",), "owner.contact"),
    Pair("a blank owner", "owner.name", " H ", "  ", (shown("  "), "one line of text, not blank")),
    Pair("an owner of two lines", "owner.name", "Jürgen Müller, 港", "Jürgen\nMüller",
         ("one line of text",)),
    Pair("an escape sequence", "owner.contact", "+49 40 [31m", "+49 40 \x1b[31m",
         ("control or invisible characters",)),
    Pair("a C1 control character", "owner.contact", "x", "x\x9b31m",
         ("control or invisible characters",)),
    Pair("a reversed text", "owner.name", "Office A", "Office \u202eA",
         ("control or invisible characters",)),
    Pair("a hidden space", "owner.name", "Office", "Of\u200bfice",
         ("control or invisible characters",)),
    Pair("an owner that is too long", "owner.name", "o" * 256, "o" * 257,
         ("Too long: may not be more than 256",)),
]  # fmt: skip

SIZE = [
    Pair("negative replicas", "replicas", 0, -1, ("-1", "greater than or equal to 0")),
    Pair("too many replicas", "replicas", 1000, 1001, ("1001", "less than or equal to 1000")),
    Pair("half a replica", "replicas", 1, 1.5, ("must be of type integer",)),
    Pair("suspend in words", at="suspend", accepted=True, refused="yes",
         says=("must be of type boolean",)),
]  # fmt: skip

CLIENTS = [
    Pair("a client without selectors", "access.clients", _label("app", "chat"), [{}],
         (_ONE_LABEL, "kubernetes.io/metadata.name"), "access.clients[0]"),
    Pair("empty selectors", "access.clients",
         [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "chat"}}}],
         [{"namespaceSelector": {}, "podSelector": {"matchLabels": {}, "matchExpressions": []}}],
         (_ONE_LABEL,), "access.clients[0]"),
    Pair("clients named only by what they are not", "access.clients",
         _labels(matchExpressions=[_expression("Exists"), _expression("NotIn", "front")]),
         _labels(matchExpressions=[_expression("DoesNotExist"), _expression("NotIn", "front")]),
         (_ONE_LABEL,), "access.clients[0]"),
    Pair("clients in any namespace that has a name", "access.clients",
         [{"namespaceSelector": {"matchExpressions": [_expression("Exists", key="team")]}}],
         [{"namespaceSelector": {"matchExpressions": [_expression("Exists", key=_NAME)]}}],
         (_ONE_LABEL, "every namespace has that"), "access.clients[0]"),
    Pair("too many clients", "access.clients", _label("app", "chat") * 32,
         _label("app", "chat") * 33, ("Too many: 33: must have at most 32 items",)),
    Pair("addresses", "access.clients", _label("app", "chat"), [{"ipBlock": {"cidr": "0.0.0.0/0"}}],
         ("unknown field",), "access.clients[0].ipBlock"),
    Pair("too many labels", "access.clients",
         _labels(matchLabels={f"l{n}": "" for n in range(16)}),
         _labels(matchLabels={f"l{n}": "" for n in range(17)}),
         ("Too many: 17: must have at most 16 items",), f"{_SELECTOR}.matchLabels"),
    Pair("too many expressions", "access.clients", _where(*[_expression("Exists")] * 16),
         _where(*[_expression("Exists")] * 17), ("Too many: 17: must have at most 16 items",),
         f"{_SELECTOR}.matchExpressions"),
    Pair("too many values", "access.clients",
         _where(_expression("In", *map(str, range(32)))),
         _where(_expression("In", *map(str, range(33)))),
         ("Too many: 33: must have at most 32 items",), f"{_SELECTOR}.matchExpressions[0].values"),
]  # fmt: skip

LABELS = [
    Pair(f"the label key {key!r}", "access.clients", _label(near, "x"), _label(key, "x"),
         (f"found [{shown(key)}]", "a name of letters, digits, '-', '_' and '.'"),
         f"{_SELECTOR}.matchLabels")
    for near, key in (
        ("app.x/name_1", "app name"),
        ("casemate.dev/x", "Casemate.dev/x"),
        ("a/b", "a/b/c"),
        ("a", ""),
        ("a" * 63, "a" * 64),
        ("a-b", "a-"),
    )
] + [
    Pair(f"the label value {value!r}", "access.clients", _label("app", near), _label("app", value),
         (shown(value), "must be a label value"), f"{_SELECTOR}.matchLabels[app]")
    for near, value in (("", " "), ("A_b-1.c", "a/b"), ("v1", "v1."))
] + [
    Pair("a label value that is too long", "access.clients", _label("app", "v" * 63),
         _label("app", "v" * 64), ("Too long: may not be more than 63",),
         f"{_SELECTOR}.matchLabels.app"),
]  # fmt: skip

EXPRESSIONS = [
    Pair(f"{operator} without values", "access.clients", _where(_expression(operator, "front")),
         _where(_expression(operator)),
         ("needs values for the operators In and NotIn", f"found {operator} for tier"),
         f"{_SELECTOR}.matchExpressions[0]")
    for operator in ("In", "NotIn")
] + [
    Pair(f"{operator} with values", "access.clients", _where(_expression(operator)),
         _where(_expression(operator, "front")),
         ("none for Exists and DoesNotExist", f"found {operator} for tier"),
         f"{_SELECTOR}.matchExpressions[0]")
    for operator in ("Exists", "DoesNotExist")
] + [
    Pair("an unknown operator", "access.clients", _where(_expression("In", "1")),
         _where(_expression("Gt", "1")),
         ('Unsupported value: "Gt"', '"In", "NotIn", "Exists", "DoesNotExist"'),
         f"{_SELECTOR}.matchExpressions[0].operator"),
    Pair("a bad key in an expression", "access.clients", _where(_expression("Exists", key="a/b")),
         _where(_expression("Exists", key="a//b")), (shown("a//b"), "must be a label key"),
         f"{_SELECTOR}.matchExpressions[0].key"),
    Pair("a key that is too long", "access.clients",
         _where(_expression("Exists", key="d" * 240 + "/" + "k" * 12)),
         _where(_expression("Exists", key="d" * 241 + "/" + "k" * 12)),
         ("Too long: may not be more than 253",), f"{_SELECTOR}.matchExpressions[0].key"),
    Pair("a bad value in an expression", "access.clients", _where(_expression("In", "a.b")),
         _where(_expression("In", "a b")), (shown("a b"), "must be a label value"),
         f"{_SELECTOR}.matchExpressions[0].values[0]"),
    Pair("bad labels of namespaces", "access.clients",
         [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "chat"}}}],
         [{"namespaceSelector": {"matchLabels": {"kubernetes.io/": "chat"}}}],
         ('found ["kubernetes.io/"]',), "access.clients[0].namespaceSelector.matchLabels"),
]  # fmt: skip

PAIRS = [*PURPOSE, *SIZE, *CLIENTS, *LABELS, *EXPRESSIONS]
