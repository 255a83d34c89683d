"""`casemate start-gate`: lets a model pod start only when its network is proven to be closed."""

import argparse
import asyncio
import json
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from casemate.isolation import arguments
from casemate.isolation.proof import Proof, Verdict
from casemate.isolation.rounds import Circuit, round_of

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
TERMINATION_LOG = Path("/dev/termination-log")


@dataclass(frozen=True)
class Options:
    """The command line."""

    circuit: Circuit
    patience: float


def main(argv: Sequence[str]) -> int:
    """Try until the proof holds; 0 then, 1 when it did not for as long as it may take."""
    options = _parse(argv)
    # The first process of a container ends by no signal that it does not handle.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    proof = asyncio.run(hold(options))
    if proof.verdict is Verdict.ENFORCED:
        return 0
    _report(f"{proof.verdict}: {proof.message}")
    return 1


Round = Callable[[Circuit], Awaitable[Proof]]


async def hold(options: Options, once: Round = round_of) -> Proof:
    """Try again and again, with longer pauses, until it is proven or patience is at its end."""
    deadline, pause, said = time.monotonic() + options.patience, FIRST_PAUSE, None
    while True:
        proof = await once(options.circuit)
        if proof != said:
            _say(proof)
        said = proof
        if proof.verdict is Verdict.ENFORCED or time.monotonic() + pause > deadline:
            return proof
        await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311  no secret
        pause = min(pause * 2, LONGEST_PAUSE)


def _say(proof: Proof) -> None:
    line = {"msg": "isolation", "verdict": proof.verdict, "why": proof.message}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _report(text: str) -> None:
    """Leave the reason where the kubelet picks it up for the pod's status."""
    try:
        TERMINATION_LOG.write_text(text)
    except OSError:
        sys.stderr.write(f"{text}\n")


def _parse(argv: Sequence[str]) -> Options:
    parser = argparse.ArgumentParser("casemate start-gate", description=__doc__)
    arguments.add_circuit(parser, required=True)
    parser.add_argument("--patience", type=float, default=60.0, help="seconds to try (60)")
    given = parser.parse_args(argv)
    if not given.closed:
        parser.error("--closed is needed at least once: nothing would be probed")
    return Options(arguments.circuit(given), given.patience)
