"""What a person needs to see when the demonstration fails."""

from demo.cluster import Cluster
from demo.deploy import CLIENTS, MODELS, SYSTEM
from demo.progress import DemoError

_LOOKS = (
    ("get", "pods", "--all-namespaces", "--output=wide"),
    ("--namespace", MODELS, "describe", "modeldeployments"),
    ("--namespace", MODELS, "describe", "pods"),
    ("--namespace", CLIENTS, "get", "events", "--sort-by=.lastTimestamp"),
    ("--namespace", SYSTEM, "get", "events", "--sort-by=.lastTimestamp"),
    (
        *("--namespace", SYSTEM, "logs", "--selector=app.kubernetes.io/component=operator"),
        *("--prefix", "--tail=40"),
    ),
    (
        *("--namespace", MODELS, "logs", "--selector=app.kubernetes.io/part-of=casemate"),
        *("--all-containers", "--prefix", "--tail=40"),
    ),
)


def report(cluster: Cluster) -> str:
    """Return the state of everything that takes part, as far as it can be read."""
    parts = []
    for look in _LOOKS:
        try:
            text = cluster.kubectl(*look)
        except DemoError as error:
            text = str(error)
        parts.append(f"--- kubectl {' '.join(look)}\n{text.rstrip()}")
    return "\n".join(parts)
