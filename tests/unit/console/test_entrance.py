"""Signing in, out, and how long it lasts."""

import pytest

from casemate.api.persons import Approver
from casemate.console.limits import MOST_ALL, MOST_EACH, WINDOW_SECONDS, Attempts
from casemate.console.sessions import (
    IDLE_SECONDS,
    LONGEST_SECONDS,
    MOST_SESSIONS,
    FullError,
    Sessions,
)
from casemate.deciding.refusals import Away, Refused
from support.attacks import Layer, attack
from unit.console.place import ADA, TOKENS, Browser, Clock, Cluster, Place

SESSION = "__Host-casemate"


async def test_a_token_opens_the_pages_and_is_in_none_of_them(place: Place, ada: Browser) -> None:
    page = await ada.get("/queue")
    assert page.status == 200
    assert "Signed in as ada" in page.document.text
    seen = page.text + str(page.headers) + str(ada.cookies)
    assert "ada-token" not in seen


async def test_without_a_session_there_is_only_the_way_in(place: Place) -> None:
    for where in ("/", "/queue", "/deployments", "/stops", "/requests/enclave/held-1", "/no"):
        page = await place.browse().get(where)
        assert (page.status, page.headers["Location"]) == (303, "/sign-in?why=ended"), where
    sent = await place.browse().post("/requests/enclave/held-1/decide", {"verdict": "Approve"})
    assert sent.status == 303
    assert place.cluster.said == []


@attack("console", "a made-up session", Layer.CONSOLE)
async def test_a_made_up_session_is_none(place: Place, ada: Browser) -> None:
    stranger = place.browse()
    stranger.cookies[SESSION] = "x" * 43
    assert (await stranger.get("/queue")).status == 303
    stranger.cookies[SESSION] = ada.cookies[SESSION]
    assert (await stranger.get("/queue")).status == 200, "control"


@pytest.mark.parametrize(
    ("token", "status", "says"),
    [
        ("unknown-token", 401, "does not know this token"),
        ("", 400, "one word"),
        ("two words", 400, "one word"),
        ("line\r\nX-Other: header", 400, "one word"),
        ("t\u00f6ken", 400, "one word"),
        ("x" * 16_385, 400, "one word"),
    ],
)
async def test_what_is_no_token_is_refused_with_the_reason(
    place: Place, token: str, status: int, says: str
) -> None:
    browser = place.browse()
    page = await browser.sign_in(token)
    assert page.status == status
    assert says in page.document.text
    assert SESSION not in browser.cookies


async def test_a_refused_token_is_forgotten(place: Place) -> None:
    await place.browse().sign_in("unknown-token")
    assert place.cluster.closed == ["unknown-token"]


@pytest.mark.parametrize(
    ("why", "status"),
    [(Away("the API server could not answer"), 502), (Refused("your user name is odd"), 403)],
)
async def test_whoever_is_not_known_is_told_why(place: Place, why: Exception, status: int) -> None:
    place.cluster.refuses = why
    page = await place.browse().sign_in("ada-token")
    assert page.status == status
    assert str(why) in page.document.text


@attack("console", "to sign somebody in as somebody else, from another site", Layer.CONSOLE)
async def test_signing_in_needs_a_form_of_this_browser(place: Place) -> None:
    browser = place.browse()
    fields = {"token": "ada-token"}
    assert (await browser.post("/sign-in", fields)).status == 403
    form = (await browser.get("/sign-in")).document.hidden()
    assert (await browser.post("/sign-in", fields | {"csrf": form["csrf"] + "x"})).status == 403
    stranger = place.browse()
    assert (await stranger.post("/sign-in", fields | form)).status == 403, "another's form"
    assert (await browser.post("/sign-in", fields | form)).status == 303, "control"


async def test_a_new_session_has_a_new_id_and_ends_the_old_one(place: Place, ada: Browser) -> None:
    before = ada.cookies[SESSION]
    await ada.sign_in("bob-token")
    assert ada.cookies[SESSION] != before
    assert place.cluster.closed == ["ada-token"]
    stranger = place.browse()
    stranger.cookies[SESSION] = before
    assert (await stranger.get("/queue")).status == 303


async def test_whoever_signs_out_is_out_and_their_token_forgotten(
    place: Place, ada: Browser
) -> None:
    kept = dict(ada.cookies)
    form = (await ada.get("/queue")).document.hidden()
    page = await ada.post("/sign-out", form)
    assert page.headers["Location"] == "/sign-in?why=out"
    assert SESSION not in ada.cookies
    assert place.cluster.closed == ["ada-token"]
    ada.cookies = kept
    assert (await ada.get("/queue")).status == 303


async def test_a_session_ends_when_nobody_does_anything(place: Place, ada: Browser) -> None:
    place.clock.now += IDLE_SECONDS - 1
    assert (await ada.get("/queue")).status == 200
    place.clock.now += IDLE_SECONDS - 1
    assert (await ada.get("/queue")).status == 200, "doing something keeps it"
    place.clock.now += IDLE_SECONDS
    assert (await ada.get("/queue")).status == 303


async def test_a_page_that_fetches_itself_keeps_nobody_signed_in(
    place: Place, ada: Browser
) -> None:
    place.clock.now += IDLE_SECONDS - 1
    assert (await ada.get("/queue?auto=1")).status == 200
    place.clock.now += 1
    assert (await ada.get("/queue?auto=1")).status == 303


async def test_nobody_stays_signed_in_for_ever(place: Place, ada: Browser) -> None:
    began = place.clock.now
    while place.clock.now < began + LONGEST_SECONDS - 600:
        place.clock.now += 600
        assert (await ada.get("/queue")).status == 200
    place.clock.now = began + LONGEST_SECONDS
    assert (await ada.get("/queue")).status == 303


async def test_a_token_that_ended_ends_the_session(
    place: Place, ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.delitem(TOKENS, "ada-token")
        page = await ada.get("/queue")
        assert page.headers["Location"] == "/sign-in?why=token"
    assert (await ada.get("/queue")).status == 303
    assert place.cluster.closed == ["ada-token"]


@attack("console", "tokens tried one after another", Layer.CONSOLE)
async def test_attempts_are_limited_and_come_back(place: Place) -> None:
    browser = place.browse()
    for _ in range(MOST_EACH):
        assert (await browser.sign_in("unknown-token")).status == 401
    page = await browser.sign_in("ada-token")
    assert page.status == 429
    assert "too many attempts" in page.document.text
    place.clock.now += WINDOW_SECONDS
    assert (await browser.sign_in("ada-token")).status == 303


async def test_attempts_that_succeed_are_not_limited(place: Place) -> None:
    browser = place.browse()
    for _ in range(MOST_EACH + 1):
        assert (await browser.sign_in("ada-token")).status == 303


def test_one_address_leaves_others_their_attempts_and_all_together_have_a_limit() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    assert [attempts.allow("a") for _ in range(MOST_EACH + 2)] == [True] * MOST_EACH + [False] * 2
    others = sum(attempts.allow(f"b{number}") for number in range(MOST_ALL))
    assert others == MOST_ALL - MOST_EACH
    clock.now += WINDOW_SECONDS
    assert attempts.allow("a")


async def test_there_are_only_so_many_sessions() -> None:
    clock, cluster = Clock(), Cluster()
    sessions, who = Sessions(clock), Approver(username=ADA)
    for _ in range(MOST_SESSIONS):
        await sessions.open(cluster.enter("ada-token"), who)
    with pytest.raises(FullError):
        await sessions.open(cluster.enter("ada-token"), who)
    clock.now += IDLE_SECONDS
    key = await sessions.open(cluster.enter("ada-token"), who)
    assert len(cluster.closed) == MOST_SESSIONS, "those that have ended made room"
    assert sessions.find(key, doing=True)
