"""What goes on in a cluster, as series that a scrape would show."""

from rules.promtool import Case

GATEWAY = (
    'namespace="tax",model_deployment="scribe",pod="scribe-1",job="gateways",instance="a:9090"'
)
OTHER = 'namespace="tax",model_deployment="scribe",pod="scribe-2",job="gateways",instance="b:9090"'
LEADER = 'job="operator",instance="a:8080"'
FOLLOWER = 'job="operator",instance="b:8080"'
OF_SCRIBE = {"namespace": "tax", "model_deployment": "scribe"}
OF_ONE_POD = {**OF_SCRIBE, "pod": "scribe-1", "job": "gateways", "instance": "a:9090"}
NAMED = {"namespace": "tax", "name": "scribe"}
LEADING = {"job": "operator", "instance": "a:8080"}
BOTH = {f"casemate_leader{{{LEADER}}}": "1x90", f"casemate_leader{{{FOLLOWER}}}": "0x90"}
HEARD = "casemate_warden_heard_timestamp_seconds"
CA = "casemate_ca_expiry_timestamp_seconds"
NOT_AFTER = "casemate_gateway_tls_certificate_not_after_timestamp_seconds"


def condition(kind: str, status: str, values: str) -> dict[str, str]:
    labels = f'namespace="tax",name="scribe",type="{kind}",status="{status}",{LEADER}'
    return {f"casemate_modeldeployment_condition{{{labels}}}": values}


def counted(name: str, values: str, labels: str = "", target: str = GATEWAY) -> dict[str, str]:
    return {f"{name}{{{','.join(filter(None, [labels, target]))}}}": values}


def asked(values: str, code: str = "200", path: str = "/v1/chat/completions") -> dict[str, str]:
    return counted("casemate_gateway_requests_total", values, f'path="{path}",code="{code}"')


def refused(reason: str, values: str) -> dict[str, str]:
    return counted("casemate_gateway_refusals_total", values, f'reason="{reason}"')


def guarded(reason: str, values: str) -> dict[str, str]:
    return counted("casemate_guard_refusals_total", values, f'reason="{reason}"')


def proven(values: str, target: str = GATEWAY) -> dict[str, str]:
    return counted("casemate_gateway_isolation_proof_timestamp_seconds", values, target=target)


def failed(kind: str, values: str) -> dict[str, str]:
    return counted("casemate_reconcile_errors_total", values, f'kind="{kind}"', LEADER)


def passes(done: int, **errors: int) -> dict[str, str]:
    """Passes a minute that come to an end, and errors by kind; there are none without a count."""
    found = counted("casemate_reconcile_total", f"0+{done}x40", 'result="noop"', LEADER)
    for kind in ("stalled", "transient", "bug"):
        found |= failed(kind, f"0+{errors.get(kind, 0)}x40")
    return found


def share(requests: int, **refusals: int) -> dict[str, str]:
    """Requests a minute, and those of them that are refused, by reason."""
    found = asked(f"0+{requests}x20")
    for reason, count in refusals.items():
        found |= refused(reason, f"0+{count}x20")
    return found


def terms_refuse(reason: str) -> dict[str, str]:
    return counted("casemate_modeldeployments_refused", "2x9", f'reason="{reason}"', LEADER)


def of_leader(name: str, values: str, zeros: str = "0x90") -> dict[str, str]:
    """A gauge that a follower has too, at zero."""
    return {**BOTH, f"{name}{{{LEADER}}}": values, f"{name}{{{FOLLOWER}}}": zeros}


def supplier(deadline: str, deployments: str = "2x90") -> dict[str, str]:
    behind = f'supplier="lab",standing="PhasingOut",{LEADER}'
    return {
        f'casemate_supplier_deadline_timestamp_seconds{{supplier="lab",{LEADER}}}': deadline,
        f"casemate_supplier_deployments{{{behind}}}": deployments,
    }


def agreement(moment: str, values: str, used: str = "2x90") -> dict[str, str]:
    own = f'agreement="main",{LEADER}'
    return {
        f"casemate_agreement_{moment}_timestamp_seconds{{{own}}}": values,
        f"casemate_agreement_replicas_used{{{own}}}": used,
    }


def bundle(digest: str, values: str, target: str = GATEWAY) -> dict[str, str]:
    own = f'digest="{digest}",version="1"'
    return counted("casemate_guard_bundle_info", values, own, target)


def lasting(kind: str, status: str, minutes: int) -> list[Case]:
    """A condition that fires only once it lasts, and not at its other status."""
    other = "True" if status == "False" else "False"
    return [
        Case("it lasts", condition(kind, status, "1x90"), f"{minutes + 1}m", [NAMED]),
        Case("it does not last yet", condition(kind, status, "1x90"), f"{max(minutes - 1, 0)}m")
        if minutes
        else Case("it is over", condition(kind, status, "1x5 0x10 _x90"), "12m"),
        Case("the other status", condition(kind, other, "1x90"), f"{minutes + 1}m"),
        Case("unknown is another matter", condition(kind, "Unknown", "1x90"), f"{minutes + 1}m"),
        Case(
            "another condition",
            condition("Available", status, "1x90"),
            f"{minutes + 1}m",
        ),
    ]
