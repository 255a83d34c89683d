"""Hand out slots: small numbers that keep the addresses of several enclaves apart."""

import re
from pathlib import Path

from enclave import paths
from enclave.commands import run
from enclave.errors import EnclaveError
from enclave.layout import SLOTS, Layout

_CLAIM = re.compile(r"\.slot-(\d+)")


def _claims() -> dict[int, str]:
    if not paths.STATE_ROOT.is_dir():
        return {}
    found = ((_CLAIM.fullmatch(path.name), path) for path in paths.STATE_ROOT.iterdir())
    return {int(match[1]): path.read_text() for match, path in found if match}


def find(name: str) -> Layout | None:
    """Return the layout of an enclave that has a slot, running or not."""
    for slot, owner in _claims().items():
        if owner == name:
            return Layout(name, slot)
    return None


def names() -> list[str]:
    """Return the names of all enclaves that have a slot."""
    return sorted(_claims().values())


def claim(name: str) -> Layout:
    """Return the enclave's layout, with a free slot taken when it has none.

    Raises:
        EnclaveError: All slots are taken.
    """
    if found := find(name):
        return found
    paths.STATE_ROOT.mkdir(parents=True, exist_ok=True)
    used = set(re.findall(r"inet (10\.89\.\d+)\.", run(["ip", "-4", "-oneline", "address"])))
    for slot in range(SLOTS):
        if f"10.89.{slot}" not in used and _take(_path(slot), name):
            return Layout(name, slot)
    raise EnclaveError(
        f"all {SLOTS} enclave slots (networks 10.89.N.0/24) are taken, by"
        f" {', '.join(names()) or 'addresses of this machine'}: take an enclave down first"
    )


def release(layout: Layout) -> None:
    """Give the slot back; the last one takes the folder with it."""
    _path(layout.slot).unlink(missing_ok=True)
    _unfinished(layout.name).unlink(missing_ok=True)
    for root in (paths.STATE_ROOT, paths.RUN_ROOT):
        if root.is_dir() and not any(root.iterdir()):
            root.rmdir()


def _path(slot: int) -> Path:
    return paths.STATE_ROOT / f".slot-{slot}"


def _unfinished(name: str) -> Path:
    return paths.STATE_ROOT / f".claim-{name}"


def _take(path: Path, name: str) -> bool:
    """Create the claim with its content in one step, so that a crash leaves none without."""
    unfinished = _unfinished(name)
    unfinished.write_text(name)
    try:
        path.hardlink_to(unfinished)
    except FileExistsError:
        return False
    finally:
        unfinished.unlink()
    return True
