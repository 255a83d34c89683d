"""An API server with the roles of the chart, and a connection to it with exactly the warden's."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from kubernetes.aio import client as kubernetes
from kubernetes.aio import config

from api.warden.accounts import account
from api.warden.holding import ADA, BOB, CY, People, Warden
from api.warden.looking import ended, looked
from casemate.admission.approvals import APPROVALS
from casemate.admission.reviews import REVIEWS
from casemate.cluster.client import Client
from casemate.warden.callers import Callers
from casemate.warden.log.stamp import SystemClock
from casemate.warden.log.store import Log
from casemate.warden.reviews import Reviews
from casemate.warden.stops import Stops
from casemate.warden.switches import Switches
from enclave import parts
from enclave.controlplane import ControlPlane
from support.operators import SYSTEM, Api, install, model_deployment
from support.policies import PLURALS

ACCOUNT = f"system:serviceaccount:{SYSTEM}:casemate-warden"
GROUPS = ("system:serviceaccounts", f"system:serviceaccounts:{SYSTEM}", "system:authenticated")


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    parts.ensure(["helm"])
    with ControlPlane(tmp_path_factory.mktemp("warden-plane")) as plane:
        yield install(plane)


@pytest.fixture(scope="module")
def namespace(api: Api, request: pytest.FixtureRequest) -> str:
    """The models' namespace, of this module alone."""
    name = api.namespace(f"models-{Path(str(request.path)).stem.replace('_', '-')}")
    account(api, name, "m-model")
    account(api, name, "casemate-operator")
    return name


async def connected(kubeconfig: Path) -> Client:
    """Connect as somebody."""
    configuration = kubernetes.Configuration()
    await config.load_kube_config(str(kubeconfig), client_configuration=configuration)
    return Client(configuration)


@pytest.fixture
async def client(api: Api) -> AsyncIterator[Client]:
    """With exactly the rights that the chart gives the warden."""
    client = await connected(api.plane.client_config_for(ACCOUNT, GROUPS))
    yield client
    await client.close()


@pytest.fixture
async def stops(client: Client, tmp_path: Path) -> AsyncIterator[Stops]:
    """What is stopped, by this API server, with a log of its own."""
    kept = await Log.open(tmp_path / "log-of-stops", "log/of/stops", SystemClock())
    made = Stops(Switches(client), kept)
    looking = asyncio.create_task(made.run())
    await looked(made)
    yield made
    await ended(looking)
    await kept.close()


@pytest.fixture(scope="session")
def guarded(api: Api) -> Api:
    """With the chart's policies about approvals, in force; those about switches are others'."""
    root = "/apis/admissionregistration.k8s.io/v1"
    for policy in (*APPROVALS, *REVIEWS):
        for body in policy.objects():
            api.client.request("POST", f"{root}/{PLURALS[body['kind']]}", body)
    return api


@pytest.fixture
def callers(client: Client) -> Callers:
    return Callers(client, SYSTEM)


@pytest.fixture
def reviews(client: Client) -> Reviews:
    return Reviews(client)


@pytest.fixture(scope="module")
def people(guarded: Api, namespace: str) -> People:
    made = People(guarded, namespace)
    for user in (ADA, BOB, CY):
        made.let_approve(user)
    same = guarded.create(model_deployment("m", namespace))["spec"]["model"]
    guarded.create(model_deployment("other", namespace, model=same))
    return made


@pytest.fixture
async def warden(
    guarded: Api, namespace: str, client: Client, people: People, tmp_path: Path
) -> AsyncIterator[Warden]:
    made = Warden(guarded, namespace, client, tmp_path)
    await made.fresh()
    yield made
    await made.close()
