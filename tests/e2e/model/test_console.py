"""The console on a real node: switched on with the chart, reached by a forwarded port."""

import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import aiohttp
import pytest

from demo import callers, deploy
from demo.approvals import held
from demo.cluster import Cluster
from demo.guard import FORCE
from enclave import parts
from unit.console.place import HOST, Browser
from unit.isolation.place import free_port

SYSTEM = ("--namespace", deploy.SYSTEM)
BINDING = "console-test"
REASON = "read it whole, and it is the order of the day"


@contextmanager
def switched_on(cluster: Cluster) -> Iterator[None]:
    chart = ("upgrade", "casemate", str(deploy.PROJECT / "charts" / "casemate"), *SYSTEM)
    same = ("--reuse-values", "--wait", "--timeout", "90s")
    cluster.helm(
        *chart, *same, "--set", "console.enabled=true", "--set", f"console.hosts={{{HOST}}}"
    )
    try:
        yield
    finally:
        cluster.helm(*chart, *same, "--set", "console.enabled=false")


@contextmanager
def forwarded(cluster: Cluster) -> Iterator[int]:
    port = free_port()
    command = [str(parts.path_of("kubectl")), f"--kubeconfig={cluster.kubeconfig}", *SYSTEM]
    what = ("port-forward", "service/casemate-console", f"{port}:443")
    with subprocess.Popen([*command, *what], stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout
            assert "Forwarding" in running.stdout.readline()
            yield port
        finally:
            running.terminate()


@pytest.fixture
async def browser(cluster: Cluster) -> AsyncIterator[Browser]:
    """A browser that trusts the gateways' CA, and knows the console by its Service's name."""
    bundle = cluster.get("clustertrustbundles", "casemate.dev:gateway:ca")["spec"]["trustBundle"]
    trust = ssl.create_default_context(cadata=bundle)
    trust.check_hostname = False  # a forwarded port has another name
    with switched_on(cluster), forwarded(cluster) as port:
        connector, jar = aiohttp.TCPConnector(ssl=trust), aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(connector=connector, cookie_jar=jar) as session:
            yield Browser(f"https://127.0.0.1:{port}", session)


@pytest.fixture
def reader(cluster: Cluster) -> Iterator[str]:
    """Token of an account that may read everything and approve: a program all the same."""
    account = f"--serviceaccount={deploy.CLIENTS}:{callers.RIGHTLESS}"
    roles = ("casemate-viewer", "casemate-approver")
    for role in roles:
        name = f"{BINDING}-{role}"
        cluster.kubectl("create", "clusterrolebinding", name, f"--clusterrole={role}", account)
    yield callers.token(cluster, callers.RIGHTLESS, audience="")
    for role in roles:
        cluster.kubectl("delete", "clusterrolebinding", f"{BINDING}-{role}")


async def test_it_shows_what_the_cluster_says_and_decides_for_no_program(
    cluster: Cluster, browser: Browser, reader: str
) -> None:
    name = held(cluster, FORCE)
    where = f"/requests/{deploy.MODELS}/{name}"
    assert (await browser.get(where)).status == 303, "nobody is signed in"
    wrong = await browser.sign_in(callers.token(cluster, callers.RIGHTLESS))
    assert wrong.status != 303, "a token for models is none for the cluster"

    assert (await browser.sign_in(reader)).status == 303
    deployments = (await browser.get("/deployments")).document.text
    assert deploy.MODEL in deployments
    assert "proven their isolation" in deployments
    assert name in (await browser.get("/queue")).document.text
    shown = await browser.get(where)
    form = shown.document.hidden() | {"verdict": "Approve", "justification": REASON}
    said = await browser.post(f"{where}/decide", form)
    assert said.status != 303, "a program decides nothing"
    assert "only people decide" in said.document.text
    decisions = cluster.get("--namespace", deploy.MODELS, "approvaldecisions")["items"]
    assert not [one for one in decisions if one["spec"]["request"]["name"] == name]
