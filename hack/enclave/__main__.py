"""`python -m enclave up|down|status|kubeconfig|load`: a Kubernetes cluster with no way out."""

import argparse
import sys
import time

from enclave import load, locks, providers
from enclave.errors import EnclaveError
from enclave.layout import checked_name


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
        "--provider",
        choices=sorted(providers.PROVIDERS),
        help="default: kind where a Docker engine answers, else node",
    )
    up.add_argument(
        "--api-server-flag",
        action="append",
        default=[],
        metavar="FLAG",
        help="a further kube-apiserver flag, such as --admission-control-config-file=FILE",
    )
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
            _up(name, options)
        case "down":
            _down(name)
        case "status":
            return _status(name)
        case "load":
            load.load(providers.existing(name).registry(name), options.image)
        case _:
            print(providers.existing(name).kubeconfig(name))
    return False


def _up(name: str, options: argparse.Namespace) -> None:
    started = time.monotonic()
    with locks.enclave(name):
        provider = providers.chosen(name, options.provider)
        provider.up(
            name,
            network_policy=not options.no_network_policy,
            api_flags=options.api_server_flag,
        )
    print(f"enclave {name} is up after {time.monotonic() - started:.0f} s")
    print(f"  export KUBECONFIG={provider.kubeconfig(name)}")


def _down(name: str) -> None:
    with locks.enclave(name):
        found = [provider.down(name) for provider in providers.PROVIDERS.values()]
    print(f"enclave {name} is down" if any(found) else f"there is no enclave {name}")


def _status(name: str) -> bool:
    components = providers.existing(name).status(name)
    for part in components:
        print(f"{'ok ' if part.healthy else 'BAD'} {part.name:<24} {part.detail}")
    return not all(part.healthy for part in components)


if __name__ == "__main__":
    sys.exit(main())
