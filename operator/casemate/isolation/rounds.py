"""One round of the proof from inside a pod, as its start gate and its gateway take it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from casemate.isolation.probes import probe
from casemate.isolation.proof import Answer, Proof, judge
from casemate.isolation.targets import Protocol, Target
from casemate.isolation.wardens import Wardens


@dataclass(frozen=True)
class Circuit:
    """What a round goes through.

    Attributes:
        wardens: Those that may answer; one of them must.
        closed: What must not.
        neighbour_ports: Ports that must be closed on other model pods beside those that the warden
            names with them.
    """

    wardens: Wardens
    closed: tuple[Target, ...]
    neighbour_ports: tuple[int, ...] = ()


async def round_of(circuit: Circuit) -> Proof:
    """One round: a warden, everything that must be closed at once, and the same warden again."""
    warden, before = await circuit.wardens.ask()
    targets = (*circuit.closed, *_neighbours(before, circuit.neighbour_ports))
    readings = await asyncio.gather(*(probe(one) for one in targets))
    return judge(before, readings, await warden.ask())


def _neighbours(answer: Answer, ports: Sequence[int]) -> list[Target]:
    return [
        Target(Protocol.TCP, address, port, "another model", fleeting=True)
        for address, own in answer.neighbours
        for port in (*own, *ports)
    ]
