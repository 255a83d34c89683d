"""The attackers: a platform engineer with rights in the model's namespace, and the pods at hand."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest

from demo import deploy
from demo.cluster import Cluster
from e2e.model.conftest import (
    CONTAINER_SECURITY,
    POD_SECURITY,
    SERVICE,
    Probe,
    ask,
    model_pod,
    probe,
)
from images.steps import Built
from support.attacks import Evidence, attacks_of
from support.people import Person, writer

__all__ = ["ask", "model_pod", "probe"]

OWN = "mallory"
"""The attacker's own namespace, where nothing is refused."""
MODEL = ("--namespace", deploy.MODELS)
MINE = ("--namespace", OWN)
VICTIM = "victim"
OUTSIDER, ON_NODE, LOADER = "outsider", "on-node", "loader"
GATEWAY_PORT, METRICS_PORT = 8443, 9090
GUESSES = (80, 443, 5000, 8000, 8080, 8081, 11434, 50051)
"""Ports that engines and their side doors commonly listen on."""
_AT_ONCE = 6
CA = "/var/run/casemate/ca/ca.pem"
GREET = """
import json, socket, ssl, sys
address, name, ca = sys.argv[1:]
def hand(context):
    try:
        plain = socket.create_connection((address, 8443), 2)
        with context.wrap_socket(plain, server_hostname=name):
            return True
    except ssl.SSLCertVerificationError:
        return False
    except OSError:
        return None
careless = ssl._create_unverified_context()
careful = ssl.create_default_context(cafile=ca)
print(json.dumps({"careless": hand(careless), "careful": hand(careful)}))
"""
"""Shakes hands with whoever is at an address: by any certificate, and by the published CA's."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A test that passes must also have seen its control, and the layer that it declares."""
    result = yield
    found = getattr(item, "funcargs", {}).get("evidence")
    assert isinstance(found, Evidence), "a test of this folder takes evidence"
    tried = attacks_of(getattr(item, "function", None))
    seen = found.judge(tried)
    item.user_properties += [("attack", f"{one.family}: {one.what}: {seen}") for one in tried]
    return result


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Tell what refused each attack, and how fast drift was healed."""
    passed = terminalreporter.stats.get("passed", [])
    lines = [text for one in passed for key, text in one.user_properties if key == "attack"]
    if lines:
        terminalreporter.section("attacks, and what refused them")
        for line in dict.fromkeys(lines):
            terminalreporter.write_line(line)


@pytest.fixture
def evidence() -> Evidence:
    """What the test saw; the folder's conftest judges it."""
    return Evidence()


def pod(name: str, image: str, **spec: Any) -> dict[str, Any]:
    """A pod that waits, as strict as Pod Security asks."""
    container = {"name": "client", "image": image, "securityContext": CONTAINER_SECURITY}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "securityContext": POD_SECURITY,
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
            **spec,
        },
    }


@pytest.fixture(scope="session")
def places(cluster: Cluster, built: dict[str, Built]) -> Iterator[None]:
    """The attacker's namespace and pods, and a pod that loads weights beside the model."""
    image = built["client"].reference
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OWN}}
    outsider = pod(OUTSIDER, image)
    # A label of the declared clients, in another namespace than theirs.
    outsider["metadata"]["labels"] = {"app.kubernetes.io/name": "analyst", "app": OUTSIDER}
    on_node = pod(ON_NODE, image, hostNetwork=True)
    loader = pod(LOADER, image, restartPolicy="Never", activeDeadlineSeconds=3600)
    _apply(cluster, (), namespace)
    _apply(cluster, MINE, outsider, on_node)
    _apply(cluster, MODEL, loader)
    for where, names in ((MINE, (OUTSIDER, ON_NODE)), (MODEL, (LOADER,))):
        pods = [f"pod/{name}" for name in names]
        cluster.kubectl(*where, "wait", *pods, "--for=condition=Ready", "--timeout=60s")
    yield
    cluster.kubectl(*MODEL, "delete", "pod", LOADER, "--ignore-not-found")
    cluster.kubectl("delete", "namespace", OWN, "--timeout=60s")


def _apply(cluster: Cluster, where: tuple[str, ...], *bodies: dict[str, Any]) -> None:
    for body in bodies:
        cluster.kubectl(*where, "apply", "--filename=-", stdin=json.dumps(body))


@pytest.fixture(scope="session")
def mallory(cluster: Cluster, places: None) -> Iterator[Person]:
    """May write everything in the model's namespace and in one of their own."""
    with writer(cluster, "mallory", (deploy.MODELS, OWN)) as person:
        yield person


class Target(NamedTuple):
    """The addresses of the model."""

    pod: str
    service: str

    def names(self) -> tuple[str, ...]:
        """The Service's DNS names."""
        return (SERVICE, f"{SERVICE}.cluster.local", SERVICE.removesuffix(".svc"))


@pytest.fixture
def target(cluster: Cluster, model_pod: dict[str, Any], places: None) -> Target:
    service = cluster.get(*MODEL, "service", deploy.MODEL)
    return Target(model_pod["status"]["podIP"], service["spec"]["clusterIP"])


Knock = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def knock(probe: Probe) -> Knock:
    """Tries several TCP targets from one pod."""

    def call(pod: str, *targets: str, namespace: str = OWN) -> list[dict[str, Any]]:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(lambda one: probe(pod, "tcp", one, namespace=namespace), targets))

    return call


def opens(knock: Knock, pod: str, target: str, namespace: str = deploy.CLIENTS) -> bool:
    """Whether one TCP target answers; the declared client is in its own namespace."""
    (report,) = knock(pod, target, namespace=namespace)
    return bool(report["result"] == "open")


@pytest.fixture
def neighbour(cluster: Cluster) -> dict[str, Any]:
    """A ModelDeployment like the one of the examples, under another name."""
    live = cluster.get(*MODEL, "modeldeployment", deploy.MODEL)
    body: dict[str, Any] = {key: live[key] for key in ("apiVersion", "kind", "spec")}
    return body | {"metadata": {"name": VICTIM}}


TRY = """
import ctypes, errno, json, os, signal, socket, sys
def attempt(code):
    try:
        exec(code)
    except OSError as error:
        return errno.errorcode[error.errno]
    return ""
print(json.dumps([attempt(code) for code in sys.argv[1:]]))
"""
"""Runs pieces of code, and names the error of the system call that failed in each."""


class Container:
    """One container of the model's pod; the administrator is let in to act as its program."""

    def __init__(self, cluster: Cluster, pod: str, name: str) -> None:
        self._cluster, self._pod, self._name = cluster, pod, name

    def tries(self, *code: str) -> list[str]:
        """The error of each piece of code, or ""."""
        where = (deploy.MODELS, self._pod, self._name)
        found: list[str] = self._cluster.execute(*where, "python3.11", "-c", TRY, *code)
        return found


@pytest.fixture
def engine(cluster: Cluster, model_pod: dict[str, Any]) -> Container:
    return Container(cluster, model_pod["metadata"]["name"], "engine")


@pytest.fixture
def gateway(cluster: Cluster, model_pod: dict[str, Any]) -> Container:
    return Container(cluster, model_pod["metadata"]["name"], "gateway")
