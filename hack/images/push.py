"""Copy finished images to a registry, digests unchanged."""

import sys
import time
from collections.abc import Iterable

from images.command import run
from images.steps import Built

TAG_DIGITS = 12


def push(images: Iterable[Built], registry: str, *, plain_http: bool = False) -> None:
    """Push images; what the registry already has is not sent again.

    Args:
        images: What :func:`images.build.build` returned.
        registry: ``HOST:PORT``.
        plain_http: Speak HTTP; only for a registry on this machine.

    Raises:
        ImageError: The registry refused one, or did not answer.
    """
    for built in images:
        begin = time.monotonic()
        _push(built, registry, plain_http=plain_http)
        seconds = time.monotonic() - begin
        print(
            f"  pushed {built.image.repository:<39} {seconds:6.1f} s", file=sys.stderr, flush=True
        )


def _push(built: Built, registry: str, *, plain_http: bool) -> None:
    tag = built.digest.removeprefix("sha256:")[:TAG_DIGITS]  # a registry forgets what no tag names
    run(
        *("skopeo", "copy", "--quiet", "--preserve-digests"),
        *(("--dest-tls-verify=false",) if plain_http else ()),
        f"oci:{built.layout}:{built.image.name}",
        f"docker://{registry}/{built.image.repository}:{tag}",
    )
