"""Ways into a warden's container: two programs, and one of them in one's own name alone."""

from typing import Any
from urllib.parse import urlencode

import pytest

from support.attacks import Layer, attack
from support.operators import SYSTEM
from support.policies import ADMIN, ENGINEER, World, bind

KEEPER = "key-keeper"
"""May change keys."""
MODULE = ("python3.11", "-m", "casemate")
COPY = (*MODULE, "warden-copy", "--log=/var/lib/casemate/log")
INSIDE = f"/api/v1/namespaces/{SYSTEM}/pods"
POD = {"spec": {"containers": [{"name": "warden", "image": "i"}]}}
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


def rotate(*names: str) -> tuple[str, ...]:
    return (*MODULE, "warden-rotate", *names, "--control=/run/w.sock", "--key=log")


OWN = rotate(f"--by={KEEPER}", "--uid=")


@pytest.fixture(scope="module")
def keeper(world: World) -> World:
    bind(world, "casemate-key-rotator", KEEPER, SYSTEM)
    for name in ("casemate-warden-0", "other-0"):
        world.make(ADMIN, INSIDE, {"metadata": {"name": name}, **POD})
    return world


def run(world: World, user: str, command: tuple[str, ...], pod: str = "casemate-warden-0") -> str:
    """Return what comes of a command in a pod; "" where it is let through."""
    query = urlencode([("stdout", "true"), *(("command", one) for one in command)])
    said = world.connect(user, f"{INSIDE}/{pod}/exec?{query}")
    # There is no node behind: what is let through fails later, in other words.
    return said if "denied request" in said or "forbidden" in said else ""


def test_control_who_may_change_keys_does_it_in_their_own_name(keeper: World) -> None:
    assert run(keeper, KEEPER, OWN) == ""
    assert run(keeper, ADMIN, rotate("--by=admin", "--uid=")) == ""


@pytest.mark.parametrize("user", [KEEPER, ENGINEER, ADMIN])
def test_control_a_log_is_copied_by_who_gets_into_the_pod(keeper: World, user: str) -> None:
    assert run(keeper, user, COPY) == ""


@attack("evidence", "a key changed by who has not the right", Layer.API)
def test_a_key_is_not_changed_by_who_has_not_the_right(keeper: World) -> None:
    said = run(keeper, ENGINEER, rotate(f"--by={ENGINEER}", "--uid="))
    assert f"{ENGINEER} has not the RBAC verb rotate-keys on the pod casemate-warden-0" in said
    assert run(keeper, KEEPER, OWN) == "", "control"


@attack("evidence", "a key changed in another person's name", Layer.API)
@pytest.mark.parametrize(
    "names",
    [
        ("--by=ada", "--uid="),
        ("--by", "ada", "--uid="),
        (f"--by={KEEPER}", "--uid=u-ada"),
        (f"--by={KEEPER}", "--uid=", "--by=ada"),
        ("--by=ada", f"--by={KEEPER}", "--uid="),
        (f"--by={KEEPER}", "--uid=", "--uid", "u-ada"),
        (f"--by={KEEPER}",),
        (),
    ],
)
def test_a_key_is_not_changed_in_another_name(keeper: World, names: tuple[str, ...]) -> None:
    said = run(keeper, KEEPER, rotate(*names))
    assert f"accepted, once each: --by={KEEPER} and --uid=" in said


@attack("evidence", "another program in a warden's container, to read its keys", Layer.API)
@pytest.mark.parametrize(
    "command",
    [
        ("cat", "/var/lib/casemate/log/keys/log.pem"),
        ("sh", "-c", " ".join(OWN)),
        (*MODULE, "warden"),
        ("python3.11", "-c", "casemate warden-copy"),
        MODULE,
        (),
    ],
)
def test_nothing_else_runs_in_a_warden(keeper: World, command: tuple[str, ...]) -> None:
    for user in (KEEPER, ENGINEER):
        said = run(keeper, user, command)
        assert "python3.11 -m casemate warden-copy" in said or (not command and said)
    if command:
        assert run(keeper, ADMIN, command) == "", "control: who may break the glass"
        assert run(keeper, ENGINEER, command, "other-0") == "", "control: of another pod"


@attack("evidence", "a container that is put beside a warden's, on its volume", Layer.API)
def test_no_container_is_put_beside_a_warden(keeper: World) -> None:
    beside = {"name": "debug", "image": "i"}

    def put(user: str, pod: str) -> str:
        body: Any = keeper.as_user(ADMIN).request("GET", f"{INSIDE}/{pod}")
        body["spec"]["ephemeralContainers"] = [beside]
        return keeper.call(user, "PUT", f"{INSIDE}/{pod}/ephemeralcontainers", body)

    assert "break-glass" in put(ENGINEER, "casemate-warden-0")
    assert put(ADMIN, "casemate-warden-0") == "", "control"
    assert put(ENGINEER, "other-0") == "", "control: another pod"


def test_the_right_is_of_the_wardens_alone(keeper: World) -> None:
    def may(verb: str, name: str, sub: str = "") -> bool:
        asked = {"verb": verb, "resource": "pods", "subresource": sub, "name": name}
        spec = {"user": KEEPER, "resourceAttributes": {**asked, "namespace": SYSTEM}}
        answer: Any = keeper.as_user(ADMIN).request("POST", REVIEWS, {"spec": spec})
        return bool(answer["status"]["allowed"])

    for verb, sub in (("rotate-keys", ""), ("create", "exec"), ("get", "exec")):
        assert may(verb, "casemate-warden-0", sub), verb
        assert not may(verb, "casemate-operator-1", sub), verb
