"""The cluster of the demonstration, spoken to with kubectl and helm as a person would."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from demo.progress import DemoError
from enclave import parts

_LONGEST_SECONDS = 120


@dataclass(frozen=True)
class Cluster:
    """A running enclave.

    Attributes:
        enclave: Its name.
        kubeconfig: Administrator credentials.
    """

    enclave: str
    kubeconfig: Path

    @classmethod
    def up(cls, enclave: str) -> "Cluster":
        """Bring an enclave up, or use the one that is.

        Raises:
            DemoError: It did not come up; its own message has been printed.
        """
        command = [sys.executable, "-m", "enclave"]
        if subprocess.run([*command, "up", "--name", enclave], check=False).returncode:
            raise DemoError(f"the enclave {enclave} did not come up: see above")
        kubeconfig = _run([*command, "kubeconfig", "--name", enclave]).strip()
        return cls(enclave, Path(kubeconfig))

    def load(self, layout: Path, target: str) -> None:
        """Copy an OCI layout into the enclave's registry as ``REPOSITORY:TAG``."""
        load = ["-m", "enclave", "load", "--name", self.enclave]
        _run([sys.executable, *load, f"{layout}={target}"])

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl and return its output.

        Raises:
            DemoError: It failed.
        """
        return _run([str(parts.path_of("kubectl")), *arguments], self._env(), stdin)

    def helm(self, *arguments: str) -> str:
        """Run helm and return its output.

        Raises:
            DemoError: It failed.
        """
        parts.ensure(["helm"])
        return _run([str(parts.path_of("helm")), *arguments], self._env())

    def get(self, *arguments: str) -> Any:
        """Return objects as ``kubectl get`` finds them."""
        return json.loads(self.kubectl("get", *arguments, "--output=json"))

    def execute(
        self, namespace: str, pod: str, container: str, *command: str, stdin: str = ""
    ) -> Any:
        """Run a program in a container; return the JSON object it prints, whatever its exit code.

        Raises:
            DemoError: It printed no such object.
        """
        kubectl = str(parts.path_of("kubectl"))
        where = ["--namespace", namespace, "exec", "--stdin", pod, "--container", container]
        done = _start([kubectl, *where, "--", *command], self._env(), stdin)
        try:
            return json.loads(done.stdout)
        except ValueError:
            raise DemoError(f"{' '.join(command)} in {pod} gave no answer: {done.stderr}") from None

    def prometheus(self, query: str) -> list[dict[str, Any]]:
        """Ask the enclave's Prometheus."""
        service = "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy"
        path = f"{service}/api/v1/query?{urlencode({'query': query})}"
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", "--raw", path))["data"][
            "result"
        ]
        return found

    def _env(self) -> dict[str, str]:
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig)}


def _run(command: list[str], env: dict[str, str] | None = None, stdin: str | None = None) -> str:
    done = _start(command, env, stdin)
    if done.returncode:
        name = Path(command[0]).name
        raise DemoError(f"{name} {' '.join(command[1:6])} … failed:\n{done.stderr.strip()}")
    return done.stdout


def _start(
    command: list[str], env: dict[str, str] | None, stdin: str | None
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            env=env,
            input=stdin or "",
            capture_output=True,
            text=True,
            check=False,
            timeout=_LONGEST_SECONDS,
        )
    except subprocess.TimeoutExpired:
        name = Path(command[0]).name
        raise DemoError(
            f"{name} {' '.join(command[1:6])} … took over {_LONGEST_SECONDS} s"
        ) from None
