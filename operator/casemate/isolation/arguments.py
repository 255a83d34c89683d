"""Targets on a command line."""

import argparse

from casemate.isolation.targets import Target, parse


def target(text: str) -> Target:
    """Read a target for argparse, whose message then says what is accepted.

    Raises:
        ArgumentTypeError: It is none.
    """
    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
