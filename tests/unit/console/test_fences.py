"""What stands before every page."""

import pytest

from casemate.console.metrics import REGISTRY
from support.attacks import Layer, attack
from unit.console.place import Browser, Place


def refusals(reason: str) -> float:
    found = REGISTRY.get_sample_value("casemate_console_refusals_total", {"reason": reason})
    assert found is not None
    return found


async def test_every_answer_says_what_browsers_may_do(place: Place, ada: Browser) -> None:
    ways = [
        await ada.get("/queue"),
        await ada.get("/no-such-page"),
        await ada.get("/style.css"),
        await place.browse().get("/queue"),
        await place.browse().get("/sign-in"),
        await ada.get("/queue", Host="other.example"),
        await ada.post("/requests/enclave/held-1/decide", {}),
    ]
    assert [one.status for one in ways] == [200, 404, 200, 303, 200, 421, 403]
    for page in ways:
        policy = page.headers["Content-Security-Policy"].split("; ")
        assert policy == [
            "default-src 'none'",
            "style-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ]
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert "Server" not in page.headers


async def test_an_answer_to_a_fault_of_ours_says_so_too(place: Place, ada: Browser) -> None:
    place.cluster.refuses = ValueError("what only a fault of ours could be, held-1")
    page = await ada.get("/queue")
    assert page.status == 500
    assert "held-1" not in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert page.headers["Cache-Control"] == "no-store"


@attack("console", "the console by a name of another site that leads to it", Layer.CONSOLE)
@pytest.mark.parametrize(
    "host", ["other.example", "localhost.other.example", "", "local host", "[::1", "127.0.0.1"]
)
async def test_another_name_is_refused(place: Place, ada: Browser, host: str) -> None:
    before = refusals("host")
    page = await ada.get("/queue", Host=host)
    assert page.status in {400, 421}
    assert "held-1" not in page.text
    assert page.status == 400 or refusals("host") == before + 1


@pytest.mark.parametrize("host", ["localhost", "localhost:8446", "LOCALHOST:1"])
async def test_its_own_name_is_not_by_any_port(place: Place, ada: Browser, host: str) -> None:
    assert (await ada.get("/queue", Host=host)).status == 200


@attack("console", "a form of another site, sent by a browser that is signed in", Layer.CONSOLE)
@pytest.mark.parametrize("word", [None, "", "wrong", "\u00e9"])
async def test_a_form_of_another_site_decides_nothing(
    place: Place, ada: Browser, word: str | None
) -> None:
    before = refusals("foreign")
    shown = await ada.get("/requests/enclave/held-1")
    fields = shown.document.hidden() | {"verdict": "Approve", "justification": "long enough"}
    fields |= {"csrf": word} if word is not None else {}
    if word is None:
        del fields["csrf"]
    page = await ada.post("/requests/enclave/held-1/decide", fields)
    assert page.status == 403
    assert "not made for you" in page.document.text
    assert place.cluster.said == []
    assert refusals("foreign") == before + 1
    assert (await ada.decide()).status == 303, "control"


@attack("console", "the form of one approver in the session of another", Layer.CONSOLE)
async def test_another_persons_word_is_no_better(place: Place, ada: Browser) -> None:
    bob = place.browse()
    await bob.sign_in("bob-token")
    word = (await bob.get("/queue")).document.hidden()["csrf"]
    assert (await ada.decide(csrf=word)).status == 403
    assert (await bob.decide(csrf=word)).status == 303, "control"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_what_a_browser_says_comes_from_another_site_is_refused(
    place: Place, ada: Browser, site: str
) -> None:
    fields = (await ada.get("/queue")).document.hidden()
    page = await ada.post("/sign-out", fields, Sec_Fetch_Site=site)
    assert page.status == 403
    page = await ada.post("/sign-out", fields, Sec_Fetch_Site="same-origin")
    assert page.status == 303, "control"


async def test_other_kinds_of_forms_are_refused(place: Place, ada: Browser) -> None:
    page = await ada.post("/sign-out", b"csrf=x", Content_Type="text/plain")
    assert page.status == 400
    page = await ada.post("/sign-out", b'{"csrf": "x"}', Content_Type="application/json")
    assert page.status == 400


async def test_too_large_a_form_is_refused(place: Place, ada: Browser) -> None:
    page = await ada.decide(justification="x" * (1 << 17))
    assert page.status == 413
    assert place.cluster.said == []


@pytest.mark.parametrize(
    "where",
    [
        "/requests/enclave/../x",
        "/requests/enclave/held-1%2F..%2Fx",
        "/requests/a%2Fb/held-1",
        "/requests/enclave/HELD",
    ],
)
async def test_names_are_names(place: Place, ada: Browser, where: str) -> None:
    assert (await ada.get(where)).status == 404


async def test_a_namespace_is_a_name(place: Place, ada: Browser) -> None:
    for where in ("/queue", "/deployments"):
        assert (await ada.get(f"{where}?namespace=a%2Fb")).status == 400
        assert (await ada.get(f"{where}?namespace=enclave")).status == 200
        assert (await ada.get(f"{where}?namespace=")).status == 200
