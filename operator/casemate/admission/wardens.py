"""Ways into the container of a warden, which holds the keys that sign what is on record."""

from casemate.admission import callers, glass
from casemate.admission.expressions import say
from casemate.admission.policy import WARDEN, Check, Policy, Target
from casemate.api.rules import literal

ROTATE = "rotate-keys"
"""RBAC verb on the pod of a warden: the right to change its keys."""

_USER = "request.userInfo.username"
_COPY, _ROTATE = (f"python3.11 -m casemate {one}" for one in ("warden-copy", "warden-rotate"))
_ACCOUNT = "'system:serviceaccount:' + request.namespace + ':casemate-warden'"
_SIGNATURE = f"['--by=' + {_USER}, '--uid=' + request.userInfo.?uid.orValue('')]"
_NAMES = "variables.command.filter(c, c.startsWith('--by') || c.startsWith('--uid'))"
_MAY = (
    "authorizer.group('').resource('pods').namespace(request.namespace).name(request.name)"
    f".check('{ROTATE}').allowed()"
)

WARDENS = Policy(
    name="casemate-wardens",
    targets=(
        Target("", ("pods/exec",), ("CONNECT",)),
        Target("", ("pods/ephemeralcontainers",), ("UPDATE",)),
    ),
    when={
        "in-the-wardens-namespace": f"{_ACCOUNT} == {literal(WARDEN)}",
        "of-a-warden": "request.name.matches('^casemate-warden-[0-9]+$')",
    },
    variables={
        "command": "request.subResource == 'exec' ? object.?command.orValue([]) : []",
        "program": "size(variables.command) < 4 ? '' :"
        " [0, 1, 2, 3].map(i, string(variables.command[i])).join(' ')",
        "rotates": f"variables.program == {literal(_ROTATE)}",
        "known": f"variables.rotates || variables.program == {literal(_COPY)}",
    },
    checks=(
        Check(
            f"variables.known || {callers.BREAK_GLASS}",
            say(
                "pods/{}: accepted for a warden: {}, {}, and anything for who has {}",
                *("request.subResource", literal(_COPY), literal(_ROTATE), literal(callers.GLASS)),
            ),
        ),
        Check(
            f"!variables.rotates || {_MAY}",
            say(
                f"pods/exec: {{}} has not the RBAC verb {ROTATE} on the pod {{}}; accepted: who"
                " has it",
                *(_USER, "request.name"),
            ),
        ),
        Check(
            f"!variables.rotates || {_NAMES} == {_SIGNATURE}",
            say(
                "pods/exec command: keys are changed in the name of who does it; accepted, once"
                " each: --by={} and --uid={}",
                *(_USER, "request.userInfo.?uid.orValue('')"),
            ),
        ),
    ),
    audit=glass.audit(glass.CONNECTED, unless="variables.known"),
)
"""A key is changed on the word of a program in the container, and the log says in whose name: so
nobody runs another one there, nor this one in another's name."""
