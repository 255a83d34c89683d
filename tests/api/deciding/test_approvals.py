"""`kubectl casemate approvals`: what waits, the oldest first, for people and for programs."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import yaml

from api.deciding.conftest import NOBODY, RUN, Kubectl
from api.deciding.warden import Warden
from enclave.waiting import until
from support.policies import ENCLAVE, PLAIN

BODY = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


def test_what_waits_is_listed_with_the_oldest_first(warden: Warden, casemate: Kubectl):
    warden.hold("listed-1", BODY)
    warden.hold("listed-2", BODY, line="use-of-force", approvers=3)
    done = casemate("ann", "approvals")
    assert done.status == 0, done.err
    head, *rows = done.out.splitlines()
    assert head.split() == [
        *("NAME", "NAMESPACE", "AGE", "LEFT", "LINE", "MODEL", "REQUESTER", "TALLY", "PHASE"),
    ]
    names = [row.split()[0] for row in rows]
    assert names.index("listed-1") < names.index("listed-2")
    (second,) = (row for row in rows if row.startswith("listed-2 "))
    assert second.split()[1] == ENCLAVE
    assert second.split()[-5:] == ["use-of-force", "smollm2", "caller", "0/3", "Pending"]
    assert "\x1b" not in done.out, "no colour where there is no terminal"


def test_programs_read_it(warden: Warden, casemate: Kubectl):
    warden.hold("read", BODY)
    names = casemate("ann", "approvals", "-o", "name").out.split()
    assert "approvalrequest.casemate.dev/read" in names
    for form, parse in (("json", json.loads), ("yaml", yaml.safe_load)):
        found = parse(casemate("ann", "approvals", "-o", form).out)
        assert found["kind"] == "List"
        assert "read" in {one["metadata"]["name"] for one in found["items"]}
        assert {one["kind"] for one in found["items"]} == {"ApprovalRequest"}


def test_what_ended_is_listed_if_asked_for(warden: Warden, casemate: Kubectl):
    warden.hold("over", BODY)
    assert "over " in casemate("ann", "approvals").out, "control"
    assert casemate("ann", "deny", "over", "--reason", "not what was agreed").status == 0
    assert "over " not in casemate("ann", "approvals").out
    (row,) = (
        one for one in casemate("ann", "approvals", "--all").out.splitlines() if "over " in one
    )
    assert row.endswith("Denied")


def test_another_namespace_has_nothing(warden: Warden, casemate: Kubectl):
    warden.hold("elsewhere", BODY)
    done = casemate("ann", "approvals", namespace=PLAIN)
    assert (done.status, done.out, done.err) == (0, "", "no request waits\n")
    assert "elsewhere " in casemate("ann", "approvals", "-A", namespace="").out


def test_the_context_says_which_namespace(
    warden: Warden, casemate: Kubectl, config: Callable[[str], Path], tmp_path: Path
):
    warden.hold("by-context", BODY)
    document = yaml.safe_load(config("ann").read_text())
    document["contexts"][0]["context"]["namespace"] = ENCLAVE
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(document))
    ask = ("approvals", "--kubeconfig", str(file))
    assert "by-context " in casemate("ann", *ask, namespace="").out
    assert casemate("ann", "approvals", namespace="").out == "", "control: the default is `default`"
    done = casemate("ann", *ask, "--context", "none", namespace="")
    assert (done.status, "has no context none" in done.err) == (2, True)


def test_who_has_no_right_is_told_so(warden: Warden, casemate: Kubectl):
    done = casemate(NOBODY, "approvals")
    assert done.status == 1
    assert 'User "nell" cannot list resource "approvalrequests"' in done.err
    assert done.err.count("\n") == 1


def test_no_server_and_no_kubeconfig_are_told_in_a_sentence(
    casemate: Kubectl, config: Callable[[str], Path], tmp_path: Path
):
    document = yaml.safe_load(config("ann").read_text())
    document["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    away = tmp_path / "away"
    away.write_text(yaml.safe_dump(document))
    broken = tmp_path / "broken"
    broken.write_text("contexts: [")
    for file, status, says in (
        (away, 1, "the API server could not answer"),
        (broken, 2, "cannot be used"),
        (tmp_path / "none", 2, "there is no kubeconfig at"),
    ):
        done = casemate("ann", "approvals", "--kubeconfig", str(file))
        assert done.status == status, done.err
        assert says in done.err
        assert done.err.count("\n") == 1


def test_a_watch_tells_what_is_new_and_what_ends(
    warden: Warden, casemate: Kubectl, config: Callable[[str], Path]
):
    warden.hold("watched-1", BODY)
    command = [sys.executable, "-c", RUN, "approvals", "--watch", "-o", "json", "-n", ENCLAVE]
    env = {**os.environ, "KUBECONFIG": str(config("ann"))}
    lines: list[str] = []
    with ExitStack() as ends:
        watch = ends.enter_context(
            subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
        )
        ends.callback(watch.kill)
        out = watch.stdout
        assert out is not None
        reader = threading.Thread(target=lambda: lines.extend(out))
        reader.start()

        def told(name: str, phase: str) -> bool:
            found = map(json.loads, list(lines))
            return any(
                one["metadata"]["name"] == name
                and one.get("status", {}).get("phase", "Pending") == phase
                for one in found
            )

        until(lambda: told("watched-1", "Pending"), 20, "what waits was never told")
        warden.hold("watched-2", BODY)
        until(lambda: told("watched-2", "Pending"), 20, "what is new was never told")
        assert casemate("ann", "deny", "watched-2", "--reason", "not what was agreed").status == 0
        until(lambda: told("watched-2", "Denied"), 20, "its end was never told")
        watch.send_signal(signal.SIGINT)
        assert watch.wait(20) == 130
        reader.join()
