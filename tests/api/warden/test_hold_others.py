"""An approval is for one request: this text, caller, deployment, guard and terms."""

import pytest

from api.warden.holding import (
    ADA,
    ANN,
    BOB,
    CONTENT,
    People,
    Warden,
    intent,
)
from casemate.audit.findings import Verdict
from casemate.holds import (
    ANOTHER,
    DENIED,
)
from support.attacks import Layer, attack
from support.operators import Api


@attack("approvals", "another text on an approval", Layer.WARDEN)
async def test_another_text_is_not_what_was_approved(warden: Warden, people: People) -> None:
    key = warden.pod("changed")
    held = await warden.hold(key)
    name = held["metadata"]["name"]
    await people.approve(held, ADA, BOB)
    assert await warden.retry(key, name, CONTENT.replace("Kestrel", "Heron")) == (403, ANOTHER)
    assert (await warden.retry(key, name))[0] == 200, "control"
    assert (await warden.inspect()).verdict is Verdict.INTACT


@attack("approvals", "an approval of another deployment", Layer.WARDEN)
async def test_an_approval_is_for_one_deployment(warden: Warden, people: People) -> None:
    key, other = warden.pod("this-one"), warden.pod("that-one", "other")
    held = await warden.hold(key)
    name = held["metadata"]["name"]
    await people.approve(held, ADA, BOB)
    assert await warden.retry(other, name) == (403, ANOTHER)
    assert (await warden.retry(key, name))[0] == 200, "control"


@attack("approvals", "an approval of another caller, by name or by uid", Layer.WARDEN)
@pytest.mark.parametrize("who", [{"username": "eve", "uid": "u-ann"}, ANN | {"uid": "u-eve"}])
async def test_an_approval_is_for_who_asked(
    warden: Warden, people: People, who: dict[str, str]
) -> None:
    key = warden.pod(f"caller-{who['uid']}")
    held = await warden.hold(key)
    name = held["metadata"]["name"]
    await people.approve(held, ADA, BOB)
    assert await warden.retry(key, name, caller=who) == (403, ANOTHER)
    assert (await warden.retry(key, name))[0] == 200, "control"


@attack("approvals", "terms that changed since people approved", Layer.WARDEN)
async def test_a_changed_agreement_is_a_denial(
    warden: Warden, people: People, guarded: Api
) -> None:
    key = warden.pod("terms")
    held = await warden.hold(key)
    name = held["metadata"]["name"]
    await people.approve(held, ADA, BOB)
    assert await warden.phase(name) == "Approved"
    before = guarded.get("UsageAgreement", "", "harbour")
    assert before is not None
    guarded.patch("UsageAgreement", "", "harbour", {"spec": {"reference": "HA-2026-2"}})
    assert await warden.retry(key, name) == (403, DENIED)
    guarded.patch("UsageAgreement", "", "harbour", {"spec": {"reference": "HA-2026-1"}})
    assert (await warden.inspect(before)).verdict is Verdict.INTACT


@attack("approvals", "another guard than the one that held it", Layer.WARDEN)
@pytest.mark.parametrize("part", ["bundle", "policy"])
async def test_another_guard_is_another_request(warden: Warden, people: People, part: str) -> None:
    key = warden.pod(f"guard-{part}")
    held = await warden.hold(key)
    name = held["metadata"]["name"]
    await people.approve(held, ADA, BOB)
    other = intent()["guard"] | {part: f"sha256:{'e' * 64}"}
    assert await warden.retry(key, name, guard=other) == (403, ANOTHER)
    assert (await warden.retry(key, name))[0] == 200, "control"
