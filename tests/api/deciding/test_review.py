"""`review`, and `approve` on a terminal: people see all before they approve, and nothing else."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from api.deciding.conftest import RUN, Kubectl
from api.deciding.warden import Warden
from casemate.deciding.seen import unseen
from support.attacks import Layer, attack
from support.policies import ADMIN, ENCLAVE

LONG = "word " * 400
BODY = {
    "model": "m",
    "temperature": 0.5,
    "messages": [
        {"role": "system", "content": "You are brief."},
        {"role": "user", "name": "caller", "content": f"where is\u200b he\n{LONG}end"},
    ],
    "tools": [{"type": "function", "function": {"name": "look", "description": "Looks."}}],
}
WHY = ("--reason", "checked against the order of the day")
HOSTILE = (
    "\x1b[2J\x1b]0;title\x07\x9b31m\rok\x08\x08 \u202eevil\u202c \u2066x\u2069"
    " \u200b\u3164\U000e0041"
    "\n\x1b[8mhidden\ndigest: 00000000\n⟦U+200B⟧ שלום"
)
"""What moves the cursor, hides, re-orders, or looks like a line or a sign of ours."""


def test_a_review_shows_all_of_it(warden: Warden, casemate: Kubectl):
    held = warden.hold("shown", BODY)
    done = casemate("ann", "review", "shown")
    assert done.status == 0, done.err
    for line in (
        f"Request     shown in namespace enclave, uid {held['metadata']['uid']}",
        "Phase       Pending, 0/2 approvals",
        "Caller      caller, uid u-caller",
        "Model       smollm2, its weights are on a volume",
        "Red line    use-of-force",
        "Rule        use-of-force/tasking",
        "Unseen      1 character cannot be seen, and stand in brackets below",
        "            1 of U+200B ZERO WIDTH SPACE",
        "message 1: system",
        "│ You are brief.",
        "message 2: user (caller)",
        "│ where is⟦U+200B⟧ he",
        f"│ {LONG}end",
        "tool 1: look",
        "│ temperature: 0.5",
        f"Digest      {held['spec']['requestDigest']}",
    ):
        assert line in done.out.splitlines()
    assert "Agreement   harbour, terms sha256:7e" in done.out


def test_programs_read_a_review(warden: Warden, casemate: Kubectl):
    held = warden.hold("read-whole", BODY)
    for form, parse in (("json", json.loads), ("yaml", yaml.safe_load)):
        done = casemate("ann", "review", "read-whole", "-o", form)
        assert done.out.isascii()
        found = parse(done.out)
        assert found["content"] == BODY
        assert found["digest"] == held["spec"]["requestDigest"]
        assert found["unseen"] == {"U+200B ZERO WIDTH SPACE": 1}
        assert found["request"]["metadata"]["uid"] == held["metadata"]["uid"]


def test_nothing_of_a_review_is_left_in_the_cluster(warden: Warden, casemate: Kubectl):
    warden.hold("swept", BODY)
    assert casemate("ann", "review", "swept").status == 0
    where = f"/apis/casemate.dev/v1alpha1/namespaces/{ENCLAVE}/approvalreviews"
    left = warden.place.world.as_user(ADMIN).request("GET", where)["items"]
    assert [one for one in left if one["spec"]["request"]["name"] == "swept"] == []


def test_who_may_not_approve_does_not_read(warden: Warden, casemate: Kubectl):
    warden.hold("private", BODY)
    done = casemate("engineer", "review", "private")
    assert (done.status, done.out) == (1, "")
    assert "engineer has not the RBAC verb approve on usageagreements harbour" in done.err


@attack("approvals", "another content than the held one, shown to an approver", Layer.CLI)
def test_another_content_is_not_shown(warden: Warden, casemate: Kubectl):
    warden.hold("swapped", BODY)
    assert casemate("ann", "review", "swapped").status == 0, "control"
    for answer, says in (
        (b'{"messages":[]}', "another content"),
        ("its key is gone", "the warden does not show the content: its key is gone"),
    ):
        warden.answers["swapped"] = answer
        done = casemate("ann", "review", "swapped")
        assert (done.status, done.out, says in done.err) == (5, "", True), done


def test_what_ended_is_told_without_its_content(warden: Warden, casemate: Kubectl):
    warden.hold("gone", BODY)
    assert casemate("ann", "deny", "gone", "--reason", "not what was agreed").status == 0
    done = casemate("ben", "review", "gone")
    assert done.status == 4
    assert "Said        ann denied at " in done.out
    assert "it is not kept: the request has ended" in done.out


@attack(
    "approvals",
    "a text that clears, hides or re-orders what an approver reads on a terminal",
    Layer.CLI,
)
def test_no_text_of_a_caller_reaches_a_terminal_as_it_is(
    warden: Warden, casemate: Kubectl, config: Callable[[str], Path]
):
    """It would clear what is above, hide what follows, or read as a line of ours."""
    body = {
        "messages": [
            {"role": "user", "name": HOSTILE, "content": HOSTILE},
            {"role": "user", "content": [{"type": "text", "text": HOSTILE}]},
        ],
        "tools": [
            {"type": "function", "function": {"name": HOSTILE, "parameters": {HOSTILE: HOSTILE}}}
        ],
        "stop": [HOSTILE],
    }
    warden.hold("hostile", body, requester={"username": "a\u3164\ufe0fb"})
    for command in (["review", "hostile"], ["approvals"]):
        plain = casemate("ann", *command)
        assert plain.status == 0, plain.err
        shown = plain.out.replace("\u2068", "").replace("\u2069", "")
        assert not [one for one in shown if unseen(one)]
        status, out = _terminal(config("ann"), [*command, "-n", ENCLAVE], "")
        assert status == 0
        # The colours of ours are the only sequences, and they are closed.
        ours = out.replace("\r\n", "\n").replace("\u2068", "").replace("\u2069", "")
        for code in ("0", "1", "2", "31", "32", "33"):
            ours = ours.replace(f"\x1b[{code}m", "")
        assert not [one for one in ours if unseen(one)]
        for form in ("json", "yaml"):
            done = casemate("ann", *command, "-o", form)
            assert done.out.isascii()
            assert all(one.isprintable() or one == "\n" for one in done.out)
    lines = casemate("ann", "review", "hostile").out.splitlines()
    digests = [line for line in lines if line.lower().startswith("digest")]
    assert len(digests) == 1, "no text passes for a line of ours"


@attack("approvals", "a text that wraps into what looks like a line of the review's", Layer.CLI)
def test_on_a_terminal_a_text_cannot_wrap_into_a_line_of_its_own(
    warden: Warden, config: Callable[[str], Path]
):
    body = {"prompt": "x" * 70 + " " * 40 + "Digest      00000000" + "漢" * 90}
    warden.hold("wrapping", body)
    status, out = _terminal(config("ann"), ["review", "wrapping", "-n", ENCLAVE], "")
    assert status == 0
    (at,) = (i for i, line in enumerate(out.splitlines()) if line.endswith("x" * 70 + " " * 8))
    assert out.splitlines()[at + 1].startswith("┆ ")


@pytest.mark.parametrize(
    ("typed", "status", "decided"),
    [("right", 0, 1), ("00000000", 1, 0), ("", 1, 0), ("yes", 1, 0)],
)
def test_a_person_approves_what_they_have_read_to_the_end(
    warden: Warden, config: Callable[[str], Path], typed: str, status: int, decided: int
):
    name = f"typed-{len(typed)}"
    held = warden.hold(name, BODY)
    digest = held["spec"]["requestDigest"]
    answer = digest[:8] if typed == "right" else typed
    command = ["approve", name, "-n", ENCLAVE, *WHY]
    ended, out = _terminal(config("ann"), command, f"{answer}\n")
    assert ended == status, out
    assert "You are brief." in out
    assert digest in out
    where = f"{warden.place.decisions}?fieldSelector=spec.request.name={name}"
    found = warden.place.world.as_user(ADMIN).request("GET", where)["items"]
    assert len(found) == decided


def _terminal(config: Path, command: list[str], typed: str) -> tuple[int, str]:
    """Runs a command on a terminal of 80 columns; types once it is asked."""
    env = {**os.environ, "KUBECONFIG": str(config), "TERM": "xterm", "COLUMNS": "80"}
    env.pop("NO_COLOR", None)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", RUN, *command]
    with subprocess.Popen(command, env=env, stdin=theirs, stdout=theirs, stderr=theirs) as running:
        os.close(theirs)
        out, deadline = b"", time.monotonic() + 60
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 1)[0]:
                continue
            try:
                out += os.read(ours, 65536)
            except OSError:  # how Linux says that the other side is closed
                break
            if typed and b"anything else ends this: " in out:
                os.write(ours, typed.encode())
                typed = ""
        os.close(ours)
        return running.wait(20), out.decode()
