"""Names: the same question by who may ask, by who may not, and by nobody in particular."""

from dataclasses import dataclass
from typing import Any

from demo import callers
from demo.callers import KNOWN, RIGHTLESS
from demo.cluster import Cluster
from demo.progress import DemoError, say

NAMELESS, FORBIDDEN = (401, "invalid_api_key"), (403, "permission_denied")
ALLOWED = (200, "answered")


@dataclass(frozen=True)
class Caller:
    """Somebody who asks, from the pod that may connect, and what must come of it.

    Attributes:
        who: As printed.
        account: Whose token is presented; empty: none is.
        outcome: Status and code.
        audience: Of the token; empty: that of the API server.
    """

    who: str
    account: str
    outcome: tuple[int, str]
    audience: str = callers.AUDIENCE

    def key(self, cluster: Cluster) -> str:
        """Return what is presented as API key."""
        return callers.token(cluster, self.account, self.audience) if self.account else "unused"


CALLERS = (
    Caller("a person with a token of their own", KNOWN, ALLOWED),
    Caller("somebody without a token", "", NAMELESS),
    Caller("the same account, with a token for the API server", KNOWN, NAMELESS, audience=""),
    Caller("an account without the right", RIGHTLESS, FORBIDDEN),
)


def show_names(cluster: Cluster) -> None:
    """Ask as each of them.

    Raises:
        DemoError: Something else came of it than must.
    """
    wrong = [one.who for one in CALLERS if came_of(cluster, one) != one.outcome]
    if wrong:
        raise DemoError(f"not as it must be: {'; '.join(wrong)}")


def came_of(cluster: Cluster, caller: Caller) -> tuple[int, str]:
    """Ask as somebody; print and return the status and the code that came of it."""
    report = callers.ask(cluster, "Say hello.", "--max-tokens", "8", key=caller.key(cluster))
    found = outcome(report)
    say(f"{f'{found[0]} {found[1]}':<24} {caller.who}")
    return found


def outcome(report: dict[str, Any]) -> tuple[int, str]:
    """Return status and code of a report of ask.py; 0 where no answer came."""
    if report["ok"]:
        return ALLOWED
    return report.get("status", 0), (report.get("body") or {}).get("code", report["error"])
