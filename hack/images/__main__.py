"""Command line: ``python -m images build | digests | push``."""

import argparse
import sys
import time

from images.build import build
from images.command import ImageError
from images.push import push


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m images", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("build", "build images into the cache"),
        (
            "digests",
            "print NAME and digest-pinned reference, one image a line; builds what is missing",
        ),
        ("push", "copy images to a registry; builds what is missing"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("name", nargs="*", help="image, default all")
        if name == "push":
            command.add_argument("--registry", required=True, metavar="HOST:PORT")
            command.add_argument(
                "--plain-http", action="store_true", help="the registry has no TLS"
            )
    return parser.parse_args()


def main() -> int:
    """Run one command."""
    arguments = _arguments()
    begin = time.monotonic()
    try:
        images = build(arguments.name)
        if arguments.command == "push":
            push(images.values(), arguments.registry, plain_http=arguments.plain_http)
    except ImageError as error:
        print(f"images: {error}", file=sys.stderr)
        return 1
    if arguments.command == "digests":
        for name, built in images.items():
            print(name, built.reference)
    else:
        done = f"{len(images)} images ready after {time.monotonic() - begin:.1f} s"
        print(done, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
