"""Who leads, by the rules of client-go's leader election, as pure functions over a Lease's spec.

Whether a record has run out is judged by the time that passed here since it was last seen to
change, never by the times that it tells: those are of another clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

Spec = Mapping[str, Any]


class Step(Enum):
    """What a replica does about the Lease at one moment."""

    ACQUIRE = "acquire"
    RENEW = "renew"
    FOLLOW = "follow"


@dataclass(frozen=True)
class Pace:
    """All times of an election, in seconds, as shares of one.

    client-go's 15, 10 and 2 would leave nothing of the 15 s in which another replica must be at
    work: it sees the last renewal up to one look late, and then waits for the whole duration.
    """

    duration: int = 10
    """How long a record that nobody renews keeps others away."""

    @property
    def deadline(self) -> float:
        """How long after its last renewal a leader may write.

        The rest until the duration is for what is on the wire by then.
        """
        return self.duration * 0.7

    @property
    def retry(self) -> float:
        """Between two renewals, and before a round that failed is tried again."""
        return self.duration * 0.2

    @property
    def look(self) -> float:
        """Between two looks of a follower; a read of one object, so it may be often."""
        return self.duration * 0.05

    @property
    def request(self) -> float:
        """Longest time for one round: a hung connection leaves time for another."""
        return self.deadline / 2


def decide(spec: Spec | None, me: str, now: float, observed_at: float, pace: Pace) -> Step:
    """What `me` does about a Lease.

    Args:
        spec: The Lease's spec as it was last seen, or None where there is no Lease.
        me: The identity of this replica.
        now: This replica's clock, in seconds.
        observed_at: When this replica first saw the record as it is, by the same clock.
        pace: Says how long a record counts that does not say it itself.
    """
    holder = holder_of(spec)
    if holder == me:
        return Step.RENEW
    if not holder or now >= runs_out(spec, observed_at, pace):
        return Step.ACQUIRE
    return Step.FOLLOW


def runs_out(spec: Spec | None, observed_at: float, pace: Pace) -> float:
    """When a record stops to keep others away, by the clock of `observed_at`."""
    # Its holder's promise counts: during an upgrade that may be another duration than ours.
    promised = (spec or {}).get("leaseDurationSeconds")
    return float(observed_at + (pace.duration if promised is None else promised))


def holder_of(spec: Spec | None) -> str:
    """Who holds a Lease, or nothing."""
    return str((spec or {}).get("holderIdentity") or "")


def held(spec: Spec | None, me: str, at: datetime, pace: Pace) -> dict[str, Any]:
    """The spec with which `me` acquires or renews."""
    before = spec or {}
    record = {
        **before,
        "holderIdentity": me,
        "leaseDurationSeconds": pace.duration,
        "renewTime": _text(at),
    }
    if holder_of(spec) != me:
        record["acquireTime"] = _text(at)
        # As client-go counts: the first holder of a new Lease is no change of hands.
        record["leaseTransitions"] = int(before.get("leaseTransitions") or 0) + (spec is not None)
    return record


def released(spec: Spec, at: datetime) -> dict[str, Any]:
    """The spec with which its holder gives a Lease back; the duration must be positive."""
    when = _text(at)
    return {
        **spec,
        "holderIdentity": "",
        "leaseDurationSeconds": 1,
        "acquireTime": when,
        "renewTime": when,
    }


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
