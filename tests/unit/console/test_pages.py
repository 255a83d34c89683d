"""What somebody else wrote is text: in every field of every page, whole, and seen."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest

from casemate.console.html import Markup, element, typed
from casemate.console.pages.deployments import deployments
from casemate.console.pages.frame import Signed
from casemate.console.pages.queue import queue
from casemate.console.pages.review import Held, decided, review
from casemate.console.pages.signin import sign_in
from casemate.console.pages.stops import stops
from casemate.deciding.review import review as read
from support.approvals import decision, switch
from support.attacks import Layer, attack
from support.terms import agreement
from unit.console.place import NOW, Document, Json, deployment, held

HOSTILE = "\"'></pre><script>alert(1)</script>&lt;\u202e\u200bx\U000e0041<img src=x onerror=y>"
WHO = Signed("ada", "a-word")
_ALLOWED = {
    *("html", "head", "meta", "title", "link", "body", "a", "header", "p", "strong", "nav", "ul"),
    *("li", "bdi", "form", "input", "button", "main", "h1", "h2", "h3", "section", "div", "table"),
    *("caption", "thead", "tbody", "tr", "th", "td", "dl", "dt", "dd", "pre", "span", "time"),
    *("label", "textarea"),
}


def said(**changed: Any) -> Json:
    made = decision(held(), "bob", **changed)
    made["metadata"]["creationTimestamp"] = "2026-03-01T11:59:00Z"
    return made


def stop(**changed: Any) -> Json:
    made = switch("one", "eve", **changed)
    made["metadata"]["creationTimestamp"] = "2026-03-01T11:00:00Z"
    return made


CONDITION = {
    "type": "Ready",
    "status": "False",
    "reason": "NoReplicaReady",
    "message": "no pod answers",
    "lastTransitionTime": "2026-03-01T11:00:00Z",
}
STATUS: Json = {
    "conditions": [CONDITION],
    "isolation": {
        "pods": 2,
        "proven": 1,
        "oldestProofTime": "2026-03-01T11:59:30Z",
        "method": "canary",
    },
    "guard": {"bundleDigest": "sha256:b", "policyDigest": "sha256:p"},
    "permittedUntil": "2026-04-01T00:00:00Z",
}
BODY = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "be brief"},
        {"role": "user", "name": "n", "content": [{"type": "text", "text": "part"}]},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "description": "d"}}],
    "stop": "s",
}


def reviewed(body: Any) -> str:
    return review(Held(held(), None, [], read(json.dumps(body).encode())), NOW, WHO)


def in_review(request: Any) -> str:
    request = deepcopy(request)
    request["spec"].setdefault("expiresAt", held()["spec"]["expiresAt"])
    return review(Held(request, None, [], None, "no reason"), NOW, WHO)


REVIEWED = held()
del REVIEWED["spec"]["expiresAt"]  # A time in every cluster: the kind takes nothing else.


PAGES: dict[str, tuple[Any, Callable[[Any], str]]] = {
    "queue": (held(), lambda one: queue([one], NOW, WHO, {})),
    "review": (REVIEWED, in_review),
    "content": (BODY, reviewed),
    "decisions": (said(), lambda one: review(Held(held(), None, [one], None), NOW, WHO)),
    "result": (said(), lambda one: decided(Held(held(), None, [one], None), one, NOW, WHO)),
    "deployment": (
        deployment(**STATUS),
        lambda one: deployments([one], [], NOW, WHO, {}),
    ),
    "stop": (stop(), lambda one: stops([one], NOW, WHO)),
    "stop of a deployment": (
        stop(scope="Deployment", deployment={"namespace": "n", "name": "m"}),
        lambda one: stops([one], NOW, WHO),
    ),
}


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, one in items:
        if isinstance(one, dict | list):
            yield from leaves(one, (*path, key))
        elif isinstance(one, str):
            yield (*path, key)


def poisoned(value: Any, path: tuple[Any, ...], text: str) -> Any:
    changed = deepcopy(value)
    inside = changed
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = text
    return changed


FIELDS = [(name, path) for name, (value, _) in PAGES.items() for path in leaves(value)]


@attack(
    "console", "markup, scripts and hidden characters in any field of any object", Layer.CONSOLE
)
@pytest.mark.parametrize(("name", "path"), FIELDS, ids=str)
def test_hostile_text_in_any_field_is_text(name: str, path: tuple[Any, ...]) -> None:
    value, show = PAGES[name]
    page = show(poisoned(value, path, HOSTILE))
    document = Document(page)
    assert {tag for tag, _ in document.elements} <= _ALLOWED
    for _, attributes in document.elements:
        assert not [one for one in attributes if one.startswith("on")]
        assert not (attributes.get("href") or "").lower().startswith("javascript:")
    assert "\u202e" not in page
    assert "\u200b" not in page
    assert "<script" not in page.lower()


_OBJECT = {"apiVersion", "kind"}
_SAID = {*_OBJECT, "agreement", "name", "requestDigest", "uid"}
_STOP = {*_OBJECT, "scope"}
_LONG = {"bundle", "digest", "name", "policy", "record", "requestDigest", "rule"}
UNSHOWN: dict[str, set[str]] = {
    "queue": {*_OBJECT, *_LONG, "nonce", "uid"},
    "review": {*_OBJECT, "nonce"},
    "content": set(),
    "decisions": _SAID,
    "result": _SAID,
    "deployment": {"status", "uid"},
    "stop": _STOP,
    "stop of a deployment": _STOP,
}


@pytest.mark.parametrize("name", PAGES)
def test_the_fields_that_are_tried_are_shown(name: str) -> None:
    """The control of the test above: what is not shown could not be escaped wrongly."""
    value, show = PAGES[name]
    unshown = {
        path[-1]
        for path in leaves(value)
        if "<script>" not in Document(show(poisoned(value, path, HOSTILE))).text
    }
    assert unshown == UNSHOWN[name]


def test_all_of_the_content_is_there_and_what_cannot_be_seen_is_named() -> None:
    text = "first\n" + "x" * 200_000 + "\u202eend\u200b\u200b"
    page = reviewed({"model": "m", "messages": [{"role": "user", "content": text}]})
    shown = Document(page).text
    assert "x" * 200_000 in shown
    assert "U+202E" in shown
    assert "3 characters that cannot be seen" in shown
    assert "RIGHT-TO-LEFT OVERRIDE: 1" in shown
    assert "ZERO WIDTH SPACE: 2" in shown


def test_what_cannot_be_seen_in_a_title_is_marked_there() -> None:
    page = reviewed({"model": "m", "messages": [{"role": "us\u200ber", "content": "x"}]})
    assert 'message 1: us<span class="unseen">\u27e6U+200B\u27e7</span>er' in page


def test_text_is_escaped_and_markup_is_not() -> None:
    made = element("p", "<b>", element("b", "&"), None, ["a", "\n"], title='"', hidden=True, x=None)
    assert made == Markup('<p title="&quot;" hidden>&lt;b&gt;<b>&amp;</b>a\n</p>')
    assert element("input", name_="n", value="v\ud800") == Markup(
        '<input name="n" value="v\u27e6U+D800\u27e7">'
    )
    assert typed("</textarea>\ud800").text == "&lt;/textarea&gt;?"


def test_half_a_character_is_named_and_breaks_no_page() -> None:
    page = in_review(poisoned(held(), ("spec", "rule"), "a\ud800b"))
    assert "U+D800" in Document(page.encode().decode()).text


def test_the_queue_says_how_long_and_how_many_and_keeps_the_order_given() -> None:
    late = held("held-2", line="other")
    late["metadata"]["creationTimestamp"] = "2026-03-01T11:59:59Z"
    soon = held(expiresAt="2026-03-01T12:01:30Z") | {"status": {"tally": "1/2", "phase": "Pending"}}
    text = Document(queue([soon, late], NOW, WHO, {})).text
    assert text.index("held-1") < text.index("held-2")
    for one in ("1m40s ago", "1m30s", "1/2", "use-of-force", "smollm2", "caller"):
        assert one in text, one
    assert "0/2" in text


def test_the_queue_fetches_itself_until_somebody_stops_it() -> None:
    def refresh(chosen: dict[str, str]) -> list[str | None]:
        elements = Document(queue([], NOW, WHO, chosen)).elements
        return [one["content"] for name, one in elements if one.get("http-equiv") == "refresh"]

    assert refresh({}) == ["15;url=/queue?auto=1"]
    assert refresh({"namespace": "n"}) == ["15;url=/queue?namespace=n&auto=1"]
    assert refresh({"still": "1"}) == []


def test_approving_is_offered_only_for_what_is_shown() -> None:
    assert Document(reviewed(BODY)).buttons() == ["Approve", "Deny"]
    assert Document(in_review(held())).buttons() == ["Deny"]
    barred = Held(held(), None, [], read(b'{"model":"m"}'), barred="You made this request.")
    assert Document(review(barred, NOW, WHO)).buttons() == []
    taken = Held(held(), None, [], read(b'{"model":"m"}'), revocable=True)
    assert Document(review(taken, NOW, WHO)).buttons() == ["Revoke"]


def test_decisions_that_do_not_count_say_why() -> None:
    request = held() | {
        "status": {"ignored": [{"decision": said()["metadata"]["name"], "why": "y"}]}
    }
    text = Document(review(Held(request, None, [said()], None), NOW, WHO)).text
    assert "does not count: y" in text
    assert (
        "does not count" not in Document(review(Held(held(), None, [said()], None), NOW, WHO)).text
    )


def test_a_deployment_shows_its_proofs_and_what_stops_it() -> None:
    one = deployment(**STATUS)
    free = Document(deployments([one], [], NOW, WHO, {})).text
    for part in (
        "no: NoReplicaReady",
        "30s ago",
        "1 of 2 pods",
        "none in force",
        "30d12h",
    ):
        assert part in free, part
    where = {"scope": "Deployment", "deployment": {"namespace": "enclave", "name": "m"}}
    for switches in ([stop()], [stop(**where)]):
        text = Document(deployments([one], switches, NOW, WHO, {})).text
        assert "stopped by eve (KillSwitch one): an answer went astray" in text
    other = {"scope": "Deployment", "deployment": {"namespace": "enclave", "name": "other"}}
    assert "none in force" in Document(deployments([one], [stop(**other)], NOW, WHO, {})).text
    unknown = Document(deployments([one], "refused", NOW, WHO, {})).text
    assert "Whether a kill switch is in force is not known: refused" in unknown
    assert "none in force" not in unknown


def test_a_status_of_another_spec_is_said_to_be_one() -> None:
    old = deployment(**STATUS)
    old["metadata"]["generation"] = 2
    assert "has not seen this spec yet" in Document(deployments([old], [], NOW, WHO, {})).text
    now = Document(deployments([deployment(**STATUS)], [], NOW, WHO, {})).text
    assert "has not seen this spec yet" not in now
    bare = Document(deployments([deployment()], [], NOW, WHO, {})).text
    assert "not known: not reported" in bare


@pytest.mark.parametrize(
    "page", [sign_in("w", "problem"), *(show(v) for v, show in PAGES.values())]
)
def test_every_page_can_be_used_without_a_mouse_and_read_aloud(page: str) -> None:
    elements = Document(page).elements
    tags = [name for name, _ in elements]
    assert ("html", {"lang": "en"}) in elements
    assert (tags.count("main"), tags.count("h1"), tags.count("title")) == (1, 1, 1)
    first = next(attributes for name, attributes in elements if name == "a")
    assert (first["class"], first["href"]) == ("skip", "#content")
    labelled = {attributes["for"] for name, attributes in elements if name == "label"}
    for name, attributes in elements:
        asks = name == "textarea" or (name == "input" and attributes.get("type") != "hidden")
        assert not asks or attributes["id"] in labelled, attributes
        assert name != "th" or attributes["scope"] in {"row", "col"}
        assert "style" not in attributes
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_nothing_on_a_page_comes_from_elsewhere() -> None:
    for value, show in PAGES.values():
        for _, attributes in Document(show(value)).elements:
            for name in ("href", "src", "action"):
                where = attributes.get(name)
                assert where is None or where[0] in "/#", where


def test_terms_are_shown_and_that_they_changed_since() -> None:
    terms = agreement("harbour") | {
        "status": {"termsDigest": held()["spec"]["agreement"]["digest"]}
    }
    text = Document(review(Held(held(), terms, [], None), NOW, WHO)).text
    assert terms["spec"]["reference"] in text
    assert "its terms have changed since" not in text
    terms["status"]["termsDigest"] = "sha256:other"
    text = Document(review(Held(held(), terms, [], None), NOW, WHO)).text
    assert "its terms have changed since: sha256:other" in text
    unknown = Document(review(Held(held(), None, [], None), NOW, WHO)).text
    assert "the agreement cannot be read" in unknown


def test_a_spelled_character_of_a_fact_is_marked_and_one_that_only_looks_so_is_not() -> None:
    page = in_review(poisoned(held(), ("spec", "rule"), "a\u202eb \u27e6U+0041\u27e7"))
    assert page.count('<span class="unseen">\u27e6U+202E\u27e7</span>') == 1
    assert '<span class="unseen">\u27e6U+27E6\u27e7</span>U+0041\u27e7' in page
