"""Keeps the packet filter equal to what pods, namespaces and policies ask for."""

import asyncio
import logging
import time
from dataclasses import dataclass, replace

from enclave.netpol import nft
from enclave.netpol.compile import compile_snapshot
from enclave.netpol.mirror import Mirror
from enclave.netpol.model import Labels, Pod, Policy, Snapshot
from enclave.netpol.registry import Attachment, Registry
from enclave.netpol.render import render

LOG = logging.getLogger(__name__)
DEBOUNCE = 0.003
"""Seconds to gather changes that come together, such as a policy and its pods."""
RENEWAL = 30.0
"""Seconds after which the rules are written again unchanged, should anything have removed them."""
RETRY = 1.0
"""Seconds to wait after the kernel refused a ruleset."""


@dataclass(frozen=True)
class Mirrors:
    """What is followed at the API server."""

    pods: Mirror[Pod]
    namespaces: Mirror[Labels]
    policies: Mirror[Policy]


class Enforcer:
    """The loop from change to ruleset; everything else calls ``changed`` and awaits ``settled``."""

    def __init__(self, cluster: tuple[str, ...], registry: Registry) -> None:
        self._cluster = cluster
        self._registry = registry
        self._wanted = 0
        self._in_force = 0
        self._wake = asyncio.Event()
        self._progress = asyncio.Condition()

    def changed(self) -> None:
        """Note that the ruleset may have to change."""
        self._wanted += 1
        self._wake.set()

    async def settled(self) -> None:
        """Wait until everything noted so far is in force."""
        wanted = self._wanted
        async with self._progress:
            await self._progress.wait_for(lambda: self._in_force >= wanted)

    async def close(self) -> None:
        """Close every pod, unless rules from an enforcer before us still stand."""
        if not await nft.present():
            await nft.load(render(compile_snapshot(Snapshot(self._cluster))))

    async def run(self, mirrors: Mirrors) -> None:
        """Start from what runs already, then follow every change until cancelled."""
        for mirror in (mirrors.pods, mirrors.namespaces, mirrors.policies):
            await mirror.ready.wait()
        self._registry.adopt(_running(mirrors.pods))
        self.changed()
        last = ""
        while True:
            renew = await self._due()
            wanted = self._wanted
            try:
                last = await self._enforce(self._snapshot(mirrors), last, renew=renew)
            except nft.FilterError:
                LOG.exception("the last rules stay; trying again in %.0f s", RETRY)
                await asyncio.sleep(RETRY)
                self._wake.set()
                continue
            async with self._progress:
                self._in_force = wanted
                self._progress.notify_all()

    async def _due(self) -> bool:
        """Wait for a change, and tell whether it is rather time to renew."""
        try:
            await asyncio.wait_for(self._wake.wait(), RENEWAL)
        except TimeoutError:
            return True
        await asyncio.sleep(DEBOUNCE)
        self._wake.clear()
        return False

    async def _enforce(self, snapshot: Snapshot, last: str, *, renew: bool) -> str:
        """Write the rules if they differ from ``last`` or are to be renewed, and return them."""
        started = time.monotonic()
        ruleset = compile_snapshot(snapshot)
        text = render(ruleset)
        if text != last or renew:
            await nft.load(text)
        if text != last:
            LOG.info(
                "in force after %.0f ms: %d pods, %d closed to receive, %d to send",
                (time.monotonic() - started) * 1000,
                len(ruleset.pods),
                len(ruleset.ingress),
                len(ruleset.egress),
            )
        return text

    def _snapshot(self, mirrors: Mirrors) -> Snapshot:
        attached = list(self._registry)
        return Snapshot(
            cluster=self._cluster,
            pods=tuple(
                replace(pod, address=item.address)
                for item in attached
                if (pod := mirrors.pods.objects.get((item.namespace, item.name)))
                and pod.uid == item.uid
            ),
            namespaces={name: found for (_, name), found in mirrors.namespaces.objects.items()},
            policies=tuple(mirrors.policies.objects.values()),
            links={item.link: item.address for item in attached if item.link},
        )


def _running(pods: Mirror[Pod]) -> list[Attachment]:
    return [
        Attachment(pod.address, pod.namespace, pod.name, pod.uid)
        for pod in pods.objects.values()
        if pod.address
    ]
