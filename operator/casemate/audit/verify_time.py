"""Whether a log's records follow one another: sequence, starts and stops, and the clock."""

from casemate.audit.findings import Findings
from casemate.audit.kinds import ClockJump, Record, Started, Stopped


class Order:
    """Looks at each record beside the one before it."""

    def __init__(self, pod: str, findings: Findings) -> None:
        self._pod, self._findings = pod, findings
        self._last: Record | None = None
        self._boots: set[str] = set()
        self._set_back: tuple[Started, str] | None = None
        """A start at an earlier time than the record before it had, until the next explains it."""
        self.first, self.latest = "", ""

    @property
    def boots(self) -> int:
        """Starts of the process."""
        return len(self._boots)

    def meet(self, record: Record, index: int) -> None:
        """Take in the next record.

        Args:
            record: The record.
            index: Where it stands.
        """
        if record.seq != index:
            self._broken(index, "seq", f"says {record.seq}")
        if self._last is None or record.boot != self._last.boot:
            self._new_boot(record, index)
        elif type(record) is Started:
            self._broken(index, "boot", "a process starts once")
        elif type(self._last) is Stopped:
            self._broken(index, "boot", "its process had stopped")
        if self._last is None:
            self.first = record.time
        elif record.time < self._last.time or self._set_back is not None:
            self._earlier(self._last, record, index)
        if type(record) is ClockJump:
            self._jump(record, index)
        self._last, self.latest = record, record.time

    def end(self) -> None:
        """No record comes any more."""
        if self._set_back is not None:
            self._unexplained(self._set_back[0].seq, self._set_back[0].time)

    def _new_boot(self, record: Record, index: int) -> None:
        if type(record) is not Started:
            self._broken(index, "boot", "is new, and no start was recorded")
        elif record.recovered.size != index:
            self._broken(
                index, "recovered.size", f"{record.recovered.size} records were found; {index} are"
            )
        elif record.recovered.torn:
            told = f"{record.recovered.torn} bytes of an unfinished write were cut off before it"
            self._findings.note(self._pod, index, "recovered.torn", told)
        if record.boot in self._boots:
            self._broken(index, "boot", "was used before")
        self._boots.add(record.boot)
        if self._last is not None and type(self._last) is not Stopped:
            told = "the process before it ended without a last word"
            self._findings.note(self._pod, index, "boot", told)

    def _earlier(self, last: Record, record: Record, index: int) -> None:
        if self._set_back is not None:
            (start, before), self._set_back = self._set_back, None
            if record.time != start.time or not _explains(record, before):
                self._unexplained(index - 1, start.time)
        if record.time >= last.time:
            return
        if type(record) is Started:
            self._set_back = record, last.time
        elif not _explains(record, last.time):
            self._unexplained(index, record.time)

    def _jump(self, record: ClockJump, index: int) -> None:
        if record.after != record.time:
            self._broken(index, "after", f"is not the time of the record, {record.time}")
        told = f"the clock was set by {record.milliseconds} ms, from {record.before}"
        self._findings.note(self._pod, index, "milliseconds", told)

    def _unexplained(self, index: int, time: str) -> None:
        self._broken(index, "time", f"goes back to {time}, and no clock-jump explains it")

    def _broken(self, index: int, field: str, why: str) -> None:
        self._findings.broken(self._pod, index, field, why)


def _explains(record: Record, before: str) -> bool:
    return type(record) is ClockJump and record.before >= before
