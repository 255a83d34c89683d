"""Which pod holds which address, as the CNI plugin reported it.

Kept in a file, so that a restarted enforcer knows what it knew before. The API server's view is
no substitute: it lags behind both ends of a pod's life, and an address is reused at once.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from ipaddress import IPv4Address
from pathlib import Path

LINK = re.compile(r"[A-Za-z0-9_.-]{1,15}")


@dataclass(frozen=True, slots=True)
class Attachment:
    """One pod's connection to the network.

    Attributes:
        container: the sandbox's id; empty when the pod was found running, not announced.
        link: the pod's interface on the node; empty when it is not known.
    """

    address: str
    namespace: str
    name: str
    uid: str
    container: str = ""
    link: str = ""

    def __post_init__(self) -> None:
        """Refuse what must not reach the filter's text.

        Raises:
            ValueError: for an address that is not IPv4 or a link that is no interface name.
        """
        IPv4Address(self.address)
        if self.link and not LINK.fullmatch(self.link):
            raise ValueError(f"{self.link!r} is not the name of a network interface")


class Registry:
    """The attachments by address."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._by_address: dict[str, Attachment] = {}
        if path.exists():
            items = json.loads(path.read_text(encoding="utf-8"))
            self._by_address = {item["address"]: Attachment(**item) for item in items}

    def __iter__(self) -> Iterator[Attachment]:
        return iter(tuple(self._by_address.values()))

    def add(self, new: Attachment) -> None:
        """Give an address to a pod; whoever held it, or what this pod held before, is forgotten."""
        kept = (old for old in self if old.address != new.address and old.uid != new.uid)
        self._replace([*kept, new])

    def remove(self, container: str, uid: str) -> bool:
        """Forget what a sandbox held, and tell whether it held anything."""
        kept = [old for old in self if not _is_of(old, container, uid)]
        removed = len(kept) != len(self._by_address)
        if removed:
            self._replace(kept)
        return removed

    def holds(self, wanted: Attachment) -> bool:
        """Tell whether exactly this attachment is in."""
        return self._by_address.get(wanted.address) == wanted

    def adopt(self, found: Iterable[Attachment]) -> None:
        """Take in pods that run but were never announced, unless their address is taken.

        This happens once, at the start: the enforcer may be switched on after the pods. Should
        such an address be stale, the next pod to get it announces itself and takes it over.
        """
        uids = {old.uid for old in self}
        new: dict[str, list[Attachment]] = {}
        for item in found:
            if item.uid not in uids and item.address not in self._by_address:
                new.setdefault(item.address, []).append(item)
        sole = [items[0] for items in new.values() if len(items) == 1]
        self._replace([*self, *sole])

    def _replace(self, items: list[Attachment]) -> None:
        self._by_address = {item.address: item for item in items}
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps([asdict(item) for item in items]), encoding="utf-8")
        fresh.replace(self._path)


def _is_of(held: Attachment, container: str, uid: str) -> bool:
    """Tell whether a sandbox holds this; one that was found running is known by its pod."""
    return held.container == container or (not held.container and held.uid == uid)
