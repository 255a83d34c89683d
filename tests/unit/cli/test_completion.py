"""What may come next, from the parsers themselves; in a real bash, and as kubectl asks."""

import argparse
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

from casemate.cli.completion import SCRIPTS, complete
from casemate.cli.main import COMMANDS, main
from casemate.cli.words import following

PROJECT = Path(__file__).resolve().parents[3]
SHIM = f"""#!{sys.executable}
import sys
from casemate.cli.completion import complete
sys.exit(complete())
"""


def names(options: argparse.Namespace) -> Sequence[str]:
    return [f"held-in-{options.namespace}"]


def words(*line: str) -> list[str]:
    return [one.text for one in following(line, names).words]


def test_commands_come_first():
    assert words("") == [*COMMANDS]
    assert words() == [*COMMANDS]
    assert words("app") == ["approvals", "approve"]


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "completion"])
def test_every_command_completes_its_options(command: str):
    assert "--help" in words(command, "--h")


def test_values_and_names_come_behind_their_options():
    assert words("approvals", "-o", "") == ["text", "json", "yaml", "name"]
    assert words("review", "--output", "j") == ["json"]
    assert words("approve", "-n", "enclave", "h") == ["held-in-enclave"]
    assert words("approve", "--reason", "") == []
    assert words("approve", "held-1", "") == [], "there is one name"
    assert words("audit", "ver") == ["verify"]
    assert words("audit", "verify", "--pol") == ["--policy"]
    assert words("completion", "") == ["bash", "zsh", "fish"]
    assert words("nothing", "") == []


def test_files_come_where_files_are_read():
    assert following(["audit", "verify", "--policy", ""], names).files
    assert following(["approvals", "--kubeconfig", ""], names).files
    assert not following(["approvals", "-o", ""], names).files


def test_kubectl_is_answered_as_it_asks(capsys: pytest.CaptureFixture[str]):
    assert complete(["audit", "verify", "--po"]) == 0
    assert capsys.readouterr().out == "--policy\tkeys and quorum that you trust, as JSON\n:4\n"
    scripts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts["kubectl_complete-casemate"] == "casemate.cli.completion:complete"


def test_no_cluster_gives_no_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert complete(["approve", ""]) == 0
    assert capsys.readouterr() == (":4\n", "")


def test_a_real_bash_completes(tmp_path: Path):
    shim = tmp_path / "kubectl_complete-casemate"
    shim.write_text(SHIM)
    shim.chmod(0o755)
    (tmp_path / "some.json").touch()

    def completed(*line: str) -> list[str]:
        script = (
            f"{SCRIPTS['bash']}\n"
            'shift 0; COMP_WORDS=(kubectl-casemate "$@"); COMP_CWORD=$#\n'
            "complete -p kubectl-casemate >/dev/null || exit 1\n"
            'compopt() { COMPREPLY+=("[$*]"); }\n'  # it works in a completion alone
            "_kubectl_casemate; printf '%s\\n' \"${COMPREPLY[@]}\"\n"
        )  # fmt: skip
        done = subprocess.run(
            ["bash", "--norc", "-c", script, "bash", *line],
            env={"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout.split()

    assert completed("app") == ["approvals", "approve"]
    assert completed("approvals", "-o", "") == ["text", "json", "yaml", "name"]
    assert completed("audit", "verify", "--policy", "") == ["[-o", "default]"]


@pytest.mark.parametrize("shell", SCRIPTS)
def test_each_shell_gets_its_script(shell: str, capsys: pytest.CaptureFixture[str]):
    assert main(["completion", shell]) == 0
    assert capsys.readouterr().out == SCRIPTS[shell]
