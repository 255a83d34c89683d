"""The kill switch: everything stops at once, and another person lets go again."""

import time

from demo import callers
from demo.approvals import refusal
from demo.cluster import Cluster
from demo.people import people
from demo.progress import DemoError, say
from enclave.waiting import until

STOPPED = (403, "stopped")
_SECONDS = 20.0


def show_stop(cluster: Cluster) -> None:
    """Stop every model, ask, try to lift it as who stopped it, and lift it as somebody else.

    Raises:
        DemoError: Who stopped it could lift it.
        EnclaveError: It did not stop, or did not answer again.
    """
    with people(cluster, "eve", "lou") as (eve, lou):
        name = eve.casemate("stop", "all", "--reason=an answer went astray", "--output=name")
        name = name.strip().rpartition("/")[2]
        try:
            began = time.monotonic()
            until(lambda: _asked(cluster) == STOPPED, _SECONDS, "it went on answering", every=0.1)
            say(f"stopped by eve: 403 stopped, seen after {time.monotonic() - began:.1f} s")
            own = eve.run("lift", name, "--reason=it was a mistake")
            if not own.returncode:
                raise DemoError("who stopped it could lift it")
            say(f"eve cannot lift it: {own.stderr.strip().splitlines()[-1]}")
        finally:
            say(lou.casemate("lift", name, "--reason=the answer was looked into"))
        until(lambda: _asked(cluster) == (200, "answered"), _SECONDS, "it never resumed", every=0.3)
        say("lifted by lou: it answers again")


def _asked(cluster: Cluster) -> tuple[int, str]:
    answer = callers.ask(cluster, "Say hello.", "--max-tokens", "4")
    return (200, "answered") if answer["ok"] else refusal(answer)
