"""Held requests as rows for people. Every value is safe to show."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from casemate.api.terms import instant
from casemate.deciding.seen import isolated, plain, width

COLUMNS = ("NAME", "NAMESPACE", "AGE", "LEFT", "LINE", "MODEL", "REQUESTER", "TALLY", "PHASE")
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400

Json = Mapping[str, Any]


def row(request: Json, now: datetime) -> dict[str, str]:
    """Return the columns of a request.

    Args:
        request: An ApprovalRequest.
        now: The moment that age and the time left are counted from.
    """
    meta, spec = request["metadata"], request["spec"]
    cells = {
        "NAME": meta["name"],
        "NAMESPACE": meta["namespace"],
        "AGE": span(now - instant(meta["creationTimestamp"])),
        "LEFT": left(request, now),
        "LINE": spec["line"],
        "MODEL": spec["model"]["name"],
        "REQUESTER": spec["requester"]["username"],
        "TALLY": tally(request),
        "PHASE": phase(request),
    }
    return {name: plain(str(cell)) for name, cell in cells.items()}


def phase(request: Mapping[str, Any]) -> str:
    """Return where a request stands, as its status says."""
    return str(request.get("status", {}).get("phase", "Pending"))


def ended(request: Mapping[str, Any]) -> str:
    """Say how a request ended."""
    why = request.get("status", {}).get("message")
    return f"{request['metadata']['name']} is {phase(request)}" + (f": {why}" if why else "")


def left(request: Json, now: datetime) -> str:
    """Return how long there is to decide, or that it is too late."""
    rest = instant(request["spec"]["expiresAt"]) - now
    return span(rest) if rest > timedelta(0) else "none"


def tally(request: Json) -> str:
    """Return approvals that count, of those that it takes."""
    said = request.get("status", {}).get("tally")
    return str(said or f"0/{request['spec']['approvers']}")


def span(time: timedelta) -> str:
    """Return a time in its two largest units, such as `4m10s`; less than none counts as none."""
    seconds = max(int(time.total_seconds()), 0)
    units = ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m"), (1, "s"))
    parts: list[str] = []
    for size, unit in units:
        number, seconds = divmod(seconds, size)
        if number or parts:
            parts.append(f"{number}{unit}")
    return "".join(parts[:2]) or "0s"


def lines(rows: list[dict[str, str]], columns: tuple[str, ...] = COLUMNS) -> Iterator[str]:
    """Yield a table's lines, its head first."""
    head = {name: name for name in columns}
    widths = {name: max(width(one[name]) for one in (head, *rows)) for name in columns}
    for cells in (head, *rows):
        # What is read from right to left must not take the next column with it.
        padded = (
            isolated(cells[name]) + " " * (most - width(cells[name]))
            for name, most in widths.items()
        )
        yield "   ".join(padded).rstrip()
