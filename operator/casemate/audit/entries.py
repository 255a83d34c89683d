"""Records at their place, and which of two was before the other."""

from typing import Generic, NamedTuple, TypeVar

from casemate.audit.kinds import Stamped
from casemate.audit.times import milliseconds

R_co = TypeVar("R_co", bound=Stamped, covariant=True)
Place = tuple[str, int]
"""Name of the pod whose log it is, and index."""


class Entry(NamedTuple, Generic[R_co]):
    """A record that could be read."""

    pod: str
    at: int
    record: R_co

    @property
    def place(self) -> Place:
        """Where it is."""
        return self.pod, self.at


def place(record_id: str) -> Place:
    """Return the place that a record's id names; the form of it was checked when it was read."""
    pod, _, index = record_id.rpartition("/")
    return pod, int(index)


def before(one: Entry[Stamped], other: Entry[Stamped], skew_ms: int) -> bool:
    """Whether one record was written before another.

    Args:
        one: The one that should be earlier.
        other: The other; of the same log, or of another, whose clock may differ.
        skew_ms: By how much clocks may differ.
    """
    if one.pod == other.pod:
        return one.at < other.at
    return milliseconds(one.record.time) <= milliseconds(other.record.time) + skew_ms
