"""A decision's name says whose it is, and two people never have the same."""

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemate.api.approval import REQUEST_NAME_LENGTH, Verdict
from casemate.api.names import DECISION_NAME_RULE, REQUEST_NAME_RULE, decision_name
from casemate.api.rules import Rule

USERS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
REQUESTS = st.from_regex("[a-z0-9](?:[-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
VERDICTS = st.sampled_from(get_args(Verdict))
# What Kubernetes takes for a name, beside its length.
SUBDOMAIN = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_BYTES = ((0x80, 1), (0xE0, 2), (0xF0, 3), (0xF8, 4))


def _reads(spelled: str) -> str:
    """The user name of a spelled one, read as UTF-8 says how many bytes a character has."""
    found, rest = "", spelled
    while rest:
        if rest[0] != "-":
            found, rest = found + rest[0], rest[1:]
            continue
        count = next(size for end, size in _BYTES if int(rest[1:3], 16) < end)
        found += bytes.fromhex(rest[1 : 1 + 2 * count]).decode()
        rest = rest[1 + 2 * count :]
    return found


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ("ada", "ar-1.by-ada"),
        ("ada@example.org", "ar-1.by-ada-40example-2eorg"),
        ("Ada-1", "ar-1.by--41da-2d1"),
        ("é漢", "ar-1.by--c3a9-e6bca2"),
    ],
)
def test_a_name_can_be_read(user: str, name: str) -> None:
    assert decision_name("ar-1", "Approve", user) == decision_name("ar-1", "Deny", user) == name
    assert decision_name("ar-1", "Revoke", user) == name.replace(".by-", ".revoked-by-")


@given(REQUESTS, VERDICTS, USERS)
def test_a_name_says_request_and_user_and_is_one_that_kubernetes_takes(
    request: str, verdict: Verdict, user: str
) -> None:
    name = decision_name(request, verdict, user)
    assert SUBDOMAIN.fullmatch(name)
    first, _, rest = name.partition(".")
    says = "revoked-by-" if verdict == "Revoke" else "by-"
    assert first == request
    assert rest.startswith(says)
    assert _reads(rest.removeprefix(says)) == user
    assert DECISION_NAME_RULE.holds(name) == (len(name) <= 253)


@pytest.mark.parametrize(
    ("rule", "accepted", "refused"),
    [
        (REQUEST_NAME_RULE, "a" * REQUEST_NAME_LENGTH, "a" * (REQUEST_NAME_LENGTH + 1)),
        (REQUEST_NAME_RULE, "ar-1", "ar.1"),
        (DECISION_NAME_RULE, "ar-1.by-ada", "ar-1"),
        (DECISION_NAME_RULE, "ar-1.revoked-by-ada", "ar-1.denied-by-ada"),
        (DECISION_NAME_RULE, f"ar.by-{'a' * 247}", f"ar.by-{'a' * 248}"),
    ],
)
def test_a_bad_name_is_refused_and_its_neighbour_accepted(rule: Rule, accepted: str, refused: str):
    assert rule.holds(accepted)
    assert not rule.holds(refused)
