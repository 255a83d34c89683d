"""Entry point of every Casemate container: ``casemate operator`` and ``casemate gateway``.

The programs share one image, so each is imported only when asked for: the gateway starts in the
time that its own imports take, and never loads operator code or a Kubernetes client.
"""

import os
import sys
from collections.abc import Callable, Sequence

Program = Callable[[Sequence[str]], int]


def _operator() -> Program:
    from casemate.controller.main import main  # noqa: PLC0415  lazy on purpose

    return main


def _gateway() -> Program:
    # aiohttp reads the system's list of authorities when it is imported. The gateway trusts none
    # of them, as it opens no TLS connection, and starts faster and smaller without.
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


PROGRAMS: dict[str, Callable[[], Program]] = {
    "operator": _operator,
    "gateway": _gateway,
    "start-gate": _start_gate,
    "warden": _warden,
    "guard": _guard,
    "detector": _detector,
}

USAGE = f"""usage: casemate {{{"|".join(PROGRAMS)}}} [options]

  operator   reconcile ModelDeployments in a cluster
  gateway    guard one engine: TLS, allow-list, strict JSON, limits
  start-gate hold a model pod until its network is proven to be closed
  warden     answer where policies allow it, and listen where none does
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
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in {"-h", "--help"}:
        sys.stdout.write(USAGE)
        return 0
    if not arguments or arguments[0] not in PROGRAMS:
        given = f"unknown program {arguments[0]!r}" if arguments else "no program given"
        sys.stderr.write(f"casemate: {given}\n{USAGE}")
        return 2
    return PROGRAMS[arguments[0]]()(arguments[1:])


if __name__ == "__main__":
    sys.exit(main())
