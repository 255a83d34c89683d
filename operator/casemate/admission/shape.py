"""The containers of a model pod: the gateway before the engine, and nothing that goes round it."""

from casemate.admission.containers import every
from casemate.admission.policy import Check
from casemate.api.rules import literal
from casemate.api.terms import one_of
from casemate.core.isolation import GATE
from casemate.core.names import (
    GATEWAY_PORT,
    GUARD_ANNOTATION,
    GUARD_OPTION,
    IDENTITY_ARGUMENT,
    IDENTITY_OPTION,
    METRICS_PORT,
    NAME_LABEL,
    guard_arguments,
)

_BEFORE_GATEWAY = ["start-gate", "verify"]

_GUARD_OPTIONS = "--g"
"""Beginning of all options of the guard, abbreviated ones included; no other begins so."""
_FILE, _DIGEST = guard_arguments("")
_MARK = f"variables.annotations[?{literal(GUARD_ANNOTATION)}].orValue('')"
_GUARDED = f"[{literal(_FILE)}, {literal(_DIGEST)} + {_MARK}]"
"""The annotation cannot be changed on a pod: so what it says is what the gateway was told."""

_IDENTITY_OPTIONS = IDENTITY_OPTION[:5]
"""Beginning of every abbreviation of it that a gateway takes; no other option begins so."""

SHAPE = (
    Check(
        "variables.mains.map(c, c.name) == ['engine']",
        literal("spec.containers: must be exactly engine")
        + " + '; found ' + variables.mains.map(c, c.name).join(', ')",
    ),
    Check(
        "variables.names.exists_one(n, n == 'gateway')",
        literal("spec.initContainers: must hold one native sidecar named gateway"),
    ),
    Check(
        "variables.names.size() > 0 && variables.names[0] == 'start-gate'",
        literal("spec.initContainers: must begin with start-gate")
        + " + '; found ' + variables.names.join(', ')",
    ),
    every(
        "c.?args[?0].orValue('') == 'start-gate' && c.?command.orValue([]).size() == 0",
        "args and command",
        "must be start-gate as first argument, and no command",
        of="variables.inits.filter(c, c.name == 'start-gate')",
    ),
    every(
        f"c.name in {one_of(['gateway', *_BEFORE_GATEWAY])} || c.name.startsWith('guardrail-')",
        "spec.initContainers: the name",
        f"must be one of gateway, {', '.join(_BEFORE_GATEWAY)} or begin with guardrail-",
        of="variables.inits",
    ),
    every(
        f"(c.name in {one_of(_BEFORE_GATEWAY)}) != (c.?restartPolicy.orValue('') == 'Always')",
        "spec.initContainers.restartPolicy",
        f"must be Always, but for {' and '.join(_BEFORE_GATEWAY)}, which must end",
        of="variables.inits",
    ),
    Check(
        f"{one_of(_BEFORE_GATEWAY)}.all(n, variables.names.indexOf(n) < variables.at) &&"
        " variables.names.all(n, !n.startsWith('guardrail-') ||"
        " variables.names.indexOf(n) > variables.at)",
        literal(
            "spec.initContainers: must be start-gate and verify, then gateway, then guardrail-*"
        )
        + " + '; found ' + variables.names.join(', ')",
    ),
    every(
        "c.?args[?0].orValue('') == 'gateway' && c.?command.orValue([]).size() == 0",
        "args and command",
        "must be gateway as first argument, and no command",
        of="variables.gateways",
    ),
    every(
        f"c.?args.orValue([]).filter(a, a.startsWith({literal(_GUARD_OPTIONS)})) == {_GUARDED}",
        "args",
        f"must have {GUARD_OPTION} and {GUARD_OPTION}-digest, of annotation {GUARD_ANNOTATION}, and"
        " nothing else about the guard",
        of="variables.gateways",
    ),
    every(
        f"c.?args.orValue([]).filter(a, a.startsWith({literal(_IDENTITY_OPTIONS)})) =="
        f" [{literal(IDENTITY_ARGUMENT)}]",
        "args",
        f"must have {IDENTITY_ARGUMENT}, once, and no other {IDENTITY_OPTION}: nobody unnamed asks",
        of="variables.gateways",
    ),
    every(
        f"c.?ports.orValue([]).all(p, p.containerPort in [{GATEWAY_PORT}, {METRICS_PORT}])",
        "ports.containerPort",
        f"must be {GATEWAY_PORT} or {METRICS_PORT}",
        of="variables.gateways",
    ),
    Check(
        "variables.extras.size() == 0",
        literal(
            "spec.ephemeralContainers: must be absent from a model pod; to look into a model, read"
            " its metrics, logs and status"
        ),
    ),
    Check(
        f"object.spec.?serviceAccountName.orValue('') == variables.labels[{literal(NAME_LABEL)}]"
        " + '-model'",
        literal("spec.serviceAccountName: must be ")
        + f" + variables.labels[{literal(NAME_LABEL)}] + '-model'",
    ),
    Check(
        f"object.spec.?readinessGates.orValue([]).exists(g, g.conditionType == {literal(GATE)})",
        literal(f"spec.readinessGates: must hold {GATE}: no endpoint without a proof"),
    ),
    Check(
        "object.spec.?automountServiceAccountToken.orValue(true) == false",
        literal("spec.automountServiceAccountToken: must be false"),
    ),
    Check(
        "!object.spec.?shareProcessNamespace.orValue(false)",
        literal(
            "spec.shareProcessNamespace: must be false: an engine could read its gateway's memory"
        ),
    ),
)
