"""The two ways to make an enclave, behind one interface."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from enclave import kind, node
from enclave.errors import EnclaveError
from enclave.health import Part


class Provider(Protocol):
    """What a provider module offers."""

    def up(self, name: str, *, network_policy: bool = True, api_flags: Sequence[str] = ()) -> None:
        """Bring an enclave up, or complete and repair one that runs."""

    def down(self, name: str) -> bool:
        """Remove all of an enclave, and tell whether there was anything."""

    def exists(self, name: str) -> bool:
        """Tell whether there is anything of an enclave."""

    def status(self, name: str) -> Sequence[Part]:
        """Return what runs and what does not."""

    def kubeconfig(self, name: str) -> Path:
        """Return the administrator's kubeconfig."""

    def registry(self, name: str) -> str:
        """Return where the registry takes images, as HOST:PORT."""


PROVIDERS: dict[str, Provider] = {"node": node, "kind": kind}


def existing(name: str) -> Provider:
    """Return the provider of an enclave that exists.

    Raises:
        EnclaveError: No provider has it.
    """
    for provider in PROVIDERS.values():
        if provider.exists(name):
            return provider
    raise EnclaveError(f"there is no enclave {name}: make it with `python -m enclave up`")


def chosen(name: str, asked: str | None) -> Provider:
    """Return the provider to bring an enclave up with.

    One that exists keeps its provider; a new one gets what was asked for, else kind where a
    Docker engine answers, else a node.

    Raises:
        EnclaveError: It exists with another provider than the one asked for.
    """
    for key, provider in PROVIDERS.items():
        if provider.exists(name):
            if asked not in (None, key):
                raise EnclaveError(
                    f"enclave {name} exists with provider {key}: take it down first, or use"
                    " another --name"
                )
            return provider
    return PROVIDERS[asked or ("kind" if kind.available() else "node")]
