"""Completion: scripts for shells, and the program that they and kubectl ask what may come next."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from casemate.cli import session
from casemate.cli.words import following
from casemate.deciding.refusals import DeskError
from casemate.deciding.seen import unseen

if TYPE_CHECKING:
    from casemate.cluster.client import Client

_PATIENCE = 2.0
"""Seconds that a person who presses the key waits for names at most."""
_NO_FILES, _FILES = ":4", ":0"
"""Last lines, as kubectl reads them: whether a shell may offer files as well."""

# Each asks `kubectl_complete-casemate` with the words so far, as kubectl itself does.
SCRIPTS = {
    "bash": r"""# bash completion of kubectl-casemate; kubectl's own completes `kubectl casemate`
_kubectl_casemate() {
    local line lines=()
    mapfile -t lines < <(kubectl_complete-casemate "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    COMPREPLY=()
    for line in "${lines[@]}"; do
        case $line in
        :0) compopt -o default ;;
        :*) ;;
        *) COMPREPLY+=("${line%%$'\t'*}") ;;
        esac
    done
}
complete -F _kubectl_casemate kubectl-casemate
""",
    "zsh": r"""#compdef kubectl-casemate
# zsh completion of kubectl-casemate; kubectl's own completes `kubectl casemate`
_kubectl-casemate() {
    local line
    local -a lines found
    lines=("${(@f)$(kubectl_complete-casemate "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    for line in "${(@)lines}"; do
        case $line in
        :0) _files ;;
        :*) ;;
        *$'\t'*) found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
        *) found+=("${line//:/\\:}") ;;
        esac
    done
    (( $#found )) && _describe 'kubectl casemate' found
}
if [[ $funcstack[1] == _kubectl-casemate ]]; then
    _kubectl-casemate
else
    compdef _kubectl-casemate kubectl-casemate
fi
""",
    "fish": r"""# fish completion of kubectl-casemate; kubectl's own completes `kubectl casemate`
function __kubectl_casemate
    set -l words (commandline -opc)
    for line in (kubectl_complete-casemate $words[2..-1] (commandline -ct) 2>/dev/null)
        switch $line
            case ':0'
                __fish_complete_path (commandline -ct)
            case ':*'
            case '*'
                echo $line
        end
    end
end
complete -c kubectl-casemate -f -a '(__kubectl_casemate)'
""",
}


def parser(name: str = "completion") -> argparse.ArgumentParser:
    """Return the options."""
    made = argparse.ArgumentParser(
        f"kubectl casemate {name}",
        description="Print what makes a shell complete these commands, such as"
        " `source <(kubectl casemate completion bash)`.",
    )
    made.add_argument("shell", choices=SCRIPTS)
    return made


def main(argv: Sequence[str]) -> int:
    """Print a shell's script; return the exit status."""
    sys.stdout.write(SCRIPTS[parser().parse_args(argv).shell])
    return 0


def complete(argv: Sequence[str] | None = None) -> int:
    """Print what may come next: the program `kubectl_complete-casemate`.

    Args:
        argv: The words so far, the last as far as it is written; the process's when None.
    """
    found = following(sys.argv[1:] if argv is None else argv, _names)
    for text, told in found.words:
        sys.stdout.write(f"{text}\t{told}\n" if told else f"{text}\n")
    sys.stdout.write(f"{_FILES if found.files else _NO_FILES}\n")
    return 0


def _names(options: argparse.Namespace) -> list[str]:
    """Names of the requests that wait; none where they cannot be had at once."""

    async def asked(client: "Client") -> list[str]:
        from casemate.deciding.desk import Desk  # noqa: PLC0415  heavy

        namespace = session.namespace(options)
        found = await asyncio.wait_for(Desk(client).waiting(namespace), _PATIENCE)
        return [one["metadata"]["name"] for one in found]

    try:
        names = session.do(options, asked)
    except (session.UsageError, DeskError, TimeoutError):
        return []
    # A shell puts them on a command line.
    return [name for name in names if not any(map(unseen, name)) and " " not in name]
