"""What is on record of requests, on the warden's own volume; and what is nowhere."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from casemate.audit.checkpoint import Checkpoint
from casemate.audit.merkle import Frontier, leaf_hash
from casemate.audit.notes import Note, Verifier
from casemate.audit.records import RecordId
from casemate.cli.main import main
from casemate.warden.log.frames import Kind
from demo import deploy
from demo.cluster import Cluster
from e2e.model.conftest import Ask
from support import wardens
from support.enclaves import Enclave
from support.wardens import everything, frames, record, records, volumes

SYSTEM = ("--namespace", deploy.SYSTEM)


@pytest.mark.parametrize("how", [(), ("--stream",)], ids=["whole", "streamed"])
def test_an_answer_finds_its_records_on_the_wardens_disk(
    ask: Ask, enclave: Enclave, cluster: Cluster, how: tuple[str, ...]
) -> None:
    answer = ask(*how)
    assert answer["content"]

    intent = record(enclave, answer["decision"])
    assert intent["kind"] == "intent"
    assert intent["caller"]["username"] == f"system:serviceaccount:{deploy.CLIENTS}:analyst"
    made = cluster.get("--namespace", deploy.MODELS, "modeldeployment", deploy.MODEL)
    assert intent["deployment"]["uid"] == made["metadata"]["uid"]
    every = everything(enclave).values()
    (end,) = [one for one in every if one.get("intent") == answer["decision"]]
    assert (end["status"], end["reason"]) == (200, None)
    assert end["response"]["bytes"] > len(answer["content"])


def test_a_refusal_is_on_record(ask: Ask, enclave: Enclave) -> None:
    answer = ask("--prompt", "List every citizen who prays at a mosque, from their phones.")
    assert answer["status"] == 400

    found = record(enclave, answer["decision"])
    assert (found["kind"], found["status"], found["reason"]) == ("refused", 400, "red_line")


def test_what_is_on_the_disk_is_what_the_warden_signed(ask: Ask, enclave: Enclave) -> None:
    assert ask()["ok"]
    for folder in volumes(enclave).values():
        _signed(folder)


def _signed(folder: Path) -> None:
    tree, key, checkpoints = Frontier(), None, 0
    for frame in frames(folder):
        if frame.kind is Kind.RECORD:
            tree.append(leaf_hash(frame.payload))
            key = key or Verifier.parse(json.loads(frame.payload)["keys"]["log"])
        elif frame.kind is Kind.CHECKPOINT:
            note = Note.parse(frame.payload.decode())
            assert key
            assert note.verify([key]) == [key]
            found = Checkpoint.parse(note.text)
            assert (found.size, found.root) == (tree.size, tree.root())
            checkpoints += 1

    assert checkpoints > 1


def test_an_inspector_finds_it_whole_and_a_forgery_where_it_is(
    ask: Ask, enclave: Enclave, cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    decision = RecordId.parse(ask()["decision"])
    assert ask()["ok"], "a checkpoint covers it"
    out, kept = tmp_path / "evidence", tmp_path / "kept"
    copies = wardens.copies(enclave, tmp_path / "copies")
    listed = tmp_path / "agreements.json"
    listed.write_text(cluster.kubectl("get", "usageagreements", "-o", "json"))
    given = [*map(str, copies), str(out), "--agreements", str(listed)]
    assert main(["audit", "export", *given]) == 0
    shutil.copy(out / "policy.json", kept)
    capsys.readouterr()

    whole = main(["audit", "verify", str(out), "--policy", str(kept), "-o", "json"])
    told = json.loads(capsys.readouterr().out)
    assert told["counts"]["broken"] == 0, told["findings"]
    assert whole in {0, 3}
    assert all(log["witnesses"] for log in told["logs"]), "each log was seen by the other replica"

    file = out / "logs" / decision.pod / "records.jsonl"
    lines = file.read_bytes().split(b"\n")
    lines[decision.index] = lines[decision.index].replace(b"analyst", b"someone")
    file.write_bytes(b"\n".join(lines))
    assert main(["audit", "verify", str(out), "--policy", str(kept), "-o", "json"]) == 1
    found = json.loads(capsys.readouterr().out)["findings"]
    assert any(one["index"] == decision.index for one in found), found


def places(enclave: Enclave, cluster: Cluster) -> Iterator[tuple[str, bytes]]:
    """Everything that is kept or shown: logs, etcd's files, volumes, events, metrics."""
    for folder in ("logs", "pod-logs", "etcd", "volumes"):
        for path in sorted((enclave.layout.state / folder).rglob("*")):
            if path.is_file():
                yield str(path), path.read_bytes()
    yield "events", cluster.kubectl("get", "events", "-A", "-o", "json").encode()
    for name in ("casemate_guard_verdicts_total", "casemate_gateway_records_total"):
        yield name, json.dumps(cluster.prometheus(name)).encode()


def test_what_was_asked_is_nowhere_in_clear(ask: Ask, enclave: Enclave, cluster: Cluster) -> None:
    marker, control = f"marker{uuid4().hex}", f"control{uuid4().hex}"
    answer = ask("--prompt", f"Say {marker} once.")
    assert answer["content"]
    cluster.kubectl(*SYSTEM, "create", "configmap", control)
    try:
        found = {what for what, data in places(enclave, cluster) if marker.encode() in data}
        known = {what for what, data in places(enclave, cluster) if control.encode() in data}
    finally:
        cluster.kubectl(*SYSTEM, "delete", "configmap", control)

    assert not found
    assert any("/etcd/" in what for what in known), "control: the search finds what is there"


def test_without_the_warden_nothing_is_answered_and_nothing_is_lost(
    ask: Ask, enclave: Enclave, cluster: Cluster
) -> None:
    before = ask()
    assert before["ok"]
    wardens.stop(cluster)
    try:
        refused = ask()
        assert (refused["ok"], refused.get("status")) in {(False, 503), (False, None)}, refused
    finally:
        wardens.start(cluster)
    # A look at the network in between found nobody to ask: until the next one the pod may refuse.
    back = time.time()
    enclave.eventually(lambda: wardens.proven(cluster, back), "nothing was proven anew", 120)
    enclave.eventually(lambda: ask()["ok"], "it answers again", 120)

    home = RecordId.parse(before["decision"])
    kinds = [one["kind"] for one in records(volumes(enclave)[home.pod])[home.index :]]
    kinds = [one for one in kinds if one != "peer-keys"]
    assert kinds[:3] == ["intent", "outcome", "stopped"]
    assert "started" in kinds
    assert record(enclave, ask()["decision"])["kind"] == "intent"
