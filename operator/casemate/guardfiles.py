"""The files that the guard ships with: its bundle."""

from importlib import resources


def shipped() -> bytes:
    """Return the bundle of this version."""
    return (resources.files("casemate") / "guard_bundle" / "bundle.bin").read_bytes()
