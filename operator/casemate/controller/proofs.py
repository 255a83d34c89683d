"""Hears from the warden what is proven of which pod, and marks the deployments that change."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from casemate import telemetry
from casemate.cluster.keys import Key
from casemate.cluster.records import POD
from casemate.cluster.store import Store
from casemate.core import isolation
from casemate.core.isolation import Heard, Word, Words, merged
from casemate.isolation.client import PROOFS_PATH, Request, UnheardError, Warden

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 15.0
"""How long an answer may take: the warden leaves a question without news open for ten."""
FIRST_SECONDS = 2.0
"""How long the first may take: who begins to lead has more to do than to hear the warden."""
RETRY_SECONDS = 2.0
SILENT_SECONDS = 60.0
"""How long the warden may be silent before the status says so."""
_SILENT = f"the warden was not heard for {SILENT_SECONDS:.0f} s"


class Listener:
    """Keeps `store.words` true: asks every replica, since a pod reports to any of them."""

    def __init__(
        self,
        wardens: Sequence[Warden],
        token: Path | None,
        store: Store,
        changed: Callable[[Key], None],
    ) -> None:
        self._wardens, self._token = tuple(wardens), token
        self._store, self._changed = store, changed
        self._heard = self._asked = datetime.now(UTC)
        self._said = {one.replica: Heard(self._heard, Words()) for one in self._wardens}

    async def begin(self) -> None:
        """Asks each once, so that first decisions are made with what is known."""
        await asyncio.gather(*(self._ask(one, -1, FIRST_SECONDS) for one in self._wardens))

    async def run(self) -> None:
        """Asks for ever; an answer comes at once where there is news."""
        async with asyncio.TaskGroup() as tasks:
            for one in self._wardens:
                tasks.create_task(self._listen(one))

    async def _listen(self, warden: Warden) -> None:
        serial = -1
        while True:
            serial = await self._ask(warden, serial)
            if serial < 0:
                await asyncio.sleep(RETRY_SECONDS)

    async def _ask(self, warden: Warden, serial: int, seconds: float = ANSWER_SECONDS) -> int:
        """Returns the serial number of the answer, or -1 when there was none."""
        try:
            request = Request(f"{PROOFS_PATH}?since={serial}", _text(self._token))
            said = await warden.exchange(request, seconds)
            now = datetime.now(UTC)
            self._said[warden.replica] = Heard(now, words_of(said, now))
            self._take(merged(self._said.values(), now), now)
            return int(said["serial"])
        except (UnheardError, OSError, ValueError, TypeError, KeyError) as error:
            why = f"{warden.replica}: {str(error) or type(error).__name__}"
            self._missed(why, datetime.now(UTC))
            return -1

    def _take(self, words: Words, now: datetime) -> None:
        before, self._store.words = self._store.words, words
        self._heard = now
        telemetry.WARDEN_HEARD.set(now.timestamp())
        if before.silent:
            logger.info("the warden is heard")
            self._everywhere()
            return
        for uid in before.pods.keys() | words.pods.keys():
            old, new = before.pods.get(uid), words.pods.get(uid)
            if _kind(old, self._asked) != _kind(new, now):
                self._tell(new or old)
        self._asked = now

    def _missed(self, why: str, now: datetime) -> None:
        if now - self._heard < timedelta(seconds=SILENT_SECONDS) or self._store.words.silent:
            return
        # Nothing of the reason: it would rewrite every status at each other way of not answering.
        logger.warning("the warden is silent: %s", why)
        self._store.words = replace(self._store.words, silent=_SILENT)
        self._everywhere()

    def _everywhere(self) -> None:
        for key in list(self._store.keys()):
            self._changed(key)

    def _tell(self, word: Word | None) -> None:
        key = word and self._store.home(POD, word.namespace, word.pod)
        if key:
            self._changed(key)


def words_of(said: Mapping[str, Any], now: datetime) -> Words:
    """Read an answer; ages become times of our own clock.

    Raises:
        ValueError, TypeError, KeyError: It is none.
    """
    pods = {
        str(one["uid"]): Word(
            namespace=str(one["namespace"]),
            pod=str(one["name"]),
            verdict=str(one["verdict"]),
            message=str(one["message"]),
            at=now - timedelta(seconds=float(one["age"])),
        )
        for one in said["pods"]
    }
    # A warden that began a moment ago has not heard yet of all pods that serve.
    return Words("", pods, complete=float(said["up"]) > isolation.FRESH_SECONDS)


def _kind(word: Word | None, now: datetime) -> tuple[object, ...]:
    """What of a word makes a difference: a time does only every few minutes."""
    if word is None:
        return ()
    step = int(word.at.timestamp() // isolation.REFRESH_SECONDS)
    return (word.verdict, word.message, word.old(now), step)


def _text(path: Path | None) -> str:
    if path is None:
        raise UnheardError("no token for the warden was given")
    return path.read_text("ascii").strip()
