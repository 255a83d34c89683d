"""The status of agreements and suppliers: recorded once, and the same when asked again."""

from datetime import UTC, datetime, timedelta
from typing import Any

from casemate.api.supplier import HISTORY, INVENTORY, SupplierStatus
from casemate.api.terms import spelled
from casemate.core.agreements import Grant
from casemate.core.inventory import Behind
from casemate.core.terms_status import of_agreement, of_supplier
from support.terms import agreement, directive, supplier

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DEADLINE = datetime(2026, 9, 1, tzinfo=UTC)
GRANT = Grant({"u": 2}, used=3, granted=2, accelerators=0)
OLD = Behind("2026-01-01T00:00:00Z", "uid-old", 1, f"sha256:{'0' * 64}")
NEW = Behind("2026-03-01T13:00:00Z", "uid-new", 1, f"sha256:{'0' * 64}")


def at(body: dict[str, Any], status: dict[str, Any] | None = None) -> dict[str, Any]:
    body["metadata"]["generation"] = 1
    return body | ({"status": status} if status else {})


def test_an_agreement_says_its_phase_and_what_is_granted() -> None:
    found = of_agreement(at(agreement()), GRANT, NOW)
    assert found.status["phase"] == "InForce"
    assert found.status["deployments"] == 1
    assert found.status["replicasGranted"] == 2
    assert found.status["windDownEndsAt"] == "2096-01-31T00:00:00Z"
    assert found.next == datetime(2096, 1, 1, tzinfo=UTC)


def test_asked_again_it_says_the_same_and_conforms_to_its_type() -> None:
    first = of_supplier(at(supplier(directives=[directive()])), [OLD], NOW).status
    again = at(supplier(directives=[directive()]), first)
    assert of_supplier(again, [OLD], NOW + timedelta(hours=1)).status == first
    SupplierStatus.model_validate(first)
    told = of_agreement(at(agreement()), GRANT, NOW).status
    assert of_agreement(at(agreement(), told), GRANT, NOW + timedelta(days=1)).status == told


def test_what_existed_is_recorded_once_and_newcomers_never_get_in() -> None:
    first = of_supplier(at(supplier(directives=[directive()])), [OLD], NOW).status
    body = at(supplier(directives=[directive()]), first)
    later = of_supplier(body, [OLD, NEW], NOW + timedelta(days=1)).status
    assert [one["uid"] for one in later["inventory"][0]["deployments"]] == ["uid-old"]
    assert later["deployments"] == 2, "control: it is counted"


def crowd(count: int) -> list[Behind]:
    """Deployments, the oldest last."""
    moments = [NOW - timedelta(days=1, seconds=number) for number in range(count)]
    return [Behind(spelled(one), f"uid-{n}", 1, OLD.artifacts) for n, one in enumerate(moments)]


def test_the_oldest_are_recorded_and_a_full_inventory_says_what_it_omits() -> None:
    body = at(supplier(directives=[directive()]))
    full = of_supplier(body, crowd(INVENTORY), NOW).status
    assert "omitted" not in full["inventory"][0], "control: as many as fit"
    assert "full" not in full["conditions"][0]["message"]

    found = of_supplier(body, crowd(INVENTORY + 2), NOW).status
    (inventory,) = found["inventory"]
    assert len(inventory["deployments"]) == INVENTORY
    assert inventory["deployments"][0]["uid"] == f"uid-{INVENTORY + 1}"
    assert (inventory["omitted"], inventory["omittedUntil"]) == (2, "2026-02-28T12:00:00Z")
    message = found["conditions"][0]["message"]
    assert "the inventory of ORDER-1 is full: 2 more deployments existed" in message
    SupplierStatus.model_validate(found)
    again = at(supplier(directives=[directive()]), found)
    assert of_supplier(again, crowd(INVENTORY + 2), NOW + timedelta(hours=1)).status == found


def test_a_later_order_has_the_room_that_is_left() -> None:
    first = of_supplier(at(supplier(directives=[directive()])), crowd(INVENTORY - 1), NOW).status
    both = [directive(), directive("ORDER-2")]
    found = of_supplier(at(supplier(directives=both), first), crowd(3), NOW).status
    assert found["inventory"][0] == first["inventory"][0], "what was recorded keeps its place"
    assert [len(one["deployments"]) for one in found["inventory"]] == [INVENTORY - 1, 1]
    assert found["inventory"][1]["omitted"] == 2
    SupplierStatus.model_validate(found)


def test_what_was_made_in_a_stay_existed_when_the_order_took_effect_again() -> None:
    first = of_supplier(at(supplier(directives=[directive()])), [OLD], NOW).status
    stay = {"from": "2026-03-02T00:00:00Z", "until": "2026-03-03T00:00:00Z"}
    body = at(supplier(directives=[directive(stays=[stay])]), first)
    during = of_supplier(body, [OLD], datetime(2026, 3, 2, tzinfo=UTC)).status
    assert "inventory" not in during
    body = at(supplier(directives=[directive(stays=[stay])]), during)
    after = of_supplier(body, [OLD, NEW], datetime(2026, 3, 3, tzinfo=UTC)).status
    assert after["inventory"][0]["effectiveSince"] == "2026-03-03T00:00:00Z"
    assert len(after["inventory"][0]["deployments"]) == 2


def test_every_change_of_standing_is_history_and_the_oldest_are_forgotten() -> None:
    status: dict[str, Any] = {}
    for number in range(HISTORY + 3):
        orders = [directive()] if number % 2 else []
        moment = NOW + timedelta(minutes=number)
        status = of_supplier(at(supplier(directives=orders), status), [], moment).status
    assert len(status["history"]) == HISTORY
    assert status["history"][-1]["time"] == "2026-03-01T12:34:00Z"
    assert {one["standing"] for one in status["history"]} == {"Approved", "PhasingOut"}


def test_a_spec_that_breaks_a_rule_keeps_what_was_recorded() -> None:
    first = of_supplier(at(supplier(directives=[directive()])), [OLD], NOW).status
    broken = at(supplier(directives=[directive(state="Maybe")]), first)
    found = of_supplier(broken, [OLD, NEW], NOW).status
    assert found["inventory"] == first["inventory"]
    assert "standing" not in found, "unknown is refused"
    assert found["conditions"][0]["reason"] == "SupplierInvalid"


def test_the_next_look_is_at_the_next_day_of_a_countdown() -> None:
    body = at(supplier(directives=[directive()]))
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert of_supplier(body, [], moment).next == datetime(2026, 3, 2, tzinfo=UTC)
    assert of_supplier(body, [], DEADLINE - timedelta(hours=1)).next == DEADLINE
    assert of_supplier(body, [], DEADLINE).next is None


def test_an_agreement_whose_key_is_none_is_invalid_and_says_what_is_accepted() -> None:
    audit = {"record": "Sealed", "publicKey": "PEM"}
    found = of_agreement(at(agreement(audit=audit)), GRANT, NOW).status
    ready = found["conditions"][0]
    assert (ready["status"], ready["reason"]) == ("False", "AgreementInvalid")
    assert "openssl genpkey -algorithm X25519" in ready["message"]
