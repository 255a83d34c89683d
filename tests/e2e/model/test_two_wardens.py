"""Two replicas of the warden on a real node: one that dies loses nothing, and the other serves."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

from casemate.audit.checkpoint import Checkpoint
from casemate.audit.notes import Note
from casemate.cli.main import main
from demo.cluster import Cluster
from demo.progress import say
from e2e.model.conftest import Ask, process_of
from support import wardens
from support.enclaves import Enclave
from support.wardens import REPLICAS, SYSTEM, everything, volumes

SECONDS = 25.0
"""How long requests are made while a replica dies in their midst."""
AT_ONCE = 3


class Stream:
    """Requests without end, and what came of them."""

    def __init__(self, ask: Ask) -> None:
        self._ask, self._stop = ask, threading.Event()
        self.answers: list[dict[str, Any]] = []
        self._threads = [threading.Thread(target=self._run) for _ in range(AT_ONCE)]

    def _run(self) -> None:
        while not self._stop.is_set():
            answer = self._ask()
            self.answers.append(answer | {"at": time.monotonic()})

    def __enter__(self) -> Self:
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for one in self._threads:
            one.join()

    def answered(self, since: float = 0.0) -> list[dict[str, Any]]:
        """Those that got an answer, from a moment on."""
        return [one for one in list(self.answers) if one["ok"] and one["at"] >= since]


@pytest.fixture
def both(cluster: Cluster, enclave: Enclave, ask: Ask) -> Iterator[None]:
    """Two replicas run, before and after."""
    wardens.start(cluster)
    enclave.eventually(lambda: ask()["ok"], "it does not serve", 120)
    yield
    wardens.start(cluster)
    enclave.eventually(lambda: ask()["ok"], "it does not serve again", 120)


@contextmanager
def streaming(ask: Ask, enclave: Enclave) -> Iterator[Stream]:
    """Requests that are under way, and were answered before anything happens."""
    with Stream(ask) as stream:
        enclave.eventually(lambda: len(stream.answered()) >= AT_ONCE, "nothing is answered", 60)
        yield stream


def home(answer: dict[str, Any]) -> str:
    """The replica whose log has it."""
    return str(answer["decision"]).rpartition("/")[0]


def on_record(enclave: Enclave, answers: list[dict[str, Any]]) -> None:
    """Make sure that each answer has an intent and an outcome in one of the logs."""
    found = everything(enclave)
    ended = {one["intent"] for one in found.values() if one["kind"] == "outcome"}
    for one in answers:
        assert found[one["decision"]]["kind"] == "intent", one
        assert one["decision"] in ended, one


@pytest.mark.usefixtures("both")
def test_one_that_is_killed_loses_nothing_and_requests_go_on(
    cluster: Cluster, enclave: Enclave, ask: Ask
) -> None:
    with streaming(ask, enclave) as stream:
        preferred = home(stream.answered()[-1])
        pod = cluster.get(*SYSTEM, "pod", preferred)
        os.kill(process_of(pod, "warden"), signal.SIGKILL)
        killed = time.monotonic()
        enclave.eventually(
            lambda: any(home(one) != preferred for one in stream.answered(killed)),
            "the other one never took over",
            30,
        )
        first = min(one["at"] for one in stream.answered(killed))
        say(f"answered again {first - killed:.1f} s after the kill")
        enclave.eventually(lambda: time.monotonic() > killed + SECONDS, "time stands still", 60)
    lost = [one for one in stream.answers if not one["ok"]]
    say(f"{len(stream.answered())} answered, {len(lost)} not, while {preferred} died")
    on_record(enclave, stream.answered())


@pytest.mark.usefixtures("both")
def test_one_that_is_deleted_is_missed_by_nobody(
    cluster: Cluster, enclave: Enclave, ask: Ask
) -> None:
    with streaming(ask, enclave) as stream:
        preferred = home(stream.answered()[-1])
        gone = time.monotonic()
        cluster.kubectl(*SYSTEM, "delete", "pod", preferred, "--wait=true", "--timeout=60s")
        enclave.eventually(
            lambda: any(home(one) != preferred for one in stream.answered(gone)),
            "the other one never took over",
            30,
        )
        wardens.start(cluster)
    on_record(enclave, stream.answered())


@pytest.mark.usefixtures("both")
def test_both_logs_are_whole_seen_by_the_other_and_a_rollback_is_found(
    cluster: Cluster, enclave: Enclave, ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = tmp_path / "agreements.json"
    listed.write_text(cluster.kubectl("get", "usageagreements", "-o", "json"))

    def inspected(name: str, copies: list[Path]) -> dict[str, Any]:
        out = tmp_path / f"evidence-{name}"
        given = [*map(str, copies), str(out), "--agreements", str(listed)]
        assert main(["audit", "export", *given]) == 0
        capsys.readouterr()
        main(["audit", "verify", str(out), "--policy", str(out / "policy.json"), "-o", "json"])
        told: dict[str, Any] = json.loads(capsys.readouterr().out)
        return told

    older = wardens.copies(enclave, tmp_path / "older")
    (index,) = [n for n, pod in enumerate(REPLICAS) if pod == home(ask())]

    (size,) = [
        log["size"] for log in inspected("older", older)["logs"] if log["pod"] == REPLICAS[index]
    ]

    def witnessed() -> int:
        (kept,) = (volumes(enclave)[REPLICAS[1 - index]] / "witnessed").iterdir()
        return Checkpoint.parse(Note.parse(kept.read_text()).text).size

    enclave.eventually(lambda: witnessed() > size, "nobody witnessed more than there was", 60)
    copies = wardens.copies(enclave, tmp_path / "newer")
    told = inspected("whole", copies)
    assert told["counts"]["broken"] == 0, told["findings"]
    assert all(log["witnesses"] for log in told["logs"])

    copies[index] = older[index]
    told = inspected("rolled-back", copies)
    assert told["verdict"] == "broken"
    assert any("cut or rolled back" in one["why"] for one in told["findings"]), told["findings"]


@pytest.mark.usefixtures("both")
def test_no_model_pod_speaks_as_a_replica(cluster: Cluster, model_pod: dict[str, Any]) -> None:
    service = cluster.get(*SYSTEM, "service", REPLICAS[0])["spec"]["clusterIP"]
    script = (
        "import http.client, json, ssl, sys;"
        "context = ssl.create_default_context(cafile='/var/run/casemate/warden-ca/ca.pem');"
        "context.check_hostname = False;"
        "link = http.client.HTTPSConnection(sys.argv[1], 8444, context=context, timeout=5);"
        "token = open('/var/run/casemate/warden/token').read().strip();"
        "head = {'Authorization': f'Bearer {token}'};"
        "link.request('POST', '/v1/peers/keys', '{}', head);"
        "print(json.dumps(link.getresponse().status))"
    )
    where = (model_pod["metadata"]["namespace"], model_pod["metadata"]["name"], "gateway")
    assert cluster.execute(*where, "python3.11", "-c", script, service) == 403
