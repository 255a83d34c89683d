"""What a newcomer should see: answers, and what is blocked beside what is not."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from demo import callers
from demo.callers import PYTHON, SERVICE
from demo.cluster import Cluster
from demo.deploy import CLIENTS, MODEL, MODELS, PROJECT
from demo.progress import DemoError, say
from enclave import parts
from enclave.layout import OUTSIDE_ADDRESS

PROBE = (PROJECT / "hack" / "images" / "client" / "probe.py").read_text()
USUAL_ENGINE_PORT = 8080
SCRAPE_SECONDS = 30
QUERIES = {
    "deployments that are Ready": 'casemate_modeldeployment_condition{type="Ready",status="True"}',
    "requests by the gateway": "sum by (path, code) (casemate_gateway_requests_total)",
    "tokens by kind": "sum by (kind) (casemate_gateway_tokens_total)",
    "passes of the operator": "sum by (result) (casemate_reconcile_total)",
}


def ask(cluster: Cluster) -> None:
    """Ask the model twice from the allowed pod, with the real ``openai`` package.

    Raises:
        DemoError: An answer did not come, or not in the shape of one.
    """
    prompt = "List three things a field hospital needs."
    for title, extra in (("whole answer", ()), ("streamed answer", ("--stream",))):
        answer = callers.ask(cluster, prompt, "--max-tokens", "48", *extra)
        if not answer["ok"] or not answer["content"]:
            raise DemoError(f"analyst got no {title}: {answer}")
        facts = {key: value for key, value in answer.items() if key not in {"ok", "content"}}
        say(f"{title}: {answer['content'].strip()!r}")
        say(f"  {facts}")


@dataclass(frozen=True)
class Probe:
    """One connection attempt and what must come of it.

    Attributes:
        who: The caller, as printed.
        what: The target, as printed.
        run: Does it, and returns the probe's report.
        allowed: Whether it must get through; the others must not.
    """

    who: str
    what: str
    run: Callable[[], dict[str, Any]]
    allowed: bool = False


def show_blocks(cluster: Cluster) -> None:
    """Try what must be blocked, each beside a control that must get through.

    Raises:
        DemoError: Something got through that must not, or a control did not.
    """
    judge(_probes(cluster))


def judge(probes: list[Probe]) -> None:
    """Run probes, print what came of each, and hold it against what must.

    Raises:
        DemoError: Names every probe that came out otherwise.
    """
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda probe: probe.run(), probes))
    wrong = []
    for probe, report in zip(probes, reports, strict=True):
        through = report["result"] == "open"
        if through != probe.allowed:
            wrong.append(f"{probe.who} → {probe.what}")
        mark = "got through" if through else f"blocked ({report['result']})"
        say(f"{mark:<18} {probe.who} → {probe.what}, {report['seconds']} s")
    if wrong:
        raise DemoError(f"not as it must be: {'; '.join(wrong)}")


def _probes(cluster: Cluster) -> list[Probe]:
    pods = cluster.get("--namespace", MODELS, "pods", f"-lcasemate.dev/model-deployment={MODEL}")
    running = [pod for pod in pods["items"] if "deletionTimestamp" not in pod["metadata"]]
    name, address = running[0]["metadata"]["name"], running[0]["status"]["podIP"]
    analyst = partial(_probe, cluster, CLIENTS, "analyst", "client")
    stranger = partial(_probe, cluster, CLIENTS, "stranger", "client")
    engine = partial(_probe, cluster, MODELS, name, "engine")
    gateway, direct, outside = f"{SERVICE}:443", f"{address}:8443", f"{OUTSIDE_ADDRESS}:80"
    other, metrics = f"{address}:{USUAL_ENGINE_PORT}", f"{address}:9090"
    here = "127.0.0.1:9090"
    return [
        Probe("analyst", "gateway by its Service", partial(analyst, gateway), allowed=True),
        Probe("stranger", "gateway by its Service", partial(stranger, gateway)),
        Probe("analyst", "gateway by the pod's address", partial(analyst, direct), allowed=True),
        Probe("stranger", "gateway by the pod's address", partial(stranger, direct)),
        Probe("analyst", "engine directly, past the gateway", partial(analyst, other)),
        Probe("analyst", "metrics of the gateway", partial(analyst, metrics)),
        Probe("stranger", "outside (so it is there)", partial(stranger, outside), allowed=True),
        Probe("engine", "outside", partial(engine, outside)),
        Probe("engine", "its own pod (so it can probe)", partial(engine, here), allowed=True),
    ]


def _probe(
    cluster: Cluster, namespace: str, pod: str, container: str, target: str
) -> dict[str, Any]:
    report: dict[str, Any] = cluster.execute(
        namespace, pod, container, PYTHON, "-", "tcp", target, stdin=PROBE
    )
    return report


def show_state(cluster: Cluster) -> None:
    """Print the deployments and a few metrics."""
    say(cluster.kubectl("get", "md,ua,suppliers", "--all-namespaces"))
    deadline = time.monotonic() + SCRAPE_SECONDS
    while not cluster.prometheus("casemate_gateway_tokens_total > 0"):
        if time.monotonic() > deadline:
            raise DemoError(f"Prometheus has no tokens of the gateway after {SCRAPE_SECONDS} s")
        time.sleep(0.5)
    for title, query in QUERIES.items():
        say(f"{title}:")
        for sample in cluster.prometheus(query):
            labels = {k: v for k, v in sample["metric"].items() if k in query or k == "name"}
            say(f"  {' '.join(labels.values()):<40} {float(sample['value'][1]):g}")


def next_steps(cluster: Cluster) -> str:
    """Return what to try next."""
    tools = parts.path_of("kubectl").parent
    return f"""
What to try next:
  export KUBECONFIG={cluster.kubeconfig} PATH="$PATH:{tools}"
  kubectl get md --all-namespaces --watch
  kubectl --namespace {MODELS} delete networkpolicy --all   # restored at once, and reported:
  kubectl --namespace {MODELS} get events --field-selector reason=DriftRepaired
  kubectl --namespace {MODELS} scale md {MODEL} --replicas=2
  kubectl explain modeldeployment.spec
  make test   # everything above, and much more
  make down   # and nothing is left
"""
