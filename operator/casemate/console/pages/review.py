"""One held request: the whole of it, what people have said, and the form to say something."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from casemate.console.html import Child, Markup, element, lines, spelled, typed
from casemate.console.pages import frame
from casemate.console.pages.frame import Signed
from casemate.console.pages.queue import path
from casemate.console.times import ago
from casemate.deciding.facts import facts, ignored
from casemate.deciding.review import Review, Section

Json = dict[str, Any]

UID, DIGEST, REASON, VERDICT = "uid", "digest", "justification", "verdict"
SHORTEST, LONGEST = 10, 1000
"""Characters of a reason, as its kind takes them."""


@dataclass(frozen=True)
class Held:
    """What is known of a held request.

    Attributes:
        request: The ApprovalRequest.
        agreement: Its agreement as it is now; None: it is gone, or cannot be read.
        decisions: ApprovalDecisions about it, oldest first.
        review: Its content; None: it cannot be shown.
        unreadable: Why it cannot.
        barred: Why who looks cannot decide now; "": they can, as far as the console sees.
        revocable: Whether they have approved, and can take that back.
    """

    request: Json
    agreement: Json | None
    decisions: Sequence[Json]
    review: Review | None
    unreadable: str = ""
    barred: str = ""
    revocable: bool = False


def review(held: Held, now: datetime, signed: Signed, problem: str = "", reason: str = "") -> str:
    """Return the page.

    Args:
        held: The request.
        now: The moment.
        signed: Who looks.
        problem: Why the last attempt to decide failed.
        reason: What they wrote then.
    """
    meta = held.request["metadata"]
    return frame.page(
        f"Held request {meta['namespace']}/{meta['name']}",
        frame.alert(problem) if problem else None,
        _about(held, now),
        _content(held),
        said(held.request, held.decisions, now),
        _decide(held, signed, reason),
        signed=signed,
    )


def decided(held: Held, own: Json | None, now: datetime, signed: Signed) -> str:
    """Return the page after somebody decided.

    Args:
        held: The request as it is now.
        own: Their decision; None: there is none.
        now: The moment.
        signed: Who looks.
    """
    verdict = own["spec"]["verdict"] if own else ""
    told = {
        "Approve": "Your approval is on record.",
        "Deny": "Your denial is on record, and final.",
        "Revoke": "Your approval is taken back.",
    }.get(verdict, "You have said nothing about this request.")
    return frame.page(
        told,
        _about(held, now),
        said(held.request, held.decisions, now),
        element("p", element("a", "Back to the held requests", href=frame.QUEUE)),
        signed=signed,
    )


def said(request: Json, decisions: Sequence[Json], now: datetime) -> Markup:
    """Return what people have said, and what of it does not count."""
    rows: list[list[Child]] = []
    for one in decisions:
        meta, spec = one["metadata"], one["spec"]
        why = ignored(request, meta["name"])
        rows.append(
            [
                spec["approver"]["username"],
                spec["verdict"],
                ago(meta["creationTimestamp"], now),
                spec["justification"],
                f"does not count: {why}" if why else "",
            ]
        )
    heads = ["Who", "Said", "When", "Why", "Remark"]
    listed = frame.table("Decisions about this request, oldest first", heads, rows)
    nothing = element("p", "Nobody has decided yet.")
    return element("section", element("h2", "Decisions so far"), listed if rows else nothing)


def _about(held: Held, now: datetime) -> Markup:
    meta, spec = held.request["metadata"], held.request["spec"]
    told = facts(held.request, held.agreement, (), now)
    rows: list[tuple[str, Child]] = [
        (fact.name, element("bdi", spelled(fact.text), class_="bad" if fact.warns else None))
        for fact in told
    ]
    rows += [
        ("Waiting since", ago(meta["creationTimestamp"], now)),
        ("SHA-256 of the content", spec["requestDigest"]),
    ]
    return element("section", element("h2", "What is asked"), frame.facts(rows))


def _content(held: Held) -> Markup:
    title = element("h2", "Content, whole")
    if held.review is None:
        why = frame.alert("The content cannot be shown: ", held.unreadable)
        return element("section", title, why)
    unseen = held.review.unseen
    named = "; ".join(f"{name}: {count}" for name, count in held.review.hidden.items())
    told = (
        f"{held.review.size} bytes, {unseen} characters that cannot be seen: {named}. Each is"
        " marked where it stands."
        if unseen
        else f"{held.review.size} bytes, no character that cannot be seen."
    )
    note = element("p", told, class_="note alert" if unseen else "note")
    return element("section", title, note, *map(_section, held.review.sections))


def _section(section: Section) -> Markup:
    text = element("pre", lines(section.lines), dir_="auto")
    shown = text if section.lines else element("p", "No text.")
    return element("section", element("h3", spelled(section.title)), shown)


def _decide(held: Held, signed: Signed, reason: str) -> Markup:
    title = element("h2", "Your decision")
    if held.barred:
        return element("section", title, element("p", held.barred, class_="note"))
    field = element(
        "textarea",
        typed(reason),
        id_=REASON,
        name_=REASON,
        rows="3",
        required=True,
        minlength=str(SHORTEST),
        maxlength=str(LONGEST),
        aria_describedby="how",
    )
    how = (
        f"One line of {SHORTEST} to {LONGEST} characters, on record with your name. A denial is"
        " final; an approval can be taken back until the request is sent."
    )
    request = held.request
    form = frame.form(
        f"{path(request)}/decide",
        signed,
        element("input", type_="hidden", name_=UID, value=request["metadata"]["uid"]),
        element("input", type_="hidden", name_=DIGEST, value=request["spec"]["requestDigest"]),
        element("label", "Reason", for_=REASON),
        field,
        element("p", how, id_="how"),
        element("p", *_buttons(held), class_="actions"),
    )
    return element("section", title, form)


def _buttons(held: Held) -> list[Markup]:
    # Nobody approves what was not shown to them; anybody may deny it.
    approve = held.review is not None and not held.revocable
    offered = {"Approve": approve, "Revoke": held.revocable, "Deny": not held.revocable}
    names = {"Revoke": "Take my approval back"}
    return [
        element("button", names.get(one, one), type_="submit", name_=VERDICT, value=one)
        for one, there in offered.items()
        if there
    ]
