"""A compromised engine, by what it answers and whom it would pass for."""

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from demo import deploy
from demo.callers import HEADERS
from demo.cluster import Cluster
from e2e.attacks.conftest import (
    CA,
    GATEWAY_PORT,
    GREET,
    MODEL,
    OUTSIDER,
    OWN,
    Knock,
    opens,
)
from e2e.model.conftest import PROBE, Probe, process_of
from enclave.layout import OUTSIDE_ADDRESS
from images.steps import Built
from support.attacks import Evidence, Layer, attack
from support.enclaves import Enclave

NAME = "hostile"
OURS = f"-lcasemate.dev/model-deployment={NAME}"
HOSTILE = r'''
import http.server, json, os, signal, socket, threading, time
HOLDS = []
signal.signal(signal.SIGTERM, lambda *_: HOLDS or os._exit(0))
MODELS = {"object": "list", "data": [{"id": "hostile", "object": "model"}]}
CHOICE = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "x"}}
WHOLE = {"id": "1", "object": "chat.completion", "created": 1, "model": "hostile",
         "choices": [CHOICE], "usage": {"prompt_tokens": 1, "completion_tokens": 1,
                                        "total_tokens": 2}}
def steal():
    """Takes the gateway's two ports as soon as they are free, and says yes to everything."""
    held = []
    for port in (8443, 9090):
        while True:
            try:
                held.append(socket.create_server(("0.0.0.0", port)))
                break
            except OSError:
                time.sleep(0.001)
    while True:
        for one in held:
            one.settimeout(0.05)
            try:
                client, _ = one.accept()
                client.recv(999)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                client.close()
            except OSError:
                pass
class Engine(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def say(self, body):
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def do_GET(self):
        self.say(MODELS)
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        what = asked["messages"][0]["content"]
        if what == "steal":
            threading.Thread(target=steal, daemon=True).start()
        if what == "linger":
            HOLDS.append(True)
        if what == "redirect":
            self.send_response(307)
            self.send_header("Location", "http://203.0.113.10/")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif what == "malformed":
            self.wfile.write(b"SSH-2.0-x\r\n\r\n")
            self.close_connection = True
        elif what == "endless":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                             b"Transfer-Encoding: chunked\r\n\r\n")
            try:
                while True:
                    self.wfile.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
            except OSError:
                self.close_connection = True
        else:
            self.say(WHOLE)
http.server.ThreadingHTTPServer(("127.0.0.1", 8000), Engine).serve_forever()
'''
"""An engine that does what the prompt says."""
ASK = """
import json, ssl, sys, urllib.error, urllib.request
url, ca, what = sys.argv[1:]
body = {"model": "hostile", "messages": [{"role": "user", "content": what}]}
kind = {"Content-Type": "application/json", **HEADERS}
request = urllib.request.Request(url, json.dumps(body).encode(), kind)
context = ssl.create_default_context(cafile=ca)
try:
    with urllib.request.urlopen(request, timeout=30, context=context) as answer:
        print(json.dumps([answer.status, answer.read().decode()[:200]]))
except urllib.error.HTTPError as error:
    print(json.dumps([error.code, error.read().decode()[:200]]))
""".replace("HEADERS", HEADERS)


@pytest.fixture
def hostile(cluster: Cluster, built: dict[str, Built]) -> Iterator[dict[str, Any]]:
    """A ModelDeployment whose engine is the attacker's; its pod."""
    live = cluster.get(*MODEL, "modeldeployment", deploy.MODEL)
    body = {key: live[key] for key in ("apiVersion", "kind", "spec")}
    body["metadata"] = {"name": NAME}
    body["spec"]["model"]["name"] = NAME
    image = built["client"].reference
    body["spec"]["engine"] = {
        "image": image,
        "command": ["python3.11", "-c", HOSTILE],
        "port": 8000,
    }
    cluster.kubectl(*MODEL, "apply", "--filename=-", stdin=json.dumps(body))
    cluster.kubectl(*MODEL, "wait", f"md/{NAME}", "--for=condition=Ready", "--timeout=90s")
    yield cluster.get(*MODEL, "pods", OURS)["items"][0]
    cluster.kubectl(*MODEL, "delete", "modeldeployment", NAME, "--ignore-not-found")
    cluster.kubectl(*MODEL, "wait", "--for=delete", "pod", OURS, "--timeout=90s")


def _ask(cluster: Cluster, what: str) -> tuple[int, str]:
    url = f"https://{NAME}.{deploy.MODELS}.svc/v1/chat/completions"
    where = (deploy.CLIENTS, "analyst", "client", "python3.11", "-c", ASK)
    status, text = cluster.execute(*where, url, CA, what)
    return int(status), str(text)


@pytest.mark.usefixtures("hostile")
@attack("engine", "a redirect, no HTTP at all, and an answer without an end", Layer.GATEWAY)
def test_answers_that_are_none(evidence: Evidence, cluster: Cluster) -> None:
    evidence.control(_ask(cluster, "hello")[0] == 200, "a proper answer of the same engine passes")

    for what in ("redirect", "malformed", "endless"):
        status, text = _ask(cluster, what)
        assert (status, "engine_" in text) == (502, True), (what, status, text)
        evidence.refused(Layer.GATEWAY, f"{what}: {status}")
    evidence.control(_ask(cluster, "hello")[0] == 200, "and so it does afterwards")


@pytest.mark.usefixtures("places")
@attack(
    "engine",
    "the time that a deleted deployment gives it to end, for ways out and ways in",
    Layer.NETWORK,
)
def test_an_engine_that_outlives_its_deployment(
    evidence: Evidence,
    cluster: Cluster,
    enclave: Enclave,
    knock: Knock,
    hostile: dict[str, Any],
) -> None:
    outside, name = f"{OUTSIDE_ADDRESS}:80", hostile["metadata"]["name"]
    evidence.control(opens(knock, OUTSIDER, outside, OWN), "the outside answers an ordinary pod")
    evidence.control(_ask(cluster, "linger")[0] == 200, "the engine is told to hear no signal")
    cluster.kubectl(*MODEL, "delete", "modeldeployment", NAME)
    enclave.eventually(lambda: _parts(cluster) == {"NetworkPolicy"}, "its parts stayed")
    (closed,) = cluster.get(*MODEL, "networkpolicies", OURS)["items"]
    assert closed["metadata"]["name"] == f"{NAME}-default-deny"

    probe = ("python3.11", "-", "--timeout", "2", "tcp", outside)
    evidence.silent(
        cluster.execute(deploy.MODELS, name, "engine", *probe, stdin=PROBE),
        *knock(OUTSIDER, f"{hostile['status']['podIP']}:{GATEWAY_PORT}"),
    )
    os.kill(process_of(hostile, HOSTILE), signal.SIGKILL)
    enclave.eventually(lambda: not _parts(cluster), "the policy outlived its last pod")


def _parts(cluster: Cluster) -> set[str]:
    found = cluster.get(*MODEL, "deployments,services,networkpolicies", OURS)["items"]
    return {one["kind"] for one in found}


@attack(
    "engine",
    "the gateway's ports taken while it starts again, to answer in its place",
    Layer.TLS,
)
def test_the_gateways_ports_while_it_is_away(
    evidence: Evidence,
    cluster: Cluster,
    enclave: Enclave,
    probe: Probe,
    hostile: dict[str, Any],
) -> None:
    """The engine keeps the ports: its pod serves nobody until it is replaced."""
    address, name = hostile["status"]["podIP"], f"{NAME}.{deploy.MODELS}.svc"

    def met() -> Any:
        greet = ("python3.11", "-c", GREET, address, name, CA)
        return cluster.execute(deploy.CLIENTS, "analyst", "client", *greet)

    evidence.control(met()["careful"], "the gateway proves who it is")
    _ask(cluster, "steal")
    os.kill(process_of(hostile, "gateway"), signal.SIGKILL)

    url = f"http://{address}:{GATEWAY_PORT}/"
    stolen = "the engine never had the port"
    enclave.eventually(lambda: bool(probe("analyst", "http", url)["detail"] == "200"), stolen)
    enclave.eventually(lambda: not _endpoints(cluster), "the pod stayed in its Service", 60)
    assert not met()["careful"]
    evidence.refused(Layer.TLS, f"no certificate at port {GATEWAY_PORT}, and no endpoint")


def _endpoints(cluster: Cluster) -> list[str]:
    """Addresses that the Service leads to."""
    service = f"-lkubernetes.io/service-name={NAME}"
    slices = cluster.get(*MODEL, "endpointslices", service)["items"]
    every = [one for each in slices for one in each.get("endpoints") or []]
    return [one["addresses"][0] for one in every if one["conditions"].get("ready")]
