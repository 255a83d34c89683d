"""The warden's replicas on a real node: stopped, brought back, and what is on their volumes."""

import io
import json
from pathlib import Path
from typing import Any

from casemate.audit.records import RecordId, parse
from casemate.cli.collect import unpack
from casemate.core import names
from casemate.warden.copy import LOG, SIGNED, copy
from casemate.warden.log.frames import Frame, Kind, walk
from demo import deploy
from demo.cluster import Cluster
from support.enclaves import Enclave

SYSTEM = ("--namespace", deploy.SYSTEM)
REPLICAS = tuple(map(names.warden, range(2)))
"""As many as the chart brings."""


def scale(cluster: Cluster, count: int) -> None:
    """Set how many run."""
    cluster.kubectl(*SYSTEM, "scale", f"statefulset/{names.WARDEN}", f"--replicas={count}")


def stop(cluster: Cluster) -> None:
    """Let none run; returns when they have ended."""
    scale(cluster, 0)
    gone = ("wait", "--for=delete", *(f"pod/{one}" for one in REPLICAS), "--timeout=60s")
    cluster.kubectl(*SYSTEM, *gone)


def start(cluster: Cluster) -> None:
    """Let all run; returns when they are ready."""
    scale(cluster, len(REPLICAS))
    rollout = ("rollout", "status", f"statefulset/{names.WARDEN}", "--timeout=120s")
    cluster.kubectl(*SYSTEM, *rollout)


def proven(cluster: Cluster, since: float) -> bool:
    """Whether a pod has proven its isolation after a moment, in seconds since 1970."""
    found = cluster.prometheus("casemate_gateway_isolation_proof_timestamp_seconds")
    return any(float(one["value"][1]) > since for one in found)


def volumes(enclave: Enclave) -> dict[str, Path]:
    """The log folder of each replica on the node, by the name in its first segment."""
    found = {}
    for folder in enclave.layout.state.glob("volumes/*/log"):
        first = min((folder / "segments").glob("*.log"))
        head = next(walk(first.read_bytes()))
        found[head.payload.decode().split("\n")[1].rpartition("/")[2]] = folder
    return found


def copies(enclave: Enclave, out: Path) -> list[Path]:
    """Copy what is evidence of all replicas, what they signed first; returns the folders."""
    for part in (SIGNED, LOG):
        for pod, folder in volumes(enclave).items():
            packed = io.BytesIO()
            copy(folder, packed, part)
            packed.seek(0)
            unpack(packed, out / pod)
    return [out / pod for pod in REPLICAS]


def frames(folder: Path) -> list[Frame]:
    """All that is whole of a log."""
    paths = sorted((folder / "segments").glob("*.log"))
    return [one for path in paths for one in walk(path.read_bytes())]


def records(folder: Path) -> list[dict[str, Any]]:
    """What a log holds, read as an inspector would."""
    raw = [one.payload for one in frames(folder) if one.kind is Kind.RECORD]
    for each in raw:
        parse(each)
    return [json.loads(each) for each in raw]


def record(enclave: Enclave, decision: str) -> dict[str, Any]:
    """The record that a header names."""
    where = RecordId.parse(decision)
    return records(volumes(enclave)[where.pod])[where.index]


def everything(enclave: Enclave) -> dict[str, dict[str, Any]]:
    """All records of all replicas, by id."""
    return {
        f"{pod}/{index}": one
        for pod, folder in volumes(enclave).items()
        for index, one in enumerate(records(folder))
    }
