"""The packet filter of the network namespace that this process runs in."""

import asyncio
from pathlib import Path

from enclave.netpol.render import FLUSH, TABLE

SETTINGS = tuple(
    Path(f"/proc/sys/net/bridge/bridge-nf-call-{family}") for family in ("iptables", "ip6tables")
)


class FilterError(Exception):
    """The kernel or nft refused; what was in force before still is."""


async def load(text: str) -> None:
    """Put ``text`` in force, as a whole or not at all.

    Raises:
        FilterError: with nft's own words.
    """
    await _nft("-f", "-", stdin=text)


async def flush() -> None:
    """Remove our tables, which opens every pod."""
    await load(FLUSH)


async def present() -> bool:
    """Tell whether our table is there, from an enforcer before us."""
    tables = await _nft("list", "tables")
    return f"table inet {TABLE}" in tables.splitlines()


def see_bridged_packets() -> None:
    """Have packets between pods of this node pass the filter, which the kernel leaves off.

    Raises:
        FilterError: when the kernel lacks br_netfilter or the setting is not to be changed.
    """
    for setting in SETTINGS:
        try:
            setting.write_text("1", encoding="ascii")
        except OSError as error:
            raise FilterError(
                f"cannot set {setting} to 1: {error.strerror}; without it, packets between pods"
                " pass no filter: load the kernel module br_netfilter and run as root"
            ) from error


async def _nft(*arguments: str, stdin: str = "") -> str:
    process = await asyncio.create_subprocess_exec(
        "nft",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(stdin.encode())
    if process.returncode:
        raise FilterError(f"nft {' '.join(arguments)}: {err.decode(errors='replace').strip()}")
    return out.decode()
