"""What the terms refuse, and a supplier that is phased out, stayed, and back again."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from casemate.api.terms import spelled
from demo.cluster import Cluster
from demo.deploy import MODEL, MODELS, POLL_SECONDS
from demo.progress import DemoError, say
from enclave.waiting import until

SUPPLIER = "huggingface"
REFERENCE = "DEMO-ORDER-1"
WAIT_SECONDS = 90.0


def show_terms(cluster: Cluster) -> None:
    """Ask for a use that is not allowed; then let an order about the supplier run its course.

    Raises:
        DemoError: Something was accepted that must not.
        EnclaveError: Something did not follow in time.
    """
    try:
        _refused_use(cluster)
        _phase_out(cluster)
    finally:
        order(cluster, None)
    wait(cluster, "serves again", lambda found: found["Ready"]["status"] == "True")


def _refused_use(cluster: Cluster) -> None:
    body = cluster.get("--namespace", MODELS, "modeldeployment", MODEL)
    meta = {"name": "watch-citizens", "namespace": MODELS}
    spec = body["spec"] | {"use": "population-monitoring"}
    wanted = {**{k: body[k] for k in ("apiVersion", "kind")}, "metadata": meta, "spec": spec}
    try:
        cluster.kubectl("create", "--filename=-", stdin=json.dumps(wanted))
    except DemoError as error:
        say(f"refused: {str(error).splitlines()[-1]}")
        return
    raise DemoError("a use that the agreement does not allow was accepted")


def _phase_out(cluster: Cluster) -> None:
    now = datetime.now(UTC)
    order(cluster, "Effective", since=now, until=now + timedelta(days=180))
    wait(cluster, "phasing out", lambda found: found["SupplierPermitted"]["reason"] == "PhasingOut")
    order(cluster, "Effective", since=now, until=datetime.now(UTC) + timedelta(seconds=2))
    wait(cluster, "deadline", lambda found: found["Ready"]["reason"] == "SupplierBlocked")
    wait(cluster, "suspended", lambda _: pods(cluster) == 0)
    order(cluster, "Stayed", since=now, until=datetime.now(UTC), stay=datetime.now(UTC))
    wait(cluster, "stayed", lambda found: found["Ready"]["status"] == "True")


def order(
    cluster: Cluster,
    state: str | None,
    since: datetime | None = None,
    until: datetime | None = None,
    stay: datetime | None = None,
) -> None:
    """Put an order about the supplier into a state, or take it away."""
    directive: dict[str, Any] = {
        "reference": REFERENCE,
        "legalBasis": "demonstration",
        "state": state,
        "effectiveAt": _text(since),
        "phaseOutEndsAt": _text(until),
        "stays": [{"from": _text(stay)}] if stay else [],
    }
    patch = {"spec": {"directives": [directive] if state else []}}
    cluster.kubectl("patch", "supplier", SUPPLIER, "--type=merge", f"--patch={json.dumps(patch)}")


def wait(cluster: Cluster, what: str, holds: Callable[[dict[str, dict[str, Any]]], bool]) -> None:
    """Wait until the model's conditions say so, and show how.

    Raises:
        EnclaveError: They did not within the deadline.
    """
    begin = time.monotonic()
    until(
        lambda: holds(conditions(cluster)),
        WAIT_SECONDS,
        lambda: f"{what}: not yet: {conditions(cluster)['Ready']['message']}",
        every=POLL_SECONDS,
    )
    seconds = time.monotonic() - begin
    say(f"{seconds:5.1f} s  {what}: {conditions(cluster)['SupplierPermitted']['message']}")


def conditions(cluster: Cluster) -> dict[str, dict[str, Any]]:
    """The model's conditions by type."""
    body = cluster.get("--namespace", MODELS, "modeldeployment", MODEL)
    return {one["type"]: one for one in body["status"]["conditions"]}


def pods(cluster: Cluster) -> int:
    """How many pods of the model there are."""
    selector = f"-lcasemate.dev/model-deployment={MODEL}"
    return len(cluster.get("--namespace", MODELS, "pods", selector)["items"])


def _text(moment: datetime | None) -> str | None:
    return spelled(moment) if moment else None
