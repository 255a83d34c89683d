"""Entry point of every Casemate container: ``casemate operator`` and ``casemate gateway``.

The programs share one image, so each is imported only when asked for: the gateway starts in the
time that its own imports take, and never loads operator code or a Kubernetes client.
"""

import os
import sys
from collections.abc import Sequence

from casemate.programs import Loader, Program, run


def _operator() -> Program:
    from casemate.controller.main import main  # noqa: PLC0415  lazy on purpose

    return main


def _gateway() -> Program:
    # aiohttp reads the system's list of authorities when it is imported. The gateway trusts none
    # of them: where it calls, it names whom it trusts. It starts faster and smaller without.
    os.environ.setdefault("SSL_CERT_FILE", os.devnull)
    _one_thread()
    from casemate.gateway.main import main  # noqa: PLC0415  lazy on purpose

    return main


def _start_gate() -> Program:
    from casemate.isolation.gate import main  # noqa: PLC0415  lazy on purpose

    return main


def _warden() -> Program:
    from casemate.warden.main import main  # noqa: PLC0415  lazy on purpose

    return main


def _warden_copy() -> Program:
    from casemate.warden.copy import main  # noqa: PLC0415  lazy on purpose

    return main


def _warden_rotate() -> Program:
    from casemate.warden.rotate import main  # noqa: PLC0415  lazy on purpose

    return main


def _console() -> Program:
    from casemate.console.main import main  # noqa: PLC0415  lazy on purpose

    return main


def _guard() -> Program:
    _one_thread()
    from casemate.cli.guard import main  # noqa: PLC0415  lazy on purpose

    return main


def _detector() -> Program:
    _one_thread()
    from casemate.detector.main import main  # noqa: PLC0415  lazy on purpose

    return main


def _one_thread() -> None:
    """Keep numpy's library from starting threads: vectors of one text gain nothing from them."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


PROGRAMS: dict[str, Loader] = {
    "operator": _operator,
    "gateway": _gateway,
    "start-gate": _start_gate,
    "warden": _warden,
    "warden-copy": _warden_copy,
    "warden-rotate": _warden_rotate,
    "console": _console,
    "guard": _guard,
    "detector": _detector,
}

USAGE = f"""usage: casemate {{{"|".join(PROGRAMS)}}} [options]

  operator   reconcile ModelDeployments in a cluster
  gateway    guard one engine: TLS, allow-list, strict JSON, limits
  start-gate hold a model pod until its network is proven to be closed
  warden     answer where policies allow it, and listen where none does
  warden-copy  write the log of a warden that runs as a tar, for `kubectl casemate audit collect`
  warden-rotate  change a key of the warden that runs here, for `kubectl casemate audit rotate`
  console    show held requests to those who decide, and take what they say
  guard      judge texts on standard input as a gateway would: `casemate guard check`
  detector   serve our checks by the detector API, or try somebody else's

`casemate PROGRAM --help` lists the options of one program.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program that the first argument names.

    Args:
        argv: Arguments without the program's own name; the process's arguments when None.

    Returns:
        The exit status: that of the program, or 2 when none, or an unknown one, was named.
    """
    return run(argv, "casemate", "program", PROGRAMS, USAGE)


if __name__ == "__main__":
    sys.exit(main())
