"""The socket at which the CNI plugin announces pods: one JSON object a line, each way.

An ``add`` is answered when the pod's policies are in force, not before. The watch alone cannot
promise that, as a policy made before the pod may reach us after it; so the pod, its namespace
and its policies are read afresh, and the answer waits until the copies have caught up with them.
"""

import asyncio
import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from kubernetes.aio import client

from enclave.netpol.enforcer import Enforcer, Mirrors
from enclave.netpol.mirror import Json, RefusedError, read
from enclave.netpol.registry import Attachment, Registry

LOG = logging.getLogger(__name__)
PATIENCE = 8.0
"""Seconds an ``add`` may take; the runtime tries again with a new sandbox."""
RECHECK = 0.05
"""Seconds between two looks at the API server while a copy lags."""


class RejectedError(Exception):
    """The request cannot be met; the message goes to the CNI plugin and the pod's events."""


@dataclass(frozen=True)
class Server:
    """Answers the plugin's requests."""

    api: client.ApiClient
    mirrors: Mirrors
    registry: Registry
    enforcer: Enforcer

    async def listen(self, path: Path) -> asyncio.Server:
        """Open the socket; an old one in its place goes away."""
        return await asyncio.start_unix_server(self._serve, path)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await reader.readline()
            if not line:
                return  # a health check: that we accept is all it asks
            answer = await self._answer(line)
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        except ConnectionError:
            LOG.warning("the CNI plugin hung up before its answer")
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> Json:
        try:
            request = json.loads(line)
            await asyncio.wait_for(self._action(**request), PATIENCE)
        except TimeoutError:
            return {"error": f"the rules were not in force within {PATIENCE:.0f} s"}
        except aiohttp.ClientError as error:
            return {
                "error": f"the API server does not answer, so the policies are unknown: {error}"
            }
        except (RejectedError, RefusedError, ValueError, TypeError, KeyError) as error:
            return {"error": str(error)}
        return {"ok": True}

    async def _action(self, op: str, **fields: Any) -> None:
        match op:
            case "ping":
                pass  # the socket opens no earlier than the rules are in force
            case "add":
                await self._add(Attachment(**fields))
            case "check":
                self._check(Attachment(**fields))
            case "del":
                await self._del(**fields)
            case _:
                raise RejectedError(f"op is {op!r}; known are ping, add, check and del")

    async def _add(self, attachment: Attachment) -> None:
        started = time.monotonic()
        await self._caught_up(attachment)
        self.registry.add(attachment)
        self.enforcer.changed()
        await self.enforcer.settled()
        LOG.info(
            "%s/%s at %s is guarded, %.0f ms after it was announced",
            *(attachment.namespace, attachment.name, attachment.address),
            (time.monotonic() - started) * 1000,
        )

    def _check(self, attachment: Attachment) -> None:
        if not self.registry.holds(attachment):
            raise RejectedError(f"{attachment.address} is not registered for this pod")

    async def _del(self, container: str, uid: str) -> None:
        if self.registry.remove(container, uid):
            self.enforcer.changed()
            await self.enforcer.settled()

    async def _caught_up(self, attachment: Attachment) -> None:
        """Wait until the copies hold the pod, its namespace and its policies as they are now."""
        while True:
            pod, namespace, policies = await self._current(attachment)
            if pod["metadata"]["uid"] != attachment.uid:
                raise RejectedError(
                    f"pod {attachment.namespace}/{attachment.name} has another uid at the API"
                    " server: it was replaced, or it is a static pod, which gets no pod network"
                )
            if (
                self.mirrors.pods.holds(pod)
                and self.mirrors.namespaces.holds(namespace)
                and all(self.mirrors.policies.holds(item) for item in policies["items"])
            ):
                return
            await asyncio.sleep(RECHECK)

    async def _current(self, attachment: Attachment) -> tuple[Any, Any, Any]:
        core, networking = client.CoreV1Api(self.api), client.NetworkingV1Api(self.api)
        space = {"namespace": attachment.namespace}
        return await asyncio.gather(
            read(core.read_namespaced_pod_without_preload_content, name=attachment.name, **space),
            read(core.read_namespace_without_preload_content, name=attachment.namespace),
            read(networking.list_namespaced_network_policy_without_preload_content, **space),
        )
