"""The inspector's scenario: evidence is carried away, found whole, forged, and found forged."""

import subprocess
import sys
import tempfile
from pathlib import Path

from demo import callers
from demo.cluster import Cluster
from demo.progress import DemoError, say
from enclave import parts

_LONGEST_SECONDS = 120
_INTACT, _BROKEN = 0, 1
_SHOWN_LINES = 12


def show_inspection(cluster: Cluster) -> None:
    """Copy the logs, inspect them, change one name on the way, and inspect them again.

    Raises:
        DemoError: What is whole was not found whole, or what was forged was not found.
    """
    decision = str(callers.ask(cluster, "Say hello.", "--max-tokens", "4")["decision"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copies, evidence = folder / "copies", folder / "evidence"
        target = (f"--kubectl={parts.path_of('kubectl')}", f"--kubeconfig={cluster.kubeconfig}")
        _audit("collect", str(copies), *target)
        logs = sorted(str(path.parent) for path in copies.glob("*/segments"))
        _audit("export", *logs, str(evidence), f"--agreements={copies / 'agreements.json'}")
        # The one thing that is trusted, brought along by another way; here, from the same bundle.
        policy = folder / "policy.json"
        policy.write_bytes((evidence / "policy.json").read_bytes())
        _verdict(evidence, policy, _INTACT, "carried away, and inspected without a cluster")
        say("\n".join(_audit("show", str(evidence), decision).splitlines()[:_SHOWN_LINES]))
        say(f"forged: the name in {forge(evidence, decision)}")
        _verdict(evidence, policy, _BROKEN, "inspected again")


def forge(evidence: Path, decision: str) -> str:
    """Put another name into a record; return which file was changed.

    Raises:
        DemoError: The record is not there.
    """
    pod, _, index = decision.rpartition("/")
    path = evidence / "logs" / pod / "records.jsonl"
    lines = path.read_bytes().split(b"\n")
    before = lines[int(index)]
    lines[int(index)] = before.replace(b":analyst", b":visitor")
    if lines[int(index)] == before:
        raise DemoError(f"record {decision} has no name to change")
    path.write_bytes(b"\n".join(lines))
    return f"{path.relative_to(evidence)} at {index}"


def _verdict(evidence: Path, policy: Path, wanted: int, what: str) -> None:
    done = _run("verify", str(evidence), f"--policy={policy}")
    say(f"{what}:\n{done.stdout.strip()}")
    if done.returncode != wanted:
        raise DemoError(f"`audit verify` ended with {done.returncode}, not {wanted}: {done.stderr}")


def _audit(*command: str) -> str:
    done = _run(*command)
    if done.returncode:
        raise DemoError(f"kubectl casemate audit {command[0]} failed: {done.stderr}")
    return done.stdout


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("kubectl-casemate")
    return subprocess.run(
        [str(program), "audit", *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=_LONGEST_SECONDS,
    )
