"""Deciding about what was shown, and about nothing else."""

from hashlib import sha256
from typing import Any

import pytest

from casemate.console.metrics import REGISTRY
from casemate.deciding.refusals import Away, Ended, Refused, Unreadable
from unit.console.place import CONTENT, Browser, Place, deployment, held

DIGEST = sha256(CONTENT).hexdigest()
REASON = "checked against the order"


def counted(verdict: str, result: str) -> float:
    labels = {"verdict": verdict, "result": result}
    found = REGISTRY.get_sample_value("casemate_console_decisions_total", labels)
    assert found is not None
    return found


@pytest.mark.parametrize("verdict", ["Approve", "Deny"])
async def test_a_decision_is_made_and_shown(place: Place, ada: Browser, verdict: str) -> None:
    before = counted(verdict, "made")
    sent = await ada.decide(verdict)
    assert sent.headers["Location"] == "/requests/enclave/held-1/decided"
    assert place.cluster.said == [("ada", verdict, DIGEST, REASON)]
    shown = (await ada.get(sent.headers["Location"])).document.text
    assert {"Approve": "Your approval is on record", "Deny": "Your denial is on record"}[
        verdict
    ] in shown
    assert REASON in shown
    assert counted(verdict, "made") == before + 1


async def test_what_was_approved_can_be_taken_back(place: Place, ada: Browser) -> None:
    await ada.decide()
    shown = await ada.get("/requests/enclave/held-1")
    assert shown.document.buttons() == ["Revoke"]
    await ada.decide("Revoke")
    assert [one[1] for one in place.cluster.said] == ["Approve", "Revoke"]
    page = await ada.get("/requests/enclave/held-1/decided")
    assert "Your approval is taken back" in page.document.text
    again = await ada.get("/requests/enclave/held-1")
    assert again.document.buttons() == []


@pytest.mark.parametrize("field", ["digest", "uid"])
async def test_another_request_than_was_shown_is_not_decided(
    place: Place, ada: Browser, field: str
) -> None:
    before = counted("Approve", "changed")
    page = await ada.decide(**{field: "0" * 64})
    assert page.status == 409
    assert "another request than you were shown" in page.document.text
    assert REASON in page.document.text, "what they wrote is not lost"
    assert place.cluster.said == []
    assert counted("Approve", "changed") == before + 1


async def test_a_request_that_changed_meanwhile_is_not_decided(place: Place, ada: Browser) -> None:
    shown = await ada.get("/requests/enclave/held-1")
    fields = shown.document.hidden() | {"verdict": "Approve", "justification": REASON}
    place.cluster.content = b'{"model":"m","prompt":"something else"}'
    place.cluster.requests = [held(content=place.cluster.content)]
    page = await ada.post("/requests/enclave/held-1/decide", fields)
    assert page.status == 409
    assert "something else" in page.document.text
    assert place.cluster.said == []
    assert (await ada.decide()).status == 303, "control"


@pytest.mark.parametrize(
    "reason", ["", "too short", "  short  \n x ", "x" * 1001, "hid\u200bden reason"]
)
async def test_a_decision_needs_a_reason_that_can_be_read(
    place: Place, ada: Browser, reason: str
) -> None:
    page = await ada.decide(justification=reason)
    assert page.status == 400
    assert "The reason must be 10 to 1000 characters" in page.document.text
    assert place.cluster.said == []


async def test_a_reason_on_several_lines_becomes_one(place: Place, ada: Browser) -> None:
    await ada.decide(justification=" checked\r\n against \tthe order ")
    assert place.cluster.said[0][3] == "checked against the order"


@pytest.mark.parametrize("verdict", ["", "approve", "Allow"])
async def test_there_are_three_verdicts(place: Place, ada: Browser, verdict: str) -> None:
    assert (await ada.decide(verdict)).status == 400
    assert place.cluster.said == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Refused("spec.approver: ada made ApprovalRequest held-1"), (403, "refused")),
        (Ended("held-1 is Denied"), (403, "refused")),
        (Away("the API server could not answer"), (502, "unanswered")),
    ],
)
async def test_what_admission_says_is_shown_beside_the_request(
    place: Place,
    ada: Browser,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    expected: tuple[int, str],
) -> None:
    status, result = expected

    async def refuse(*_: object) -> None:
        raise error

    before = counted("Approve", result)
    monkeypatch.setattr("unit.console.place._Access.decide", refuse)
    page = await ada.decide()
    assert page.status == status
    assert f"{error}." in page.document.text
    assert "go" in page.document.text, "the content"
    assert REASON in page.document.text
    assert counted("Approve", result) == before + 1


async def test_content_that_cannot_be_shown_cannot_be_approved(place: Place, ada: Browser) -> None:
    place.cluster.content = Unreadable("the warden does not show the content")
    page = await ada.get("/requests/enclave/held-1")
    assert page.status == 200
    assert "The content cannot be shown: the warden does not show" in page.document.text
    assert page.document.buttons() == ["Deny"]
    place.cluster.content = b"no JSON"
    assert (await ada.get("/requests/enclave/held-1")).document.buttons() == ["Deny"]


@pytest.mark.parametrize(
    ("token", "changed", "says"),
    [
        ("caller-token", {}, "You made this request"),
        ("robot-token", {}, "You are signed in as a program"),
        ("ada-token", {"expiresAt": "2026-03-01T12:00:00Z"}, "the request has expired"),
    ],
)
async def test_who_cannot_decide_is_told_so(
    place: Place, token: str, changed: dict[str, Any], says: str
) -> None:
    place.cluster.requests = [held(**changed)]
    browser = place.browse()
    await browser.sign_in(token)
    page = await browser.get("/requests/enclave/held-1")
    assert says in page.document.text
    assert page.document.buttons() == []


async def test_of_what_has_ended_nothing_is_asked_of_the_warden(place: Place, ada: Browser) -> None:
    place.cluster.requests = [held() | {"status": {"phase": "Denied", "message": "bob denied it"}}]
    place.cluster.content = Unreadable("nobody should ask")
    page = await ada.get("/requests/enclave/held-1")
    assert "held-1 is Denied: bob denied it" in page.document.text
    assert "nobody should ask" not in page.document.text
    assert page.document.buttons() == []


async def test_what_is_not_there_is_said_to_be_not_there(place: Place, ada: Browser) -> None:
    page = await ada.get("/requests/enclave/held-9")
    assert page.status == 404
    assert "there is no ApprovalRequest held-9" in page.document.text


async def test_who_may_not_list_all_is_told_to_name_a_namespace(place: Place, ada: Browser) -> None:
    place.cluster.refuses = Refused("ada cannot list resource")
    for where in ("/queue", "/deployments"):
        page = await ada.get(where)
        assert page.status == 200
        assert "ada cannot list resource" in page.document.text
        assert "name it below" in page.document.text
        assert "name it below" not in (await ada.get(f"{where}?namespace=n")).document.text
    assert "ada cannot list resource" in (await ada.get("/stops")).document.text


async def test_deployments_and_stops_are_shown(place: Place, ada: Browser) -> None:
    place.cluster.deployments = [deployment("b"), deployment("a")]
    text = (await ada.get("/deployments")).document.text
    assert text.index("enclave/a") < text.index("enclave/b")
    assert "No kill switch is in force" in (await ada.get("/stops")).document.text
