"""What is proven of which pod, and who waits for news of it."""

import random
import time
from typing import Any, NamedTuple

from casemate.isolation.proof import Proof
from casemate.warden.callers import Pod
from casemate.warden.news import News

FORGET_SECONDS = 600.0
"""How long a pod is remembered that reports no more."""
ALIVE_SECONDS = 60.0
"""How lately a pod must have reported to be named to others as a neighbour."""


class _Entry(NamedTuple):
    pod: Pod
    ports: list[int]
    proof: Proof
    at: float
    """On the monotonic clock."""


class Ledger:
    """The newest proof of each pod, in memory: pods report again within a period."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._began = time.monotonic()
        self._news = News()

    def record(self, pod: Pod, ports: list[int], proof: Proof) -> None:
        """Take in a proof; whoever waits hears of it only where the verdict is another one.

        Args:
            pod: Of whom.
            ports: Its ports that must be closed to others.
            proof: Both halves.
        """
        now = time.monotonic()
        before = self._entries.get(pod.uid)
        self._entries[pod.uid] = _Entry(pod, ports, proof, now)
        for uid in [uid for uid, one in self._entries.items() if now - one.at > FORGET_SECONDS]:
            del self._entries[uid]
        if before is None or before.proof.verdict != proof.verdict:
            self._news.tell()

    async def after(self, serial: int, seconds: float) -> dict[str, Any]:
        """Return all that is known, as soon as there is news since `serial`, or after a while."""
        await self._news.after(serial, seconds)
        now = time.monotonic()
        pods = [
            {
                "namespace": one.pod.namespace,
                "name": one.pod.name,
                "uid": one.pod.uid,
                "verdict": one.proof.verdict,
                "message": one.proof.message,
                "age": now - one.at,
            }
            for one in self._entries.values()
        ]
        return {"serial": self._news.serial, "up": now - self._began, "pods": pods}

    def neighbours(self, address: str, most: int) -> list[dict[str, Any]]:
        """Return some pods that lived lately, but for the one that asks."""
        now = time.monotonic()
        others = [
            {"address": one.pod.address, "ports": one.ports}
            for one in self._entries.values()
            if one.pod.address != address and now - one.at <= ALIVE_SECONDS
        ]
        return random.sample(others, min(most, len(others)))
