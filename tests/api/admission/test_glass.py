"""Whoever breaks the glass leaves a note on the object and a line in the audit log."""

import json
from functools import partial
from typing import Any

import pytest

from api.admission.bodies import (
    REASON,
    Changes,
    child,
    children,
    client_pod,
    model_pod,
    noted,
    put,
    with_note,
)
from api.admission.test_access import CONNECTIONS, INSIDE
from api.admission.test_children import KINDS, NOTED, where
from enclave.waiting import until
from support.policies import (
    ADMIN,
    ENCLAVE,
    ENGINEER,
    LOADER,
    OPERATOR,
    REPLICASETS,
    RESCUER,
    World,
)

NOTE = "casemate.dev/break-glass"
CONDITION = {"type": "X", "status": "True", "reason": "R", "message": ""}
CONDITION |= {"lastTransitionTime": "2026-01-01T00:00:00Z"}
ABOUT = {"metadata": {"annotations": {"example.org/seen": "yes"}}}


@pytest.fixture(scope="module")
def made(world: World) -> dict[str, str]:
    """Children as the operator makes them, by plural: their paths."""
    return {plural: _make(world, plural, "glass") for plural in KINDS}


def _make(world: World, plural: str, name: str) -> str:
    made = world.make(OPERATOR, where(plural), child(plural, name))
    return where(plural, name=made["metadata"]["name"])


@pytest.mark.parametrize("user", [RESCUER, ADMIN])
@pytest.mark.parametrize("plural", KINDS)
def test_a_write_says_who_and_why(world: World, made: dict[str, str], plural: str, user: str):
    assert world.call(OPERATOR, "PATCH", made[plural], ABOUT) == ""
    assert world.call(user, "PATCH", made[plural], noted(user)) == ""
    message = world.call(user, "PATCH", made[plural], ABOUT)
    assert "casemate-children" in message
    assert NOTED in message
    assert f"must be '{user}: REASON', with a REASON of at least 10 characters" in message

    body = put(children()[plural], {"/metadata/name": "more"})
    assert world.call(user, "POST", where(plural), with_note(user, body)) == ""
    assert NOTED in world.call(user, "POST", where(plural), body)


@pytest.mark.parametrize(
    "value",
    [
        f"{RESCUER}: 012345678",
        f"{RESCUER}:   012345678   ",
        f"{RESCUER}:0123456789ab",
        f"{ADMIN}: {REASON}",
        f"{RESCUER}2: {REASON}",
        f"{RESCUER}: {'ж' * 9}",
        REASON,
        "x" * 9000,
        "",
    ],
    ids=lambda value: value[:20],
)
def test_a_note_names_the_caller_and_a_reason(world: World, made: dict[str, str], value: str):
    for reason in ("0123456789", "ж" * 10):
        assert world.call(RESCUER, "PATCH", made["services"], noted(RESCUER, reason)) == ""
    change = {"metadata": {"annotations": {NOTE: value}}}
    message = world.call(RESCUER, "PATCH", made["services"], change)
    assert f"found '{value[:200]}'" in message


def test_a_note_does_not_replace_the_right(world: World, made: dict[str, str]):
    assert world.call(RESCUER, "PATCH", made["services"], noted(RESCUER)) == ""
    message = world.call(ENGINEER, "PATCH", made["services"], noted(ENGINEER))
    assert "services with label" in message
    assert f"found {ENGINEER}" in message


@pytest.mark.parametrize("plural", ["networkpolicies", "deployments"])
def test_a_removal_needs_the_note_before(world: World, plural: str):
    target = _make(world, plural, "doomed")
    assert world.call(OPERATOR, "DELETE", target) == ""
    message = world.call(RESCUER, "DELETE", target)
    assert "or, before a DELETE, on the object as it is" in message
    patch = partial(world.as_user(RESCUER).request, "PATCH", target)
    patch(noted(RESCUER), "application/merge-patch+json")
    assert world.call(RESCUER, "DELETE", target) == ""
    assert f"must be '{ADMIN}: REASON'" in world.call(ADMIN, "DELETE", target)


def test_a_note_stays_until_the_operator_has_seen_it(world: World):
    target = _make(world, "services", "lasting")
    patch = partial(world.as_user(RESCUER).request, "PATCH", target)
    patch(noted(RESCUER), "application/merge-patch+json")
    gone = {"metadata": {"annotations": {NOTE: None}}}
    assert world.call(RESCUER, "PATCH", target, ABOUT) == ""
    assert NOTED in world.call(RESCUER, "PATCH", target, gone)
    assert world.call(OPERATOR, "PATCH", target, gone) == ""


@pytest.mark.parametrize(
    ("plural", "sub", "change"),
    [
        ("deployments", "scale", {"spec": {"replicas": 3}}),
        ("replicasets", "scale", {"spec": {"replicas": 3}}),
        ("deployments", "status", {"status": {"replicas": 3}}),
        ("services", "status", {"status": {"conditions": [CONDITION]}}),
    ],
)
def test_what_carries_no_note_is_refused(
    world: World, made: dict[str, str], plural: str, sub: str, change: dict[str, Any]
):
    change = change | noted(RESCUER)
    assert world.call(OPERATOR, "PATCH", f"{made[plural]}/{sub}", change) == ""
    message = world.call(RESCUER, "PATCH", f"{made[plural]}/{sub}", change)
    assert f"{plural}/{sub}: carries no note of who breaks the glass" in message
    assert f"accepted on the main resource, with an annotation {NOTE}" in message


def _note(user: str) -> Changes:
    return {"/metadata/annotations/casemate.dev~1break-glass": f"{user}: {REASON}"}


OTHER = {"/metadata/annotations/casemate.dev~1other": "x"}


def test_a_pod_carries_no_note(world: World):
    pods, other = f"/api/v1/namespaces/{ENCLAVE}/pods", OTHER
    for user, pod in ((REPLICASETS, model_pod("noted")), (LOADER, client_pod("noted"))):
        near = put(pod, other)
        assert world.call(user, "POST", pods, near) == ""
        message = world.call(user, "POST", pods, put(pod, _note(user)))
        assert f"metadata.annotations {NOTE}: must be absent on a pod" in message


def _says(world: World, policy: str, line: str, *, refused: bool) -> bool:
    """Whether the audit log has a line about an attempt that was refused, or let through."""
    assert world.plane.audit_log is not None
    key = f"{policy}/break-glass"
    written = world.plane.audit_log.read_text().splitlines()
    entries = (json.loads(entry) for entry in written if f'"{key}"' in entry)
    return any(
        entry["annotations"][key] == line and (entry["responseStatus"]["code"] == 403) == refused
        for entry in entries
    )


@pytest.mark.parametrize(("path", "what"), CONNECTIONS, ids=[c[1] for c in CONNECTIONS])
def test_the_audit_log_names_who_connects(world: World, path: str, what: str):
    for user in (ENGINEER, RESCUER):
        world.connect(user, f"{INSIDE}/{path.replace('client', 'named')}")
    says = partial(_says, world, "casemate-connections")
    for user, refused in ((RESCUER, False), (ENGINEER, True)):
        line = f"{user}: {what} named"
        until(partial(says, line, refused=refused), 10, f"no line: {line}")
        assert not says(line, refused=not refused)


def test_the_audit_log_has_the_note(world: World, made: dict[str, str]):
    target, reason = made["serviceaccounts"], "a reason for the log"
    for user in (OPERATOR, ENGINEER, RESCUER):
        world.call(user, "PATCH", target, noted(user, reason))
    says = partial(_says, world, "casemate-children")
    for user, refused in ((RESCUER, False), (ENGINEER, True)):
        line = f"{user}: {reason}"
        until(partial(says, line, refused=refused), 10, f"no line: {line}")
    assert not says(f"{OPERATOR}: {reason}", refused=False)
