"""All deployments, with what is proven of them and what stops them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from casemate.console.html import Child, Markup, element
from casemate.console.pages import frame
from casemate.console.pages.frame import Signed
from casemate.console.pages.queue import narrow
from casemate.console.times import ago, left
from casemate.core.stops import stopped

Json = dict[str, Any]

_COLUMNS = {
    "Ready": "Ready",
    "Isolated": "NetworkIsolated",
    "Guarded": "GuardrailsEnforced",
    "Agreement": "AgreementInForce",
    "Supplier": "SupplierPermitted",
}
_UNKNOWN = {"status": "Unknown", "reason": "not reported", "message": "", "type": ""}


def deployments(
    found: Sequence[Json],
    switches: Sequence[Json] | str,
    now: datetime,
    signed: Signed,
    chosen: dict[str, str],
    *,
    problem: str = "",
) -> str:
    """Return the page.

    Args:
        found: ModelDeployments.
        switches: All KillSwitches, or why they are not known.
        now: The moment.
        signed: Who looks.
        chosen: Parameters of the page that say what is shown.
        problem: Why there is nothing to show.
    """
    ordered = sorted(found, key=_name)
    heads = ["Deployment", *_COLUMNS, "Oldest proof", "Kill switch"]
    rows = [_row(one, switches, now) for one in ordered]
    nothing = element("p", "There is no deployment." if not problem else None)
    unknown = f"Whether a kill switch is in force is not known: {switches}"
    return frame.page(
        "Deployments",
        frame.alert(problem) if problem else None,
        frame.alert(unknown) if isinstance(switches, str) else None,
        frame.table("State of each deployment", heads, rows) if rows else nothing,
        *(_details(one, now) for one in ordered),
        element("section", element("h2", "What is shown"), narrow(frame.DEPLOYMENTS, chosen)),
        signed=signed,
        at=frame.DEPLOYMENTS,
    )


def _name(one: Json) -> str:
    return f"{one['metadata']['namespace']}/{one['metadata']['name']}"


def _row(one: Json, switches: Sequence[Json] | str, now: datetime) -> list[Child]:
    conditions = _conditions(one)
    proof = one.get("status", {}).get("isolation", {}).get("oldestProofTime")
    return [
        element("a", _name(one), href=f"#{_anchor(one)}"),
        *(_state(conditions.get(kind, _UNKNOWN)) for kind in _COLUMNS.values()),
        ago(proof, now) if proof else "none",
        _answers(one, switches),
    ]


def _answers(one: Json, switches: Sequence[Json] | str) -> Markup:
    if isinstance(switches, str):
        return element("span", "not known", class_="bad")
    meta = one["metadata"]
    agreement = one["spec"]["agreementRef"]["name"]
    why = stopped(switches, meta["namespace"], meta["name"], agreement)
    return element("span", why, class_="bad") if why else element("span", "none in force")


def _state(condition: Json) -> Markup:
    status, reason = condition["status"], condition["reason"]
    word = {"True": "yes", "False": "no"}.get(status, "not known")
    return element("span", f"{word}: {reason}", class_="good" if status == "True" else "bad")


def _conditions(one: Json) -> dict[str, Json]:
    return {each["type"]: each for each in one.get("status", {}).get("conditions") or ()}


def _details(one: Json, now: datetime) -> Markup:
    rows: list[list[Child]] = [
        [
            each["type"],
            _state(each),
            ago(each["lastTransitionTime"], now),
            each["message"],
        ]
        for each in _conditions(one).values()
    ]
    heads = ["Condition", "State", "Since", "Message"]
    return element(
        "section",
        element("h2", _name(one), id_=_anchor(one)),
        _old(one),
        frame.facts(_facts(one, now).items()),
        frame.table(f"Conditions of {_name(one)}", heads, rows),
    )


def _facts(one: Json, now: datetime) -> dict[str, Child]:
    spec, status = one["spec"], one.get("status", {})
    isolation, guard = status.get("isolation", {}), status.get("guard", {})
    proof, until = isolation.get("oldestProofTime"), status.get("permittedUntil")
    return {
        "Model": f"{spec['model']['name']} of supplier {spec['model']['supplier']}",
        "Use": f"{spec['use']}, under agreement {spec['agreementRef']['name']}",
        "Owner": f"{spec['owner']['name']}, {spec['owner']['contact']}",
        "Pods that serve": f"{status.get('readyReplicas', 0)} of {spec.get('replicas', 1)}",
        "Isolation proven": f"{isolation.get('proven', 0)} of {isolation.get('pods', 0)} pods",
        "Oldest proof": ago(proof, now) if proof else "none",
        "How it is proven": isolation.get("method") or "not yet",
        "Guard": f"bundle {guard.get('bundleDigest', 'not known')}, policy"
        f" {guard.get('policyDigest', 'not known')}",
        "May run for": left(until, now) if until else "no end is known",
    }


def _old(one: Json) -> Markup | None:
    """Return a warning where the status speaks of a spec that has changed since."""
    seen, wanted = (
        one.get("status", {}).get("observedGeneration", -1),
        one["metadata"]["generation"],
    )
    if seen == wanted:
        return None
    return frame.alert(f"The operator has not seen this spec yet: {seen} is seen, {wanted} is set.")


def _anchor(one: Json) -> str:
    return f"of-{one['metadata']['uid']}"
