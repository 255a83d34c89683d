"""Many starts of a model whose engine sends from its first moment: nothing of it leaves its pod."""

import json
import os
from collections import defaultdict
from collections.abc import Iterator

import pytest

from casemate.core.names import NAME_LABEL
from demo import deploy
from demo.cluster import Cluster
from demo.progress import say
from enclave.layout import OUTSIDE_ADDRESS
from images.steps import Built
from support.capture import Packet, capturing
from support.enclaves import Enclave
from support.wardens import REPLICAS, SYSTEM

STARTS = int(os.environ.get("CASEMATE_STARTS", "14"))
"""`make test-attacks` asks for 200."""
AT_ONCE = 7
NAME = "restless"
MODEL = ("--namespace", deploy.MODELS)
PODS = f"-l{NAME_LABEL}={NAME}"
MARK, PORT = b"restless-engine", 9
ANSWER_PORT = 8444
SEND = f"""
import socket, time
link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    for address in ("{OUTSIDE_ADDRESS}", "10.96.0.10", "10.244.0.1"):
        try:
            link.sendto({MARK!r}, (address, {PORT}))
        except OSError:
            pass
    time.sleep(0.05)
"""


@pytest.fixture
def restless(cluster: Cluster, built: dict[str, Built]) -> Iterator[None]:
    """A ModelDeployment whose engine answers nothing and sends all the time."""
    live = cluster.get(*MODEL, "modeldeployment", deploy.MODEL)
    engine = {"image": built["client"].reference, "command": ["python3.11", "-u", "-c", SEND]}
    spec = live["spec"] | {"engine": engine, "replicas": AT_ONCE}
    meta = {"name": NAME, "namespace": deploy.MODELS}
    body = {**{key: live[key] for key in ("apiVersion", "kind")}, "metadata": meta, "spec": spec}
    cluster.kubectl("create", "--filename=-", stdin=json.dumps(body))
    yield
    cluster.kubectl(*MODEL, "delete", "modeldeployment", NAME, "--cascade=foreground")


def _engines(cluster: Cluster) -> dict[str, str]:
    """Addresses of the pods whose engine runs, by UID."""
    pods = cluster.get(*MODEL, "pods", PODS)["items"]
    return {
        pod["metadata"]["uid"]: pod["status"]["podIP"]
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
        and any("running" in one["state"] for one in pod["status"].get("containerStatuses", []))
    }


def _all_run(cluster: Cluster) -> bool:
    return len(_engines(cluster)) == AT_ONCE


@pytest.mark.timeout(120 + 5 * STARTS)
@pytest.mark.usefixtures("restless")
def test_nothing_leaves_a_pod_before_its_gate_has_passed_nor_after(
    cluster: Cluster, enclave: Enclave
) -> None:
    wardens = [cluster.get(*SYSTEM, "pod", one) for one in REPLICAS]
    allowed = {one["status"]["podIP"] for one in wardens}
    started: dict[str, str] = {}
    with capturing(enclave, "10.244.") as seen:
        while len(started) < STARTS:
            enclave.eventually(lambda: _all_run(cluster), "the engines did not start", 120)
            running = _engines(cluster)
            started |= running
            enclave.eventually(
                lambda: _sending(seen.packets) >= set(running.values()),  # noqa: B023
                "control: every engine sends",
            )
            cluster.kubectl(*MODEL, "delete", "pods", PODS, "--grace-period=1", "--timeout=120s")
    assert seen.lost == 0

    models = set(started.values())
    left = [one for one in seen.packets if one.leaving and one.source in models]
    answered = {(one.target, one.target_port) for one in left}
    asked = {target for target, port in answered if port == ANSWER_PORT}
    assert asked & allowed, "control: what is allowed is seen leaving"
    assert [one for one in left if _forbidden(one, allowed)] == []
    pods = _by_pod(seen.packets)
    assert len(pods) >= len(started), "control: every pod is told apart"
    early = [interface for interface, sent in pods.items() if not _after_the_gate(sent)]
    assert early == [], "an engine sent before its gate had asked the warden twice"
    say(f"{len(started)} starts, {len(seen.packets)} packets, none to where none may go")


def _sending(packets: list[Packet]) -> set[str]:
    return {one.source for one in packets if one.payload.startswith(MARK)}


def _forbidden(packet: Packet, wardens: set[str]) -> bool:
    """Whether a packet of a model goes to anybody but the warden, and is no answer of its gateway.

    The kubelet's probes and the warden's look are answered, from the pod's own two ports.
    """
    asks = packet.target in wardens and packet.target_port == ANSWER_PORT
    return not asks and packet.source_port not in (8443, 9090)


def _by_pod(packets: list[Packet]) -> dict[str, list[Packet]]:
    """What pods with a restless engine sent, by the node's end of their link: one for each pod."""
    sent = defaultdict[str, list[Packet]](list)
    for one in packets:
        if not one.leaving:
            sent[one.interface].append(one)
    return {
        interface: found
        for interface, found in sent.items()
        if len({one.source for one in found}) == 1
        and any(one.payload.startswith(MARK) for one in found)
    }


def _after_the_gate(sent: list[Packet]) -> bool:
    """Whether a pod asked the warden at least twice before the first packet of its engine."""
    asked: set[int] = set()
    for one in sent:
        if one.target_port == ANSWER_PORT:
            asked.add(one.source_port)
        elif one.payload.startswith(MARK):
            return len(asked) > 1
    return False
