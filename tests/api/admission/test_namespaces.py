"""Who makes a namespace an enclave, and how strict its pods must be."""

from typing import Any

import pytest

from support.policies import ADMIN, ENGINEER, OPERATOR, WARDEN, World

ROOT = "/api/v1/namespaces"
ENCLAVE = "casemate.dev/enclave"
ENFORCE = "pod-security.kubernetes.io/enforce"
VERSION = f"{ENFORCE}-version"
FULL = {ENCLAVE: "true", ENFORCE: "restricted"}


def named(labels: dict[str, str | None], name: str = "new") -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}}


@pytest.fixture(scope="module")
def kept(world: World) -> str:
    world.make(WARDEN, ROOT, named({**FULL}, "kept"))
    world.make(ENGINEER, ROOT, named({}, "bare"))
    return f"{ROOT}/kept"


@pytest.mark.parametrize("user", [ENGINEER, OPERATOR])
def test_an_enclave_is_made_by_whoever_has_the_verb(world: World, user: str):
    for allowed in (WARDEN, ADMIN):
        assert world.call(allowed, "POST", ROOT, named({**FULL})) == ""
    assert world.call(user, "POST", ROOT, named({ENFORCE: "restricted"})) == ""
    message = world.call(user, "POST", ROOT, named({**FULL}))
    assert f"metadata.labels {ENCLAVE}" in message
    assert "verb enclave on namespaces" in message
    assert f"found {user}" in message


@pytest.mark.parametrize("sub", ["", "/status"])
@pytest.mark.parametrize("value", [None, "false"])
def test_an_enclave_stays_one(world: World, kept: str, value: str | None, sub: str):
    change = named({ENCLAVE: value}, "kept")
    message = world.call(ENGINEER, "PATCH", f"{kept}{sub}", change)
    assert "verb enclave on namespaces" in message
    assert (
        world.call(ENGINEER, "PATCH", f"{kept}{sub}", named({"example.org/x": "y"}, "kept")) == ""
    )


def test_who_has_the_verb_may_end_an_enclave(world: World, kept: str):
    assert world.call(WARDEN, "PATCH", kept, named({ENCLAVE: None}, "kept")) == ""
    message = world.call(ENGINEER, "PATCH", kept, named({ENCLAVE: None}, "kept"))
    assert "verb enclave on namespaces" in message


def test_a_namespace_becomes_an_enclave_by_whoever_has_the_verb(world: World, kept: str):
    bare = kept.replace("kept", "bare")
    assert world.call(WARDEN, "PATCH", bare, named({**FULL}, "bare")) == ""
    message = world.call(ENGINEER, "PATCH", bare, named({**FULL}, "bare"))
    assert "verb enclave on namespaces" in message


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ({ENCLAVE: "yes"}, f"metadata.labels {ENCLAVE}: must be true, or absent; found yes"),
        ({ENCLAVE: ""}, f"metadata.labels {ENCLAVE}: must be true, or absent"),
        ({ENFORCE: "baseline"}, f"metadata.labels {ENFORCE}: must be restricted"),
        ({VERSION: "v1.20"}, f"metadata.labels {VERSION}: must be absent, latest, or v1.37"),
        ({VERSION: "v1.3"}, f"metadata.labels {VERSION}: must be absent, latest, or v1.37"),
    ],
)
def test_an_enclave_is_labelled_as_such_and_restricted(
    world: World, labels: dict[str, str], says: str
):
    for version in ({}, {VERSION: "latest"}, {VERSION: "v1.37"}, {VERSION: "v1.40"}):
        assert world.call(WARDEN, "POST", ROOT, named({**FULL, **version})) == ""
    assert says in world.call(WARDEN, "POST", ROOT, named({**FULL, **labels}))


@pytest.mark.parametrize("level", [None, "baseline", "privileged"])
def test_pod_security_is_not_relaxed_later(world: World, kept: str, level: str | None):
    for user in (ENGINEER, WARDEN):
        message = world.call(user, "PATCH", kept, named({ENFORCE: level}, "kept"))
        assert f"metadata.labels {ENFORCE}: must be restricted" in message
    bare = kept.replace("kept", "bare")
    assert world.call(ENGINEER, "PATCH", bare, named({ENFORCE: level}, "bare")) == ""


def test_the_version_of_pod_security_is_not_lowered_later(world: World, kept: str):
    bare = kept.replace("kept", "bare")
    for version, says in (("latest", ""), ("v1.20", f"metadata.labels {VERSION}: must be absent")):
        message = world.call(WARDEN, "PATCH", kept, named({VERSION: version}, "kept"))
        assert says in message
        assert bool(says) == bool(message)
        assert world.call(ENGINEER, "PATCH", bare, named({VERSION: version}, "bare")) == ""


def test_an_enclave_that_was_there_before_is_left_as_it_is(world: World):
    change = named({"example.org/x": "y"}, "enclave")
    assert world.call(ENGINEER, "PATCH", f"{ROOT}/enclave", change) == ""
    loose = named({ENFORCE: "baseline"}, "enclave")
    assert "must be restricted" in world.call(ENGINEER, "PATCH", f"{ROOT}/enclave", loose)


def test_an_enclave_may_be_deleted(world: World, kept: str):
    assert world.call(ENGINEER, "DELETE", kept) == ""
