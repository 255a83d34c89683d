"""The held requests that wait, oldest first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from casemate.console.html import Child, Markup, element
from casemate.console.pages import frame
from casemate.console.pages.frame import Signed
from casemate.console.times import ago, left
from casemate.deciding.tables import phase, tally

Json = dict[str, Any]

REFRESH_SECONDS = 15
ITSELF = "auto"
"""Parameter of a page that was fetched by itself, which keeps nobody signed in."""
STILL = "still"
"""Parameter of a page that does not fetch itself."""
NAMESPACE, ENDED = "namespace", "ended"
_HEADS = ["Request", "Waiting", "Time left", "Line", "Model", "Requester", "Approvals", "Phase"]


def queue(
    requests: Sequence[Json],
    now: datetime,
    signed: Signed,
    chosen: dict[str, str],
    problem: str = "",
) -> str:
    """Return the page.

    Args:
        requests: ApprovalRequests in their order.
        now: The moment.
        signed: Who looks.
        chosen: Parameters of the page that say what is shown.
        problem: Why there is nothing to show.
    """
    still = STILL in chosen
    anew = f"{REFRESH_SECONDS};url={_here({**chosen, ITSELF: '1'})}"
    what = "Held requests, also ended ones" if ENDED in chosen else "Held requests that wait"
    listed = (
        frame.table(what, _HEADS, [_row(one, now) for one in requests])
        if requests
        else element("p", "No request waits for a decision." if not problem else None)
    )
    return frame.page(
        "Held requests",
        frame.alert(problem) if problem else None,
        listed,
        _choices(chosen),
        signed=signed,
        at=frame.QUEUE,
        refresh="" if still else anew,
    )


def path(request: Json) -> str:
    """Return where a request is reviewed."""
    meta = request["metadata"]
    return f"/requests/{quote(meta['namespace'], safe='')}/{quote(meta['name'], safe='')}"


def narrow(where: str, chosen: dict[str, str]) -> Markup:
    """Return the form that shows one namespace, for people who may not see all."""
    field = element(
        "input", id_=NAMESPACE, name_=NAMESPACE, value=chosen.get(NAMESPACE, ""), maxlength="63"
    )
    kept = [
        element("input", type_="hidden", name_=key, value=value)
        for key, value in chosen.items()
        if key != NAMESPACE
    ]
    return element(
        "form",
        element("div", element("label", "Namespace (empty: all)", for_=NAMESPACE), field),
        *kept,
        element("button", "Show", type_="submit"),
        class_="short",
        method="get",
        action=where,
    )


def _row(request: Json, now: datetime) -> list[Child]:
    meta, spec = request["metadata"], request["spec"]
    name = f"{meta['namespace']}/{meta['name']}"
    return [
        element("a", name, href=path(request)),
        ago(meta["creationTimestamp"], now),
        left(spec["expiresAt"], now),
        spec["line"],
        spec["model"]["name"],
        spec["requester"]["username"],
        tally(request),
        phase(request),
    ]


def _choices(chosen: dict[str, str]) -> Markup:
    still, ended = STILL in chosen, ENDED in chosen
    again = f"Fetch this page every {REFRESH_SECONDS} seconds"
    links: list[Child] = [
        element("a", again if still else "Stop fetching it", href=_toggled(chosen, STILL)),
        " · ",
        element(
            "a", "Only those that wait" if ended else "Ended ones too", href=_toggled(chosen, ENDED)
        ),
    ]
    told = "" if still else f"This page fetches itself every {REFRESH_SECONDS} seconds. "
    return element(
        "section",
        element("h2", "What is shown"),
        element("p", told, *links),
        narrow(frame.QUEUE, chosen),
    )


def _toggled(chosen: dict[str, str], key: str) -> str:
    rest = {name: value for name, value in chosen.items() if name != key}
    return _here(rest if key in chosen else {**rest, key: "1"})


def _here(parameters: dict[str, str]) -> str:
    return f"{frame.QUEUE}?{urlencode(parameters)}" if parameters else frame.QUEUE
