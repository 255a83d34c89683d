"""Counts a user's requests in the API server's audit log: the server's word, not the client's."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import orjson

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
READS = frozenset({"get", "list", "watch"})


class Request(NamedTuple):
    user: str
    verb: str
    resource: str
    code: int
    received: float
    """When the API server took it in, as Unix time."""


class Audit:
    """Reads the log on from where it was read last."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset = path, 0
        self._requests: list[Request] = []

    def mark(self) -> int:
        """A point to count from."""
        self._read()
        return len(self._requests)

    def since(self, mark: int, user: str) -> list[Request]:
        self._read()
        return [one for one in self._requests[mark:] if one.user == user]

    async def settle(self, user: str, quiet: float = 2.0, limit: float = 300.0) -> float:
        """Wait until a user has sent nothing for `quiet` seconds; return the time of the last."""
        deadline = time.monotonic() + limit
        last = time.time()
        count = -1
        while time.time() - last < quiet:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{user} was still sending requests after {limit:.0f} s")
            seen = self.since(0, user)
            if len(seen) != count:
                count, last = len(seen), time.time()
            await asyncio.sleep(0.2)
        return max((one.received for one in seen if one.verb != "watch"), default=last)

    def _read(self) -> None:
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        complete = data[: data.rfind(b"\n") + 1]
        self._offset += len(complete)
        self._requests += (one for line in complete.splitlines() if (one := _parse(line)))


def _parse(line: bytes) -> Request | None:
    event = orjson.loads(line)
    # A watch is counted when it begins, everything else when it is answered.
    if (event["verb"] == "watch") != (event["stage"] == "ResponseStarted"):
        return None
    place = event.get("objectRef", {})
    resource = "/".join(filter(None, (place.get("resource", ""), place.get("subresource"))))
    return Request(
        user=event["user"]["username"],
        verb=event["verb"],
        resource=resource,
        code=event.get("responseStatus", {}).get("code", 0),
        received=datetime.fromisoformat(event["requestReceivedTimestamp"]).timestamp(),
    )


def writes(requests: Iterable[Request]) -> list[Request]:
    return [one for one in requests if one.verb in WRITES]


def by_verb(requests: Iterable[Request]) -> dict[str, int]:
    return dict(sorted(Counter(one.verb for one in requests).items()))
