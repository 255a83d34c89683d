"""The gateway with less of its guard, beside which the whole of it is measured.

Usage: gateway_subject.py empty|linear GATEWAY-ARGUMENTS...: without any check, or with a judge that
has no sentence encoder. The whole gateway is `python -m casemate gateway`.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence

os.environ.setdefault("SSL_CERT_FILE", os.devnull)
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import uvloop

from casemate import judges
from casemate.gateway import allocator
from casemate.gateway.checks import Chain
from casemate.gateway.guard import InForce
from casemate.gateway.loading import Built, load
from casemate.gateway.main import SWITCH_SECONDS, Gateway
from casemate.gateway.settings import parse_settings
from casemate.guard.judge import Judge
from casemate.policyfile import PolicyFile


def build(raw: bytes, terms: PolicyFile) -> Built:
    bundle = judges.bundle_of(raw)
    return Built(Judge(bundle, judges.policy_of(terms)), bundle.version)


def without_encoder(policy: bytes | None) -> InForce:
    return load(policy, judges.shipped(), build)


async def run(kind: str, argv: Sequence[str]) -> None:
    settings = parse_settings(argv)
    if kind == "empty":
        gateway = Gateway(settings, Chain())
    else:
        gateway = Gateway(settings, load=without_encoder)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, gateway.stop)
    await gateway.run()


if __name__ == "__main__":
    sys.setswitchinterval(SWITCH_SECONDS)
    allocator.give_back()
    uvloop.run(run(sys.argv[1], sys.argv[2:]))
