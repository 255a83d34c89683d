"""Run upstream's NetworkPolicy specs against an enclave: `python -m conformance netpol`."""

import argparse
import sys

from conformance import suite
from conformance.errors import ConformanceError
from enclave.errors import EnclaveError


def main() -> int:
    """Run the specs; 0 when all that ran passed."""
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    parser.add_argument("what", choices=["netpol"])
    parser.add_argument("--enclave", default="casemate-conformance", help="brought up if need be")
    parser.add_argument("--focus", default=suite.NETWORK_POLICY, help="regular expression of specs")
    parser.add_argument("--keep", action="store_true", help="leave the enclave up")
    given = parser.parse_args()
    try:
        return suite.run(given.enclave, given.focus, keep=given.keep)
    except (ConformanceError, EnclaveError) as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
