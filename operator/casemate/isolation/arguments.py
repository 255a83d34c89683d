"""Targets, and a whole round, on a command line."""

import argparse
import random

from casemate.isolation.client import Warden, trusting
from casemate.isolation.rounds import Circuit
from casemate.isolation.targets import Target, parse
from casemate.isolation.wardens import Wardens

_MOST_PORT = 65535


def target(text: str) -> Target:
    """Read a target for argparse, whose message then says what is accepted.

    Raises:
        ArgumentTypeError: It is none.
    """
    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_circuit(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Add the options that say what a round goes through; `circuit` reads them."""
    options = parser.add_argument_group("isolation", "What a proof of isolation goes through.")
    add = options.add_argument
    add(
        "--warden",
        action="append",
        default=[],
        required=required,
        type=target,
        help="a replica, tcp:ADDRESS:PORT=DNS-NAME, which its own name begins; repeated",
    )
    add("--warden-ca", required=required, help="bundle of CAs for the warden")
    add("--closed", action="append", default=[], type=target, help="what must not answer; repeated")
    add(
        "--neighbour-port",
        action="append",
        default=[],
        type=_port,
        help="port that must be closed on other model pods; repeated",
    )


def circuit(given: argparse.Namespace) -> Circuit:
    """Return what the options of `add_circuit` say; --warden was given."""
    places: list[Target] = given.warden
    trust = trusting(given.warden_ca)
    wardens = [Warden(one.host, one.port, one.name, trust) for one in places]
    # Each pod begins with another one, so that they share the work.
    random.shuffle(wardens)
    return Circuit(Wardens(wardens), tuple(given.closed), tuple(given.neighbour_port))


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= _MOST_PORT):
        raise argparse.ArgumentTypeError(f"a port from 1 to {_MOST_PORT} is accepted; got {text!r}")
    return int(text)
