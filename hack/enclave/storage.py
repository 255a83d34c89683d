"""The provisioner behind the default StorageClass: folders on the node as local volumes.

`python -m enclave.storage` watches claims and volumes. A claim that the scheduler has given a node
gets a folder and a volume bound to it; a released volume loses both.
"""

import argparse
import http.client
import shutil
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from enclave.errors import EnclaveError
from enclave.kubeapi import ApiError, KubeApi

PROVISIONER = "casemate.dev/local"
CLAIMS = "/api/v1/persistentvolumeclaims"
VOLUMES = "/api/v1/persistentvolumes"
_SELECTED_NODE = "volume.kubernetes.io/selected-node"
_STORAGE_PROVISIONER = "volume.kubernetes.io/storage-provisioner"
_PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
_WATCH_SECONDS = 240
_RETRY_SECONDS = 1.0

Json = dict[str, Any]


def wanted(claim: Json) -> bool:
    """Tell whether a claim waits for a volume of ours on a node that is already chosen."""
    annotations = claim["metadata"].get("annotations", {})
    return (
        annotations.get(_STORAGE_PROVISIONER) == PROVISIONER
        and _SELECTED_NODE in annotations
        and not claim["spec"].get("volumeName")
        and claim["spec"].get("volumeMode") == "Filesystem"
        and "deletionTimestamp" not in claim["metadata"]
    )


def volume_for(claim: Json, root: Path) -> Json:
    """Return the volume to make for a claim: as large as asked, on the chosen node only."""
    metadata, spec = claim["metadata"], claim["spec"]
    name = f"pvc-{metadata['uid']}"
    node = metadata["annotations"][_SELECTED_NODE]
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {_PROVISIONED_BY: PROVISIONER}},
        "spec": {
            "accessModes": spec["accessModes"],
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": metadata["uid"],
            },
            "local": {"path": str(root / name)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": spec["storageClassName"],
            "volumeMode": "Filesystem",
        },
    }


def released(volume: Json) -> bool:
    """Tell whether a volume is ours to delete."""
    annotations = volume["metadata"].get("annotations", {})
    return (
        annotations.get(_PROVISIONED_BY) == PROVISIONER
        and volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
        and volume.get("status", {}).get("phase") == "Released"
        and "deletionTimestamp" not in volume["metadata"]
    )


class Provisioner:
    """Makes and removes the folders behind volumes."""

    def __init__(self, api: KubeApi, root: Path) -> None:
        self._api = api
        self._root = root

    def on_claim(self, claim: Json) -> None:
        """Provision a claim that waits."""
        if not wanted(claim):
            return
        volume = volume_for(claim, self._root)
        name = volume["metadata"]["name"]
        folder = self._root / name
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)  # whoever the pod runs as; only pods with the claim see the folder
        try:
            self._api.request("POST", VOLUMES, volume)
        except ApiError as error:
            if error.status != http.HTTPStatus.CONFLICT:
                raise
        else:
            print(f"provisioned {name} for {claim['metadata']['namespace']}")

    def on_volume(self, volume: Json) -> None:
        """Remove a volume that nobody holds any more, data first."""
        if not released(volume):
            return
        name = volume["metadata"]["name"]
        if (self._root / name).is_dir():
            shutil.rmtree(self._root / name)
        try:
            self._api.request("DELETE", f"{VOLUMES}/{name}")
        except ApiError as error:
            if error.status != http.HTTPStatus.NOT_FOUND:
                raise
        print(f"deleted {name}")

    def follow(self, path: str, handle: Callable[[Json], None]) -> None:
        """Call the handler for every object now and for every change, for ever."""
        while True:
            try:
                listed = self._api.request("GET", path)
                for item in listed["items"]:
                    handle(item)
                version = listed["metadata"]["resourceVersion"]
                for event in self._api.watch(path, version, _WATCH_SECONDS):
                    if event["type"] == "ERROR":
                        break  # too old a version: list again
                    if event["type"] != "DELETED":
                        handle(event["object"])
            except (EnclaveError, OSError, http.client.HTTPException) as error:
                print(f"{path}: {error}", file=sys.stderr)
                time.sleep(_RETRY_SECONDS)


def main() -> None:
    """Follow claims and volumes until killed."""
    parser = argparse.ArgumentParser(prog="python -m enclave.storage", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--root", type=Path, required=True, help="folder of the volumes")
    options = parser.parse_args()
    provisioner = Provisioner(KubeApi.load(options.kubeconfig), options.root)
    claims = threading.Thread(
        target=provisioner.follow, args=(CLAIMS, provisioner.on_claim), daemon=True
    )
    claims.start()
    provisioner.follow(VOLUMES, provisioner.on_volume)


if __name__ == "__main__":
    main()
