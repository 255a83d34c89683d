"""Decisions of the programs that run on the node."""

from pathlib import Path
from typing import Any

import pytest

from enclave import discovery, storage

CLAIM: dict[str, Any] = {
    "metadata": {
        "name": "data",
        "namespace": "team",
        "uid": "1234",
        "annotations": {
            "volume.kubernetes.io/storage-provisioner": "casemate.dev/local",
            "volume.kubernetes.io/selected-node": "node",
        },
    },
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "5Gi"}},
        "storageClassName": "local",
        "volumeMode": "Filesystem",
    },
}
POD: dict[str, Any] = {
    "metadata": {
        "name": "pod",
        "namespace": "team",
        "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "9090"},
    },
    "status": {"podIP": "10.244.0.9"},
}


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of a document with one value replaced, or removed when None."""
    key, _, rest = path.partition("/")
    copy = dict(document)
    if rest:
        copy[key] = changed(copy.get(key, {}), rest.replace("~", "/"), value)
    elif value is None:
        copy.pop(key)
    else:
        copy[key] = value
    return copy


def without_annotation(name: str) -> dict[str, Any]:
    annotations = {**CLAIM["metadata"]["annotations"]}
    del annotations[name]
    return {**CLAIM, "metadata": {**CLAIM["metadata"], "annotations": annotations}}


def test_a_claim_with_a_chosen_node_is_provisioned() -> None:
    assert storage.wanted(CLAIM)


@pytest.mark.parametrize(
    "claim",
    [
        without_annotation("volume.kubernetes.io/storage-provisioner"),
        without_annotation("volume.kubernetes.io/selected-node"),
        changed(CLAIM, "spec/volumeName", "taken"),
        changed(CLAIM, "spec/volumeMode", "Block"),
        changed(CLAIM, "metadata/deletionTimestamp", "now"),
    ],
    ids=["another's", "no node yet", "bound", "block device", "going"],
)
def test_any_other_claim_is_left_alone(claim: dict[str, Any]) -> None:
    assert not storage.wanted(claim)


def test_a_volume_is_bound_to_its_claim_and_node() -> None:
    volume = storage.volume_for(CLAIM, Path("/volumes"))
    spec = volume["spec"]
    assert volume["metadata"]["name"] == "pvc-1234"
    assert spec["local"] == {"path": "/volumes/pvc-1234"}
    assert spec["capacity"] == {"storage": "5Gi"}
    assert (spec["claimRef"]["namespace"], spec["claimRef"]["uid"]) == ("team", "1234")
    terms = spec["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert terms[0]["matchExpressions"][0]["values"] == ["node"]


def test_only_a_released_volume_of_ours_is_deleted() -> None:
    volume = {**storage.volume_for(CLAIM, Path("/volumes")), "status": {"phase": "Released"}}
    assert storage.released(volume)
    assert not storage.released({**volume, "status": {"phase": "Bound"}})
    assert not storage.released(changed(volume, "spec/persistentVolumeReclaimPolicy", "Retain"))
    assert not storage.released(changed(volume, "metadata/annotations", {}))


def test_an_annotated_pod_is_scraped_at_its_port() -> None:
    target = discovery.target(POD)
    assert target is not None
    assert target["targets"] == ["10.244.0.9:9090"]
    assert target["labels"]["__metrics_path__"] == "/metrics"
    assert target["labels"]["pod"] == "pod"


@pytest.mark.parametrize(
    "pod",
    [
        changed(POD, "metadata/annotations", {}),
        changed(POD, "metadata/annotations", {"prometheus.io/scrape": "true"}),
        changed(
            POD,
            "metadata/annotations",
            {"prometheus.io/scrape": "false", "prometheus.io/port": "9090"},
        ),
        changed(POD, "status/podIP", None),
    ],
    ids=["silent", "no port", "declined", "no address yet"],
)
def test_any_other_pod_is_not_scraped(pod: dict[str, Any]) -> None:
    assert discovery.target(pod) is None
