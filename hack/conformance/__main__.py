"""Run upstream's NetworkPolicy specs against an enclave: `python -m conformance netpol`.

Exit code 0: nothing failed; 1: a spec failed; 2: the suite could not run.
"""

import argparse
import signal
import sys

from conformance import suite
from conformance.errors import ConformanceError
from enclave.errors import EnclaveError
from enclave.layout import checked_name


def main() -> int:
    """Run the specs and print what came of them."""
    options = _arguments()
    # So that the enclave is taken down also when we are told to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        summary = suite.netpol(checked_name(options.enclave), options.focus, keep=options.keep)
    except (ConformanceError, EnclaveError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(summary)
    print(f"reports: {suite.REPORTS}")
    return 1 if summary.failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    netpol = commands.add_parser("netpol", help="the specs of NetworkPolicy")
    netpol.add_argument("--focus", default="", metavar="REGEXP", help="only specs named like this")
    netpol.add_argument(
        "--enclave",
        default=suite.ENCLAVE,
        metavar="NAME",
        help=f"enclave to run on, brought up if need be (default: {suite.ENCLAVE})",
    )
    netpol.add_argument("--keep", action="store_true", help="leave the enclave up afterwards")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
