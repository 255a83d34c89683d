"""The containers of a model pod: the gateway before the engine, and nothing that goes round it."""

from casemate.admission.cel import listed, text
from casemate.admission.containers import every
from casemate.admission.policy import Check
from casemate.core.names import GATEWAY_PORT, METRICS_PORT, NAME_LABEL

_BEFORE_GATEWAY = ("start-gate", "verify")

SHAPE = (
    Check(
        "variables.mains.map(c, c.name) == ['engine']",
        text("spec.containers: must be exactly engine")
        + " + '; found ' + variables.mains.map(c, c.name).join(', ')",
    ),
    Check(
        "variables.names.exists_one(n, n == 'gateway')",
        text("spec.initContainers: must hold one native sidecar named gateway"),
    ),
    Check(
        "variables.names.size() > 0 && variables.names[0] == 'start-gate'",
        text("spec.initContainers: must begin with start-gate")
        + " + '; found ' + variables.names.join(', ')",
    ),
    every(
        "c.?args[?0].orValue('') == 'start-gate' && c.?command.orValue([]).size() == 0",
        "args and command",
        "must be start-gate as first argument, and no command",
        of="variables.inits.filter(c, c.name == 'start-gate')",
    ),
    every(
        f"c.name in {listed('gateway', *_BEFORE_GATEWAY)} || c.name.startsWith('guardrail-')",
        "spec.initContainers: the name",
        f"must be one of gateway, {', '.join(_BEFORE_GATEWAY)} or begin with guardrail-",
        of="variables.inits",
    ),
    every(
        f"(c.name in {listed(*_BEFORE_GATEWAY)}) != (c.?restartPolicy.orValue('') == 'Always')",
        "spec.initContainers.restartPolicy",
        f"must be Always, but for {' and '.join(_BEFORE_GATEWAY)}, which must end",
        of="variables.inits",
    ),
    Check(
        f"{listed(*_BEFORE_GATEWAY)}.all(n, variables.names.indexOf(n) < variables.at) &&"
        " variables.names.all(n, !n.startsWith('guardrail-') ||"
        " variables.names.indexOf(n) > variables.at)",
        text("spec.initContainers: must be start-gate and verify, then gateway, then guardrail-*")
        + " + '; found ' + variables.names.join(', ')",
    ),
    every(
        "c.?args[?0].orValue('') == 'gateway' && c.?command.orValue([]).size() == 0",
        "args and command",
        "must be gateway as first argument, and no command",
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
        text(
            "spec.ephemeralContainers: must be absent from a model pod; to look into a model, read"
            " its metrics, logs and status"
        ),
    ),
    Check(
        f"object.spec.?serviceAccountName.orValue('') == variables.labels[{text(NAME_LABEL)}]"
        " + '-model'",
        text("spec.serviceAccountName: must be ")
        + f" + variables.labels[{text(NAME_LABEL)}] + '-model'",
    ),
    Check(
        "object.spec.?automountServiceAccountToken.orValue(true) == false",
        text("spec.automountServiceAccountToken: must be false"),
    ),
    Check(
        "!object.spec.?shareProcessNamespace.orValue(false)",
        text(
            "spec.shareProcessNamespace: must be false: an engine could read its gateway's memory"
        ),
    ),
)
