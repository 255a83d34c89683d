"""What GitOps tools make of an object with the health checks that we ship, as they run them."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from cel_expr_python import cel
from lupa.lua51 import LuaRuntime

from support.kstatus import unseen

GITOPS = Path(__file__).parents[2] / "docs" / "gitops"
ARGO = GITOPS / "argocd-health.lua"
FLUX = GITOPS / "flux-health.yaml"

_ARGO_STATES = {"Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown"}
# Argo CD opens the base, package and table libraries for a health check, and a part of os.
# Without os here too, what passes needs none of it.
_BARE = """
debug.setmetatable("", nil)
for _, name in ipairs({"coroutine", "debug", "io", "math", "os", "python", "string"}) do
  _G[name] = nil
end
"""
_IN_ORDER = {"inProgress": "InProgress", "failed": "Failed", "current": "Current"}


def argo(body: dict[str, Any], script: str | None = None) -> str:
    """Argo CD's health: the script sees the object as `obj` and returns a table."""
    lua = LuaRuntime(register_eval=False, register_builtins=False)
    lua.execute(_BARE)
    lua.globals().obj = lua.table_from(body, recursive=True)
    found = lua.execute(ARGO.read_text() if script is None else script)
    if found["status"] not in _ARGO_STATES or not isinstance(found["message"], str):
        raise ValueError(f"Argo CD knows no health {found['status']!r}: {found['message']!r}")
    return str(found["status"])


def flux(body: dict[str, Any], *, asks_first: bool = True) -> str:
    """Flux's verdict, as fluxcd/pkg has it in runtime/cel/status_evaluator.go.

    `asks_first`: it compares the generations before it looks at any expression.
    """
    if asks_first and unseen(body):
        return "InProgress"
    check = flux_checks()[body["kind"]]
    for field, verdict in _IN_ORDER.items():
        if field in check and evaluate(check[field], body):
            return verdict
    return "InProgress"


@cache
def flux_checks() -> dict[str, dict[str, str]]:
    """The expressions for each kind."""
    return {one["kind"]: one for one in yaml.safe_load(FLUX.read_text())}


def evaluate(expression: str, body: dict[str, Any]) -> bool:
    """One expression, parsed without a type check; an object's top fields are its variables.

    Raises:
        ValueError: It could not be evaluated, as with a field that is missing.
    """
    env = cel.NewEnv(variables=dict.fromkeys(body, cel.Type.DYN))
    found = env.compile(expression, disable_check=True).eval(data=body).value()
    if not isinstance(found, bool):
        raise ValueError(f"{expression}: {found}")  # noqa: TRY004 - an error of the expression
    return found
