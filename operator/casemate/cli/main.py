"""`kubectl casemate`: what people do with Casemate from a terminal.

Each command is imported only when it is asked for, so that none waits for another's libraries, and
what works offline never loads a Kubernetes client.
"""

from collections.abc import Sequence

from casemate.programs import Loader, Program, run


def _audit() -> Program:
    from casemate.cli.audit import main  # noqa: PLC0415  lazy on purpose

    return main


def _approvals() -> Program:
    from casemate.cli.approvals import main  # noqa: PLC0415  lazy on purpose

    return main


def _review() -> Program:
    from casemate.cli.review import main  # noqa: PLC0415  lazy on purpose

    return main


def _approve() -> Program:
    from casemate.cli.decide import approve  # noqa: PLC0415  lazy on purpose

    return approve


def _deny() -> Program:
    from casemate.cli.decide import deny  # noqa: PLC0415  lazy on purpose

    return deny


def _revoke() -> Program:
    from casemate.cli.decide import revoke  # noqa: PLC0415  lazy on purpose

    return revoke


def _stop() -> Program:
    from casemate.cli.stop import stop  # noqa: PLC0415  lazy on purpose

    return stop


def _lift() -> Program:
    from casemate.cli.stop import lift  # noqa: PLC0415  lazy on purpose

    return lift


def _stops() -> Program:
    from casemate.cli.stop import stops  # noqa: PLC0415  lazy on purpose

    return stops


def _completion() -> Program:
    from casemate.cli.completion import main  # noqa: PLC0415  lazy on purpose

    return main


COMMANDS: dict[str, tuple[str, Loader]] = {
    "approvals": ("list held requests that wait for people", _approvals),
    "review": ("show a held request: its whole text, who asks, and under which terms", _review),
    "approve": ("let a held request go, once enough people do", _approve),
    "deny": ("say that a held request is never sent", _deny),
    "revoke": ("take back what was approved", _revoke),
    "stop": ("the kill switch: stop all models, an agreement's, or one", _stop),
    "lift": ("let go what somebody else stopped", _lift),
    "stops": ("list what is stopped", _stops),
    "audit": ("verify, show and prove exported evidence, offline", _audit),
    "completion": ("print what makes a shell complete these commands", _completion),
}
"""Commands by name: what each does, and where it is. `parser(name)` of its module, where there is
one, gives its options to `completion`."""

USAGE = (
    f"usage: kubectl casemate {{{','.join(COMMANDS)}}} [options]\n\n"
    + "".join(f"  {name:<12} {told}\n" for name, (told, _) in COMMANDS.items())
    + "\n`kubectl casemate COMMAND --help` lists the options of one command.\n"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the first argument names.

    Args:
        argv: Arguments without the program's own name; the process's arguments when None.

    Returns:
        The exit status: that of the command, or 2 when none, or an unknown one, was named.
    """
    loaders = {name: loader for name, (_, loader) in COMMANDS.items()}
    return run(argv, "kubectl casemate", "command", loaders, USAGE)
