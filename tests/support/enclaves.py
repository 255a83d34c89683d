"""A handle on a running enclave, for tests on a real node."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from enclave import addons, daemons, load, parts, slots
from enclave.layout import REGISTRY_NAME, Layout
from enclave.waiting import until

TOOL_IMAGE = f"{REGISTRY_NAME}/test/busybox:1"


def enclave_command(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the enclave program as a user would."""
    command = [sys.executable, "-m", "enclave", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


@dataclass(frozen=True)
class Enclave:
    """A running enclave.

    Attributes:
        layout: Its names and addresses.
    """

    layout: Layout

    @classmethod
    def named(cls, name: str) -> "Enclave":
        """Return the running enclave of that name."""
        layout = slots.find(name)
        assert layout is not None, f"enclave {name} is not up"
        return cls(layout)

    @property
    def name(self) -> str:
        """Name of the enclave and of its network namespace."""
        return self.layout.name

    @property
    def kubeconfig(self) -> Path:
        """Administrator credentials."""
        return self.layout.kubeconfig

    @property
    def registry(self) -> str:
        """Where to push images, HOST:PORT; pods pull from `registry.enclave.local`."""
        return self.layout.registry

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as administrator and return what it printed."""
        command = [str(parts.path_of("kubectl")), f"--kubeconfig={self.kubeconfig}", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}{done.stdout}"
        return done.stdout

    def get(self, *arguments: str) -> Any:
        """Return `kubectl get` as objects."""
        return json.loads(self.kubectl("get", *arguments, "--output=json"))

    def apply(self, *documents: dict[str, Any]) -> None:
        """Apply objects."""
        for document in documents:
            self.kubectl("apply", "--filename=-", stdin=json.dumps(document))

    def wait(self, namespace: str, what: str, condition: str, seconds: int = 60) -> None:
        """Wait until an object has a condition, such as `condition=Ready`."""
        waiting = ("wait", what, f"--for={condition}", f"--timeout={seconds}s")
        self.kubectl("--namespace", namespace, *waiting)

    def in_namespace(self, namespace: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a network namespace of the enclave."""
        enter = ["nsenter", f"--net={self.layout.namespace_path(namespace)}", "--"]
        return subprocess.run(
            [*enter, *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def on_node(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the node's network."""
        return self.in_namespace(self.name, *command)

    def eventually(self, condition: Callable[[], bool], message: str, seconds: float = 30) -> None:
        """Wait until a condition holds."""
        until(condition, seconds, message)

    def kill(self, program: str) -> None:
        """Kill one of the node's programs, as a crash would."""
        process = daemons.recall(self.layout.pid_file(program))
        assert process is not None, f"{program} does not run"
        os.kill(process.pid, signal.SIGKILL)
        self.eventually(lambda: not process.alive, f"{program} survived")

    def load_tools(self) -> str:
        """Push an image with busybox and return its name for pods."""
        archive = addons.Addon("busybox", "1", Path("/bin/busybox")).archive()
        load.load(self.registry, [f"{archive}={TOOL_IMAGE.partition('/')[2]}"])
        return TOOL_IMAGE
