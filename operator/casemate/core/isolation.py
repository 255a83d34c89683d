"""What is known of the isolation of a deployment's pods: the gates to set, and what to report."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from casemate.api.conditions import ConditionType, Reason
from casemate.api.terms import spelled
from casemate.core.findings import Finding
from casemate.isolation.proof import Verdict

GATE = "casemate.dev/network-isolated"
"""Readiness gate of every model pod: a Service has no endpoint that did not prove its isolation."""

FRESH_SECONDS = 75.0
"""How old a proof may be before it is none: two of the longest periods, and some more."""

REFRESH_SECONDS = 300.0
"""How often the time on a pod is brought up to its newest proof: each step is a write."""

_NO_PROOF = "no proof was reported"

METHOD = "rounds from inside the pod, and its ports tried from outside by the warden"


class Word(NamedTuple):
    """What the warden says of one pod."""

    namespace: str
    pod: str
    verdict: str
    message: str
    at: datetime

    def old(self, now: datetime) -> bool:
        """Whether it is too old to prove anything."""
        return now - self.at > timedelta(seconds=FRESH_SECONDS)


@dataclass(frozen=True)
class Words:
    """What the warden says.

    Attributes:
        silent: Why nothing is known, or nothing: then what stands on the pods stays.
        pods: By UID.
        complete: Whether a pod that is not among them has reported nothing for a while.
    """

    silent: str = "the warden has not been heard yet"
    pods: Mapping[str, Word] = field(default_factory=dict)
    complete: bool = False


class Heard(NamedTuple):
    """What one replica of the warden said last.

    Attributes:
        at: When; since when it is asked, where it never answered.
        words: What it said.
    """

    at: datetime
    words: Words


def merged(heard: Iterable[Heard], now: datetime) -> Words:
    """Return what all replicas say together, of each pod the newest: a pod reports to any of them.

    Whatever a replica that is gone has said still counts: its pods need some time to find another.
    """
    pods: dict[str, Word] = {}
    complete = True
    for one in heard:
        complete &= one.words.complete or now - one.at > timedelta(seconds=FRESH_SECONDS)
        for uid, word in one.words.pods.items():
            if uid not in pods or pods[uid].at < word.at:
                pods[uid] = word
    return Words("", pods, complete)


class Gate(NamedTuple):
    """The readiness gate as it stands on a pod."""

    status: str
    reason: str
    message: str
    proven: str
    """When it was proven or disproved, as the API spells times."""
    since: str
    """When its status last changed."""


class Pod(NamedTuple):
    """One pod."""

    name: str
    uid: str
    gate: Gate | None = None
    ending: bool = False
    """Whether it is on its way out."""
    ready: bool = False
    """Whether its Service leads clients to it."""
    policy: str = ""
    """Digest of the guard policy that it was made for; nothing where it has none."""


class Mark(NamedTuple):
    """A gate to be written on a pod."""

    pod: Pod
    gate: Gate


def marks(pods: Sequence[Pod], words: Words, now: datetime) -> Iterator[Mark]:
    """Decide which gates change. While the warden is silent, none does: gateways judge alone."""
    if words.silent:
        return
    for pod in pods:
        word = words.pods.get(pod.uid)
        if word is None and not (pod.gate and words.complete):
            continue
        wanted = _gate(word, now)
        if pod.gate and pod.gate.status == wanted.status:
            wanted = wanted._replace(since=pod.gate.since)
        if pod.gate is None or pod.gate[:3] != wanted[:3] or _lags(pod.gate, wanted):
            yield Mark(pod, wanted)


def _gate(word: Word | None, now: datetime) -> Gate:
    status, reason, message = "False", str(Reason.INCONCLUSIVE), _NO_PROOF
    if word is not None:
        status, reason, message = _judged(word, now)
    return Gate(status, reason, message, spelled(word.at) if word else "", spelled(now))


def _judged(word: Word, now: datetime) -> tuple[str, str, str]:
    if word.verdict != Verdict.ENFORCED:
        return "False", word.verdict, word.message
    if word.old(now):
        return "False", Reason.INCONCLUSIVE, "the newest proof is too old"
    return "True", Reason.ENFORCED, "isolation is proven"


def _lags(gate: Gate, wanted: Gate) -> bool:
    if not gate.proven or not wanted.proven:
        return gate.proven != wanted.proven
    apart = datetime.fromisoformat(wanted.proven) - datetime.fromisoformat(gate.proven)
    return apart >= timedelta(seconds=REFRESH_SECONDS / 2)


def finding(pods: Sequence[Pod], words: Words) -> Finding:
    """Say what is seen on the pods, and not what was just written there."""
    kind = ConditionType.NETWORK_ISOLATED
    if not pods:
        return Finding(kind, "Unknown", Reason.NO_PODS, "no pod runs")
    for pod in pods:
        if pod.gate and pod.gate.reason == Reason.NOT_ENFORCED:
            return Finding(
                kind, "False", Reason.NOT_ENFORCED, f"pod {pod.name}: {pod.gate.message}"
            )
    proven = [pod for pod in pods if pod.gate and pod.gate.status == "True"]
    counts = f"{len(proven)} of {len(pods)} pods have proven their isolation"
    if words.silent:
        return Finding(kind, "Unknown", Reason.WARDEN_SILENT, f"{words.silent}; before, {counts}")
    if len(proven) < len(pods):
        open_ = next(pod for pod in pods if pod not in proven)
        why = open_.gate.message if open_.gate else _NO_PROOF
        text = f"{counts}; pod {open_.name}: {why}"
        return Finding(kind, "Unknown", Reason.INCONCLUSIVE, text)
    return Finding(
        kind, "True", Reason.ENFORCED, f"{counts}; the oldest proof is of {oldest(pods)}"
    )


def troubles(pods: Sequence[Pod]) -> list[str]:
    """What keeps pods from serving that had their chance to prove it."""
    return [
        f"pod {pod.name}: isolation is not proven: {pod.gate.message}"
        for pod in pods
        if pod.gate and pod.gate.status != "True" and pod.gate.proven
    ]


def oldest(pods: Sequence[Pod]) -> str:
    """The time of the oldest proof among the pods that have one; nothing where none has."""
    times = [pod.gate.proven for pod in pods if pod.gate and pod.gate.status == "True"]
    return min(times, default="")


def report(pods: Sequence[Pod]) -> dict[str, Any]:
    """The part of the status that says how isolation is proven."""
    proven = sum(1 for pod in pods if pod.gate and pod.gate.status == "True")
    found: dict[str, Any] = {"pods": len(pods), "proven": proven, "method": METHOD}
    return found | ({"oldestProofTime": oldest(pods)} if proven else {})
