"""Build images, several at once, each layer only when its inputs changed."""

import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from images import cache, oci, rootfs
from images.catalog import IMAGES
from images.command import ImageError
from images.steps import LAYER, Built, Image, Step

WORKERS = 2


def select(names: Sequence[str]) -> list[Image]:
    """Return the named images, all when none is named.

    Raises:
        ImageError: A name is unknown.
    """
    unknown = sorted(set(names) - IMAGES.keys())
    if unknown:
        raise ImageError(f"unknown image {', '.join(unknown)}; known are {', '.join(IMAGES)}")
    return [IMAGES[name] for name in (names or IMAGES)]


def build(names: Sequence[str] = ()) -> dict[str, Built]:
    """Build images and return them by name.

    Progress goes to standard error, one line for each thing that had to be made.

    Raises:
        ImageError: An image could not be built.
    """
    images = select(names)
    steps = {step.name: step for image in images for step in image.layers}
    with ThreadPoolExecutor(WORKERS) as pool:
        layers = dict(zip(steps, pool.map(_layer, steps.values()), strict=True))
    return {image.name: _image(image, layers) for image in images}


def _layer(step: Step) -> oci.Blob:
    begin = time.monotonic()
    entry, built = step.cached()
    if built:
        _say(step.name, begin)
    facts = json.loads((entry / "layer.json").read_text())
    return oci.Blob(facts["digest"], facts["size"], entry / LAYER)


def _image(image: Image, layers: dict[str, oci.Blob]) -> Built:
    begin = time.monotonic()
    blobs = [layers[step.name] for step in image.layers]
    key = cache.key(*(blob.digest for blob in blobs), repr(image.config), Path(oci.__file__))

    def write(entry: Path) -> None:
        oci.write_layout(entry, image.name, blobs, image.config, rootfs.architecture())

    layout, built = cache.cached(image.name, key, write)
    if built:
        _say(f"image {image.name} ({sum(blob.size for blob in blobs) >> 20} MiB)", begin)
    return Built(image, layout, oci.read_digest(layout))


def _say(what: str, begin: float) -> None:
    print(f"  built {what:<40} {time.monotonic() - begin:6.1f} s", file=sys.stderr, flush=True)
