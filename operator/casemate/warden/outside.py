"""The half of the proof that is taken from outside: what of a pod answers the warden."""

import asyncio
from collections.abc import Sequence

from casemate.core import names
from casemate.isolation.probes import probe
from casemate.isolation.proof import Proof, judge_outside
from casemate.isolation.targets import Protocol, Target


async def look(address: str, ports: Sequence[int], allowed: int = names.GATEWAY_PORT) -> Proof:
    """Try a pod's ports, all at once.

    Args:
        address: The pod's own.
        ports: Those that must not answer.
        allowed: The gateway's, which must: or else silence means nothing.
    """
    control = Target(Protocol.TCP, address, allowed, "the pod", fleeting=True)
    closed = [Target(Protocol.TCP, address, port, "the pod", fleeting=True) for port in ports]
    first, *others = await asyncio.gather(*(probe(one) for one in (control, *closed)))
    return judge_outside(first, others)
