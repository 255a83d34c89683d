"""Pairs for spec.engine: command, environment, resources, and the way in."""

from typing import Any

from unit.api.cases import ABSENT, IMAGE, Json, Pair, shown

_QUANTITY = "must be a quantity such as 500m, 2, 1.5 or 4Gi"


def _env(*names: str) -> list[Json]:
    return [{"name": name, "value": "x"} for name in names]


def _limits(name: str, value: Any) -> Json:
    return {"limits": {name: value}}


ENGINE = [
    Pair("no engine", "engine", {"image": IMAGE}, ABSENT, ("Required value",)),
    Pair("an engine without image", "engine", {"image": IMAGE}, {"args": ["--x"]},
         ("Required value",), "engine.image"),
    Pair("a command that is too long", "engine.command", ["x"] * 64, ["x"] * 65,
         ("Too many: 65: must have at most 64 items",)),
    Pair("too many arguments", "engine.args", ["x"] * 256, ["x"] * 257,
         ("Too many: 257: must have at most 256 items",)),
    Pair("an argument that is too long", "engine.args", ["x" * 4096], ["x" * 4097],
         ("Too long: may not be more than 4096",), "engine.args[0]"),
    Pair("a number as argument", "engine.args", ["8"], [8], ("must be of type string",),
         "engine.args[0]"),
    Pair("an unknown field", "engine", {"image": IMAGE}, {"image": IMAGE, "privileged": True},
         ("unknown field",), "engine.privileged"),
]  # fmt: skip

ENVIRONMENT = [
    Pair(f"the reserved variable {name}", "engine.env", _env(f"X_{name}"), _env(name),
         (shown(name), "must not start with CASEMATE_, HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE"),
         "engine.env[0].name")
    for name in ("CASEMATE_ENGINE_SOCKET", "CASEMATE_", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
] + [
    Pair("a variable that starts with a digit", "engine.env", _env("X9"), _env("9X"),
         (shown("9X"), "letters, digits and '_', not starting with a digit"), "engine.env[0].name"),
    Pair("a variable with an equals sign", "engine.env", _env("A_B"), _env("A=B"),
         (shown("A=B"), "letters, digits and '_'"), "engine.env[0].name"),
    Pair("a variable named twice", "engine.env", _env("A", "B"), _env("A", "A"),
         ("Duplicate value",), "engine.env[1]"),
    Pair("too many variables", "engine.env", _env(*(f"V{n}" for n in range(128))),
         _env(*(f"V{n}" for n in range(129))), ("Too many: 129: must have at most 128 items",)),
    Pair("a name that is too long", "engine.env", _env("V" * 128), _env("V" * 129),
         ("Too long: may not be more than 128",), "engine.env[0].name"),
    Pair("a value that is too long", "engine.env", [{"name": "V", "value": "x" * 4096}],
         [{"name": "V", "value": "x" * 4097}], ("Too long: may not be more than 4096",),
         "engine.env[0].value"),
    Pair("a variable from a Secret", "engine.env", _env("V"),
         [{"name": "V", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
         ("unknown field",), "engine.env[0].valueFrom"),
]  # fmt: skip

RESOURCES = [
    Pair(f"the quantity {refused!r}", "engine.resources", _limits("memory", accepted),
         _limits("memory", refused), (_QUANTITY, text), "engine.resources.limits[memory]")
    for accepted, refused, text in (
        ("2Gi", "lots", shown("lots")),
        ("2Gi", "2GB", shown("2GB")),
        ("2Gi", "2 Gi", shown("2 Gi")),
        ("1.5Gi", "1.5.0Gi", shown("1.5.0Gi")),
        ("0", "", shown("")),
        ("0", "-1", shown("-1")),
        (0, -1, "-1"),
        (2**40, "1e12", shown("1e12")),
    )
] + [
    Pair("a request that is no quantity", "engine.resources", {"requests": {"cpu": "500m"}},
         {"requests": {"cpu": "half"}}, (shown("half"), _QUANTITY),
         "engine.resources.requests[cpu]"),
    Pair("a fraction that is no string", "engine.resources", _limits("cpu", "1.5"),
         _limits("cpu", 1.5), ("must be of type",), "engine.resources.limits.cpu"),
    Pair("an unknown resource", "engine.resources", _limits("example.com/gpu", 1),
         _limits("gpu", 1), ('found ["gpu"]', "accepts cpu, memory, ephemeral-storage"),
         "engine.resources.limits"),
    Pair("a request above its limit", "engine.resources",
         {"requests": {"cpu": "1500m", "memory": "1Gi"}, "limits": {"cpu": "1.5"}},
         {"requests": {"cpu": "1501m", "memory": "1Gi"}, "limits": {"cpu": "1.5"}},
         ('accepts no request above its limit; found ["cpu"]',)),
    Pair("a request above its limit in other units", "engine.resources",
         {"requests": {"memory": "1024Mi"}, "limits": {"memory": "1Gi"}},
         {"requests": {"memory": "2G"}, "limits": {"memory": "1900M"}}, ('found ["memory"]',)),
    Pair("too many resources", "engine.resources",
         {"limits": {f"example.com/r{n}": 1 for n in range(16)}},
         {"limits": {f"example.com/r{n}": 1 for n in range(17)}},
         ("Too many: 17: must have at most 16 items",), "engine.resources.limits"),
    Pair("a quantity that is too long", "engine.resources", _limits("cpu", "1.000000000"),
         _limits("cpu", "1" * 33), ("Too long: may not be more than 32",),
         "engine.resources.limits.cpu"),
    Pair("resource claims", "engine.resources", {}, {"claims": [{"name": "gpu"}]},
         ("unknown field",), "engine.resources.claims"),
]  # fmt: skip

WAY_IN = [
    Pair("socket and port together", "engine", {"image": IMAGE, "port": 8000},
         {"image": IMAGE, "port": 8000, "socket": "engine.sock"},
         ("accepts socket or port, not both", "$CASEMATE_ENGINE_SOCKET (engine.sock)")),
    Pair("a privileged port", "engine.port", 1024, 1023, ("1023", "greater than or equal to 1024")),
    Pair("a port above the last", "engine.port", 65535, 65536,
         ("65536", "less than or equal to 65535")),
    Pair("the gateway's port", "engine.port", 8444, 8443,
         ("8443", "must be another port than the gateway's own, 8443 and 9090")),
    Pair("the port of the gateway's metrics", "engine.port", 9091, 9090,
         ("9090", "must be another port than the gateway's own")),
    Pair("a port in words", "engine.port", 8000, "8000", ("must be of type integer",)),
    Pair("a socket with a folder", "engine.socket", "engine.sock", "run/engine.sock",
         (shown("run/engine.sock"), "a plain file name")),
    Pair("a climbing socket", "engine.socket", "e_1.sock", "../e.sock",
         (shown("../e.sock"), "a plain file name")),
    Pair("a socket with another ending", "engine.socket", "e.sock", "e-sock",
         (shown("e-sock"), "ends in .sock")),
    Pair("a socket name that is too long", "engine.socket", "e" * 59 + ".sock",
         "e" * 60 + ".sock", ("Too long: may not be more than 64",)),
]  # fmt: skip

PAIRS = [*ENGINE, *ENVIRONMENT, *RESOURCES, *WAY_IN]
