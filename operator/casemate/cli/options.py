"""Options and exit statuses that the commands about a cluster share. Loads no client."""

import argparse
from enum import IntEnum

FORMS = ("text", "json", "yaml", "name")
_PREFIX = "approvalrequest"


class Exit(IntEnum):
    """How a command ends."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    NOT_FOUND = 3
    ENDED = 4
    UNREADABLE = 5
    INTERRUPTED = 130


EXITS = (
    "exit status: 0 done, 1 refused by the API server or no answer from it, 2 wrong usage,"
    " 3 not found, 4 the request has ended, 5 its content could not be read"
)


def parser(name: str, about: str, exits: str = EXITS) -> argparse.ArgumentParser:
    """Return the parser of a command, with the options that say which cluster.

    Args:
        name: Of the command, behind `kubectl casemate`.
        about: What it does.
        exits: What its exit statuses mean.
    """
    made = argparse.ArgumentParser(
        f"kubectl casemate {name}", description=about, epilog=exits, allow_abbrev=False
    )
    made.add_argument("--kubeconfig", metavar="FILE", help="instead of $KUBECONFIG")
    made.add_argument("--context", metavar="NAME", help="instead of the current context")
    return made


def namespaced(made: argparse.ArgumentParser, *, every: bool = False) -> None:
    """Add which namespace; `every`: or all of them."""
    made.set_defaults(all_namespaces=False)
    one = made.add_mutually_exclusive_group()
    one.add_argument(
        "-n", "--namespace", metavar="NAMESPACE", help="instead of that of the context"
    )
    if every:
        one.add_argument("-A", "--all-namespaces", action="store_true", help="look in all")


def output(made: argparse.ArgumentParser, *forms: str) -> None:
    """Add in which form to print: one of some forms, or of all."""
    made.add_argument("-o", "--output", choices=forms or FORMS, default="text")


def reason(made: argparse.ArgumentParser) -> None:
    """Add why somebody does something; nothing is done without."""
    made.add_argument(
        "--reason", required=True, metavar="TEXT", help="why: one line of 10 to 1000 characters"
    )


def request_name(text: str) -> str:
    """Return a request's name, given alone or as `-o name` prints it."""
    kind, slash, name = text.rpartition("/")
    known = kind.partition(".")[0].rstrip("s") == _PREFIX
    if not name or (slash and not known):
        raise argparse.ArgumentTypeError(f"{text!r} is no name of an ApprovalRequest")
    return name
