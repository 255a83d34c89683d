"""What every page has: title, landmarks, the way to the other pages, and who is signed in."""

from collections.abc import Iterable
from dataclasses import dataclass

from casemate.console.html import Child, Markup, element, together

QUEUE, DEPLOYMENTS, STOPS = "/queue", "/deployments", "/stops"
SIGN_IN, SIGN_OUT, STYLE = "/sign-in", "/sign-out", "/style.css"
CSRF = "csrf"
"""The field of a form that shows that this site made it."""

_PLACES = {QUEUE: "Held requests", DEPLOYMENTS: "Deployments", STOPS: "Kill switches"}


@dataclass(frozen=True)
class Signed:
    """Who looks at a page.

    Attributes:
        username: What the API server calls them.
        csrf: The word of their forms.
    """

    username: str
    csrf: str


def page(
    title: str, *content: Child, signed: Signed | None = None, at: str = "", refresh: str = ""
) -> str:
    """Return a whole page.

    Args:
        title: Its title and first heading.
        content: What follows the heading.
        signed: Who is signed in; None: nobody.
        at: The address of the place in the menu that the page belongs to.
        refresh: Seconds until it fetches itself anew, and the address; "": never.
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="refresh", content=refresh) if refresh else None,
        element("title", f"{title} · Casemate"),
        element("link", rel="stylesheet", href=STYLE),
    )
    body = element(
        "body",
        element("a", "Skip to the content", class_="skip", href="#content"),
        _header(signed, at),
        element("main", element("h1", title), *content, id_="content", tabindex="-1"),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en').text}\n"


def form(where: str, signed: Signed, *content: Child) -> Markup:
    """Return a form that changes something."""
    word = element("input", type_="hidden", name_=CSRF, value=signed.csrf)
    return element("form", word, *content, method="post", action=where)


def alert(*content: Child) -> Markup:
    """Return what somebody must know before anything else on the page."""
    return element("p", *content, class_="note alert", role="alert")


def facts(rows: Iterable[tuple[str, Child]]) -> Markup:
    """Return names with what is known of them; what has no name goes on about the one before."""
    pairs = (
        together(element("dt", name) if name else None, element("dd", _apart(value)))
        for name, value in rows
    )
    return element("dl", *pairs)


def table(caption: str, heads: list[str], rows: list[list[Child]]) -> Markup:
    """Return a table; the first cell of each row is its heading."""
    top = element("tr", *(element("th", one, scope="col") for one in heads))
    body = (
        element(
            "tr",
            element("th", _apart(row[0]), scope="row"),
            *(element("td", _apart(one)) for one in row[1:]),
        )
        for row in rows
    )
    made = element(
        "table", element("caption", caption), element("thead", top), element("tbody", *body)
    )
    # What is wider than a narrow screen moves sideways by keys too.
    return element("div", made, class_="wide", tabindex="0", role="region", aria_label=caption)


def _apart(value: Child) -> Child:
    """Return a value whose direction of writing moves nothing around it."""
    return element("bdi", value) if isinstance(value, str) else value


def _header(signed: Signed | None, at: str) -> Markup:
    if signed is None:
        return element("header", element("p", element("strong", "Casemate")))
    links = (
        element("li", element("a", told, href=where, aria_current="page" if where == at else None))
        for where, told in _PLACES.items()
    )
    return element(
        "header",
        element("p", element("strong", "Casemate")),
        element("nav", element("ul", *links), aria_label="Pages"),
        element("p", "Signed in as ", element("bdi", element("strong", signed.username))),
        form(SIGN_OUT, signed, element("button", "Sign out", type_="submit")),
    )
