"""Which answer of the API server means what."""

import pytest

from casemate.api.conditions import Reason
from casemate.cluster.client import _decode
from casemate.cluster.errors import Conflict, Stalled, Transient, Waiting, from_answer

ENDING = "unable to create new content in namespace x because it is being terminated"


@pytest.mark.parametrize("code", [400, 403, 404, 405, 413, 415, 422])
def test_a_refusal_is_for_a_person(code: int) -> None:
    error = from_answer(code, "exceeded quota", None)
    assert isinstance(error, Stalled)
    assert error.reason == Reason.APPLY_REFUSED
    assert str(error) == f"the API server answered {code}: exceeded quota"


@pytest.mark.parametrize("code", [401, 408, 409, 410, 429, 500, 502, 503, 504, 302])
def test_what_may_pass_is_tried_again(code: int) -> None:
    error = from_answer(code, "later", None)
    assert isinstance(error, Transient)
    assert error.after is None


def test_a_conflict_can_be_told_from_other_trouble() -> None:
    assert isinstance(from_answer(409, "later", None), Conflict)
    assert not isinstance(from_answer(429, "later", None), Conflict)


@pytest.mark.parametrize(
    ("header", "after"), [("7", 7.0), ("", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)]
)
def test_the_wait_that_the_server_asks_for_is_kept(header: str, after: float | None) -> None:
    for code in (409, 429, 503):
        with pytest.raises(Transient) as raised:
            _decode(code, b"busy", {"Retry-After": header}, frozenset())
        assert raised.value.after == after


def test_a_namespace_that_ends_is_waited_for() -> None:
    error = from_answer(403, ENDING, None)
    assert isinstance(error, Waiting)
    assert error.after == 30.0
    assert isinstance(from_answer(422, ENDING, None), Stalled)


def test_an_answer_is_an_object_unless_it_is_an_error() -> None:
    found = _decode(200, b'{"kind": "Pod"}', {}, frozenset())
    assert (found, found.code) == ({"kind": "Pod"}, 200)
    assert _decode(404, b'{"message": "no"}', {}, frozenset({404})).code == 404
    with pytest.raises(Stalled, match=r"404: no$"):
        _decode(404, b'{"message": "no"}', {}, frozenset())
    with pytest.raises(Transient, match="500: <html>"):
        _decode(500, b"<html>", {}, frozenset())
