"""Which of several programs or commands the first argument names, and its run.

Each is imported only when it is asked for, so that none waits for another's libraries.
"""

import sys
from collections.abc import Callable, Mapping, Sequence

Program = Callable[[Sequence[str]], int]
Loader = Callable[[], Program]
USAGE_ERROR = 2


def run(
    argv: Sequence[str] | None, name: str, what: str, loaders: Mapping[str, Loader], usage: str
) -> int:
    """Run what the first argument names.

    Args:
        argv: Arguments without the program's own name; the process's arguments when None.
        name: Of the program, as errors begin.
        what: What the first argument is, as errors call it.
        loaders: Import each, by its name.
        usage: Printed on request, and behind an error.

    Returns:
        The exit status: that of what was named, or 2 when nothing, or an unknown one, was.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in {"-h", "--help"}:
        sys.stdout.write(usage)
        return 0
    if not arguments or arguments[0] not in loaders:
        given = f"unknown {what} {arguments[0]!r}" if arguments else f"no {what} given"
        sys.stderr.write(f"{name}: {given}\n{usage}")
        return USAGE_ERROR
    return loaders[arguments[0]]()(arguments[1:])
