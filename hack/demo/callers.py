"""Callers of the model: how they get a token, and how they present it.

Pods have a projected token of audience `casemate`; people are given one by `kubectl create token`.
"""

import json
from typing import Any

from demo.cluster import Cluster
from demo.deploy import CLIENTS, MODEL, MODELS

PYTHON = "python3.11"
SERVICE = f"{MODEL}.{MODELS}.svc"
CA_FILE = "/var/run/casemate/ca/ca.pem"
TOKEN_FILE = "/var/run/casemate/token/token"  # noqa: S105  where it is, and not what it is
AUDIENCE = "casemate"
KNOWN, RIGHTLESS = "analyst", "visitor"
"""Accounts of the examples: one that may use the model, and one that may not."""
HEADERS = f'{{"Authorization": "Bearer " + open("{TOKEN_FILE}").read()}}'
"""Python, for programs that run in a client pod: the headers that present its token."""


def token(cluster: Cluster, account: str, audience: str = AUDIENCE) -> str:
    """Return a token for a person, as the administrator gives it."""
    of = (account, "--duration=10m", *([f"--audience={audience}"] if audience else []))
    return cluster.kubectl("--namespace", CLIENTS, "create", "token", *of).strip()


def ask(
    cluster: Cluster,
    prompt: str,
    *extra: str,
    pod: str = "analyst",
    ca: str = CA_FILE,
    key: str | None = None,
) -> dict[str, Any]:
    """Ask the model with the real ``openai`` package; returns the report of ask.py.

    Args:
        cluster: Where the model is.
        prompt: What is asked.
        extra: Further arguments of ask.py.
        pod: Who asks.
        ca: Whom it trusts.
        key: The API key; None: the pod's own token.
    """
    answer: dict[str, Any] = cluster.execute(
        *(CLIENTS, pod, "client", PYTHON, "/opt/client/ask.py"),
        *("--base-url", f"https://{SERVICE}/v1", "--ca-file", ca, "--model", MODEL),
        *("--prompt", prompt, "--token-file", TOKEN_FILE if key is None else "-", *extra),
        stdin=key or "",
    )
    return answer


def allow(cluster: Cluster, namespace: str, account: str = KNOWN) -> None:
    """Give an account of the clients the right to use every model of a namespace."""
    group = "rbac.authorization.k8s.io"
    body = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": f"use-by-{account}", "namespace": namespace},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "casemate-user"},
        "subjects": [{"kind": "ServiceAccount", "namespace": CLIENTS, "name": account}],
    }
    cluster.kubectl("apply", "--filename=-", stdin=json.dumps(body))
