"""Isolation: proven, lost, and proven again, on the node itself."""

import subprocess
import sys
import time
from collections.abc import Callable

from demo.cluster import Cluster
from demo.deploy import MODEL, MODELS, POLL_SECONDS
from demo.progress import DemoError, say
from demo.terms import conditions
from enclave.waiting import until

WAIT_SECONDS = 90.0


def show_isolation(cluster: Cluster) -> None:
    """Switch off the enforcement of policies while the model serves, and on again.

    Raises:
        DemoError: The enclave could not be switched.
        EnclaveError: The model did not follow in time.
    """
    _wait(cluster, "proven", lambda: _reason(cluster) == "Enforced")
    try:
        enforce(cluster, policies=False)
        _wait(cluster, "policies are off, and seen", lambda: _reason(cluster) == "NotEnforced")
        _wait(cluster, "no endpoint is left", lambda: not endpoints(cluster))
    finally:
        enforce(cluster, policies=True)
    _wait(cluster, "policies are on, and proven", lambda: _reason(cluster) == "Enforced")
    _wait(cluster, "serves again by itself", lambda: bool(endpoints(cluster)))


def enforce(cluster: Cluster, *, policies: bool) -> None:
    """Switch the enclave's enforcement of NetworkPolicies.

    Raises:
        DemoError: It could not be switched.
    """
    command = [sys.executable, "-m", "enclave", "up", "--name", cluster.enclave]
    command += [] if policies else ["--no-network-policy"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise DemoError(f"the enclave could not be switched: {done.stdout}{done.stderr}")


def endpoints(cluster: Cluster) -> list[str]:
    """Addresses behind the model's Service that are ready."""
    selector = f"-lkubernetes.io/service-name={MODEL}"
    slices = cluster.get("--namespace", MODELS, "endpointslices", selector)["items"]
    every = [one for item in slices for one in item["endpoints"] or []]
    return [one["addresses"][0] for one in every if one["conditions"].get("ready")]


def _reason(cluster: Cluster) -> str:
    return str(conditions(cluster)["NetworkIsolated"]["reason"])


def _wait(cluster: Cluster, what: str, holds: Callable[[], bool]) -> None:
    begin = time.monotonic()
    until(holds, WAIT_SECONDS, f"{what}: not yet", every=POLL_SECONDS)
    message = conditions(cluster)["NetworkIsolated"]["message"]
    say(f"{time.monotonic() - begin:5.1f} s  {what}: {message}")
