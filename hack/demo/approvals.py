"""Approvals: a held request, two people who decide, one answer, and what is refused beside it."""

import json
from typing import Any

from demo import callers
from demo.cluster import Cluster
from demo.deploy import MODELS
from demo.guard import FORCE
from demo.people import Person, people
from demo.progress import DemoError, say

IN = ("--namespace", MODELS)
_SHOWN_LINES = 14


def show_approvals(cluster: Cluster) -> None:
    """Let a held request go, by two people, exactly once.

    Raises:
        DemoError: Something came out otherwise than it must.
    """
    with people(cluster, "ada", "bob") as (ada, bob):
        name = held(cluster, FORCE)
        say(ada.casemate("approvals", *IN))
        say("\n".join(ada.casemate("review", name, *IN).splitlines()[:_SHOWN_LINES]))
        _outcome(cluster, name, (403, "approval_pending"))
        for person in (ada, bob):
            say(approve(person, name))
        _outcome(cluster, name, (200, "answered"))
        _outcome(cluster, name, (403, "approval_spent"))


def held(cluster: Cluster, prompt: str) -> str:
    """Ask for what is held; return the approval's name.

    Raises:
        DemoError: It was not held.
    """
    answer = callers.ask(cluster, prompt, "--max-tokens", "16")
    approval = (answer.get("body") or {}).get("approval")
    if answer.get("status") != 403 or not approval:  # noqa: PLR2004
        raise DemoError(f"the request was not held for people: {answer}")
    say(f"held: {approval['name']} until {approval['expires']}, by {approval['approvers']} people")
    return str(approval["name"])


def approve(person: Person, name: str) -> str:
    """Approve as somebody who has seen what it is; return what the command prints."""
    shown: dict[str, Any] = json.loads(person.casemate("review", name, *IN, "--output=json"))
    digest = shown["digest"]
    return person.casemate(
        *("approve", name, *IN, "--reason=checked against the order of the day"),
        f"--digest={digest}",
    )


def _outcome(cluster: Cluster, name: str, wanted: tuple[int, str]) -> None:
    """Ask again with the approval."""
    answer = callers.ask(cluster, FORCE, "--max-tokens", "16", "--approval", name)
    found = (200, "answered") if answer["ok"] else refusal(answer)
    say(f"{f'{found[0]} {found[1]}':<24} the same request, with the approval {name}")
    if found != wanted:
        raise DemoError(f"{wanted} was to come of it: {answer}")


def refusal(answer: dict[str, Any]) -> tuple[int, str]:
    """Return status and code of a report of ask.py that is no answer."""
    return answer.get("status", 0), (answer.get("body") or {}).get("code", answer["error"])
