"""Targets, and a whole round, on a command line."""

import argparse

from casemate.isolation.client import Warden, trusting
from casemate.isolation.rounds import Circuit
from casemate.isolation.targets import Target, parse

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
    add("--warden", required=required, type=target, help="tcp:ADDRESS:PORT=DNS-NAME")
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
    place: Target = given.warden
    warden = Warden(place.host, place.port, place.name, trusting(given.warden_ca))
    return Circuit(warden, tuple(given.closed), tuple(given.neighbour_port))


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= _MOST_PORT):
        raise argparse.ArgumentTypeError(f"a port from 1 to {_MOST_PORT} is accepted; got {text!r}")
    return int(text)
