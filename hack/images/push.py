"""Copy finished images to a registry, digests unchanged."""

import sys
import time
from collections.abc import Sequence

from images import oci
from images.build import select
from images.command import run
from images.steps import Image

TAG_DIGITS = 12


def push(registry: str, names: Sequence[str] = (), *, plain_http: bool = False) -> None:
    """Push images; what the registry already has is not sent again.

    Args:
        registry: ``HOST:PORT``.
        names: Images to push, all when empty.
        plain_http: Speak HTTP; only for a registry on this machine.

    Raises:
        ImageError: An image is not built, or the registry refused it.
    """
    for image in select(names):
        begin = time.monotonic()
        _push(image, registry, plain_http=plain_http)
        seconds = time.monotonic() - begin
        print(f"  pushed {image.repository:<39} {seconds:6.1f} s", file=sys.stderr, flush=True)


def _push(image: Image, registry: str, *, plain_http: bool) -> None:
    digest = oci.read_digest(image.layout())
    tag = digest.removeprefix("sha256:")[:TAG_DIGITS]  # a registry forgets what no tag names
    run(
        *("skopeo", "copy", "--quiet", "--preserve-digests"),
        *(("--dest-tls-verify=false",) if plain_http else ()),
        f"oci:{image.layout()}:{image.name}",
        f"docker://{registry}/{image.repository}:{tag}",
    )
