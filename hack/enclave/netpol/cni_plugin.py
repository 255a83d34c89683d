#!/usr/bin/python3 -IS
"""CNI plugin that announces pods to the NetworkPolicy enforcer; chain it after ``bridge``.

Configuration, beside ``type``: ``socket``, where the enforcer listens, and ``disabledMarker``, a
file whose presence switches enforcement off. ADD returns once the pod's policies are in force and
fails when that cannot be had, so no pod ever runs open by accident. Run it isolated
(``python3 -I -S``) and on the standard library only: it starts once or more for every pod.
"""

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

VERSIONS = ["0.4.0", "1.0.0"]
TIMEOUT = 10.0  # seconds; longer than the enforcer's own patience
TRY_AGAIN, BAD_CONFIG, REFUSED = 11, 7, 100  # error codes of the CNI specification; 100+ are ours


class PluginError(Exception):
    """An error to report as the specification asks: code, message and what to do."""

    def __init__(self, code: int, message: str, details: str) -> None:
        super().__init__(message)
        self.code = code
        self.details = details


def ask(path: str, request: dict[str, Any]) -> None:
    """Send one request to the enforcer; its refusal becomes an error."""
    try:
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(TIMEOUT)
            channel.connect(path)
            channel.sendall(json.dumps(request).encode() + b"\n")
            answer = json.loads(channel.makefile().readline() or '{"error": "hung up"}')
    except OSError as error:
        raise PluginError(
            TRY_AGAIN,
            f"the NetworkPolicy enforcer at {path} does not answer: {error}",
            "Pods stay closed without it. Start it, or bring the enclave up with"
            " --no-network-policy to run without enforcement.",
        ) from error
    if "error" in answer:
        raise PluginError(REFUSED, f"NetworkPolicy enforcer: {answer['error']}", "")


def pod() -> dict[str, str]:
    """Return who the pod is, from the arguments the runtime passes."""
    pairs = (item.partition("=") for item in os.environ.get("CNI_ARGS", "").split(";"))
    given = {key: value for key, _, value in pairs}
    try:
        return {
            "namespace": given["K8S_POD_NAMESPACE"],
            "name": given["K8S_POD_NAME"],
            "uid": given["K8S_POD_UID"],
        }
    except KeyError as missing:
        raise PluginError(
            BAD_CONFIG, f"CNI_ARGS lacks {missing}", "Only pods of Kubernetes can be added."
        ) from missing


def attachment(config: dict[str, Any]) -> dict[str, str]:
    """Return the pod with its address and its interface on the node, from the earlier plugins."""
    result = config.get("prevResult") or {}
    addresses = [item["address"].partition("/")[0] for item in result.get("ips", ())]
    if len(addresses) != 1:
        raise PluginError(
            BAD_CONFIG,
            f"prevResult holds {len(addresses)} addresses, not one",
            "Chain this plugin after one that gives each pod one IPv4 address.",
        )
    links = [item["name"] for item in result.get("interfaces", ()) if not item.get("sandbox")]
    return {
        **pod(),
        "address": addresses[0],
        "container": os.environ["CNI_CONTAINERID"],
        "link": links[-1] if links else "",  # the bridge comes first, the pod's own end last
    }


def announce(config: dict[str, Any]) -> None:
    """Wait until the pod's policies are in force."""
    ask(config["socket"], {"op": "add", **attachment(config)})


def check(config: dict[str, Any]) -> None:
    """Make sure the enforcer still knows the pod."""
    ask(config["socket"], {"op": "check", **attachment(config)})


def remove(config: dict[str, Any]) -> None:
    """Tell that the address is free.

    An enforcer that is down does not hold up the deletion: nobody inherits the address, as only
    the enforcer can open it again, and it does so for the pod that is added with it.
    """
    sandbox = {"container": os.environ["CNI_CONTAINERID"], "uid": pod()["uid"]}
    try:
        ask(config["socket"], {"op": "del", **sandbox})
    except PluginError as error:
        if error.code != TRY_AGAIN:
            raise


def run(command: str, config: dict[str, Any]) -> dict[str, Any] | None:
    """Carry out one CNI command and return what to print; ADD hands on the earlier result."""
    if command == "VERSION":
        return {"cniVersion": VERSIONS[-1], "supportedVersions": VERSIONS}
    actions = {"ADD": announce, "CHECK": check, "DEL": remove}
    if command not in actions:
        raise PluginError(4, f"CNI_COMMAND is {command!r}", "Known: ADD, CHECK, DEL, VERSION.")
    if not Path(config["disabledMarker"]).exists():
        actions[command](config)
    return dict(config["prevResult"]) if command == "ADD" else None


def main() -> int:
    """Read the configuration from standard input, answer on standard output."""
    config: dict[str, Any] = {}
    try:
        config = json.load(sys.stdin)
        answer = run(os.environ.get("CNI_COMMAND", ""), config)
    except PluginError as error:
        answer = {"code": error.code, "msg": str(error), "details": error.details}
    except (KeyError, ValueError) as error:
        answer = {"code": BAD_CONFIG, "msg": f"network configuration: {error!r}", "details": ""}
    if answer is not None:
        print(json.dumps({"cniVersion": config.get("cniVersion", VERSIONS[-1]), **answer}))
    return 1 if answer and "code" in answer else 0


if __name__ == "__main__":
    sys.exit(main())
