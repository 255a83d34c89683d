"""The chart, rendered and installed by the real helm."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from enclave import parts

CHART = Path(__file__).resolve().parents[2] / "charts" / "casemate"
DIGEST = f"sha256:{'0' * 64}"
KUBE_VERSION = "1.37.2"


@dataclass(frozen=True)
class Helm:
    """The real helm, with or without a cluster."""

    options: list[str] = field(default_factory=list)

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [str(parts.path_of("helm")), *arguments, *self.options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def template(self, *arguments: str) -> list[dict[str, Any]]:
        done = self.run(*template(*arguments))
        return [one for one in yaml.safe_load_all(done.stdout) if one]


def template(*arguments: str, digest: str = DIGEST) -> list[str]:
    """Arguments that render the chart for the Kubernetes version it is made for."""
    where = ["--namespace=casemate-system", f"--kube-version={KUBE_VERSION}"]
    return ["template", "casemate", str(CHART), *where, f"--set=image.digest={digest}", *arguments]
