"""`python -m enclave up|down|status|kubeconfig|load`: a Kubernetes cluster with no way out."""

import argparse
import sys
import time

from enclave import load, locks, node, slots
from enclave.errors import EnclaveError
from enclave.layout import Layout, checked_name


def main() -> int:
    """Run one command; 0 when it did what it says, 1 with a message when not."""
    options = _arguments()
    try:
        return int(_run(options, checked_name(options.name)))
    except EnclaveError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m enclave", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--name", default="casemate", help="which enclave (default: casemate)")
    up = commands.add_parser("up", parents=[shared], help="bring the enclave up, or repair it")
    up.add_argument(
        "--no-network-policy",
        action="store_true",
        help="do not enforce NetworkPolicy: for tests that must see the difference",
    )
    commands.add_parser("down", parents=[shared], help="remove all of it")
    commands.add_parser("status", parents=[shared], help="say what runs; 0 if all is healthy")
    commands.add_parser("kubeconfig", parents=[shared], help="print the kubeconfig's path")
    loading = commands.add_parser("load", parents=[shared], help="copy images into its registry")
    loading.add_argument("image", nargs="+", metavar="PATH[=REPOSITORY[:TAG]]")
    return parser.parse_args()


def _run(options: argparse.Namespace, name: str) -> bool:
    """Return whether the command has to report a failure."""
    match options.command:
        case "up":
            return _up(name, network_policy=not options.no_network_policy)
        case "down":
            return _down(name)
        case "status":
            return _status(_existing(name))
        case "load":
            load.load(_existing(name).registry, options.image)
            return False
        case _:
            print(_existing(name).kubeconfig)
            return False


def _existing(name: str) -> Layout:
    if layout := slots.find(name):
        return layout
    raise EnclaveError(f"there is no enclave {name}: make it with `python -m enclave up`")


def _up(name: str, *, network_policy: bool) -> bool:
    started = time.monotonic()
    with locks.enclave(name):
        layout = node.up(name, network_policy=network_policy)
    print(f"enclave {name} is up after {time.monotonic() - started:.0f} s")
    print(f"  export KUBECONFIG={layout.kubeconfig}")
    return False


def _down(name: str) -> bool:
    with locks.enclave(name):
        found = node.down(name)
    print(f"enclave {name} is down" if found else f"there is no enclave {name}")
    return False


def _status(layout: Layout) -> bool:
    components = node.status(layout)
    for part in components:
        print(f"{'ok ' if part.healthy else 'BAD'} {part.name:<24} {part.detail}")
    return not all(part.healthy for part in components)


if __name__ == "__main__":
    sys.exit(main())
