"""The kill switches: whether one of them stops a deployment."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from casemate.api.conditions import ConditionType, Reason
from casemate.api.killswitch import KillSwitchSpec
from casemate.core.findings import Finding, first

Json = Mapping[str, Any]

_MOST_TOLD = 960
"""Characters of who and why in a status: with how many more, they fit into one Event."""


class Stop(NamedTuple):
    """What stops a deployment.

    Attributes:
        switch: Name of the KillSwitch.
        reason: Who stopped it and why, for those who run it.
    """

    switch: str
    reason: str


def stopped(switches: Iterable[Json], namespace: str, deployment: str, agreement: str) -> str:
    """Return why a deployment gives no answers, or "" where no switch stops it.

    Args: as of `stop_of`.
    """
    found = stop_of(switches, namespace, deployment, agreement)
    return found.reason if found else ""


def stop_of(
    switches: Iterable[Json], namespace: str, deployment: str, agreement: str
) -> Stop | None:
    """Return what stops a deployment, if anything does: of several, the first.

    A switch that cannot be read stops everything.

    Args:
        switches: All KillSwitches there are, whole.
        namespace: The deployment's namespace.
        deployment: Its name.
        agreement: Name of the agreement that it is made under.
    """
    return next(_stops(switches, namespace, deployment, agreement), None)


def finding(
    switches: Sequence[Json] | None, namespace: str, deployment: str, agreement: str
) -> Finding:
    """Say of a deployment whether it is stopped, by whom and why, in a bounded number of words.

    Args:
        switches: All KillSwitches there are, the oldest first; None: nobody knows.
        namespace: The deployment's namespace.
        deployment: Its name.
        agreement: Name of the agreement that it is made under.
    """
    kind = ConditionType.NOT_STOPPED
    if switches is None:
        text = "the API server does not tell the operator which kill switches are on"
        return Finding(kind, "Unknown", Reason.STOPS_UNKNOWN, text)
    found = list(_stops(switches, namespace, deployment, agreement))
    if not found:
        return Finding(kind, "True", Reason.NOT_STOPPED, "no kill switch stops it")
    text = found[0].reason
    told = text if len(text) <= _MOST_TOLD else f"{text[: _MOST_TOLD - 1]}…"
    more = f"; {len(found) - 1} more stop it too" if found[1:] else ""
    return Finding(kind, "False", Reason.STOPPED, told + more)


def _stops(
    switches: Iterable[Json], namespace: str, deployment: str, agreement: str
) -> Iterator[Stop]:
    for body in switches:
        name = body.get("metadata", {}).get("name", "")
        try:
            spec = KillSwitchSpec.model_validate(body.get("spec"))
        except ValidationError as error:
            yield Stop(name, f"stopped by KillSwitch {name}, which breaks a rule: {first(error)}")
            continue
        if _covers(spec, namespace, deployment, agreement):
            by = spec.stopped_by.username
            yield Stop(name, f"stopped by {by} (KillSwitch {name}): {spec.reason}")


def _covers(spec: KillSwitchSpec, namespace: str, deployment: str, agreement: str) -> bool:
    if spec.deployment is not None:
        return (spec.deployment.namespace, spec.deployment.name) == (namespace, deployment)
    return spec.agreement_ref is None or spec.agreement_ref.name == agreement
