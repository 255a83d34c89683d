"""The operator hears the warden over real TLS on loopback."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from casemate.cluster.keys import Key
from casemate.cluster.store import Store
from casemate.controller import proofs
from casemate.controller.proofs import Listener, words_of
from casemate.core.isolation import FRESH_SECONDS, Heard, Word, Words, merged
from casemate.core.names import NAME_LABEL
from casemate.isolation.proof import Proof, Verdict
from unit.isolation.place import OPERATOR, POD, Place, free_port, placed

KEY = Key("models", "m")
FINE = Proof(Verdict.ENFORCED, "fine")
BAD = Proof(Verdict.NOT_ENFORCED, "reached the canary")


@dataclass
class Ear:
    """A listener, and the deployments that it marked."""

    place: Place
    store: Store
    listener: Listener
    marked: list[Key]

    def take_marked(self) -> list[Key]:
        found, self.marked[:] = list(self.marked), []
        return found


@pytest.fixture
async def ear(tmp_path: Path) -> AsyncIterator[Ear]:
    async with placed(tmp_path) as place:
        store, marked = Store(), list[Key]()
        meta = {"name": "m-1", "namespace": "models", "uid": POD.uid, "resourceVersion": "5"}
        store.put("Pod", {"metadata": meta | {"labels": {NAME_LABEL: "m"}}})
        token = tmp_path / "operator-token"
        token.write_text(OPERATOR)
        listener = Listener([place.warden], token, store, marked.append)
        yield Ear(place, store, listener, marked)


async def test_what_is_proven_is_known_and_marks_the_deployment(ear: Ear) -> None:
    ear.place.ledger.record(POD, [9090], FINE)
    await ear.listener.begin()
    word = ear.store.words.pods[POD.uid]
    assert (ear.store.words.silent, word.verdict) == ("", "Enforced")
    assert abs(datetime.now(UTC) - word.at) < timedelta(seconds=5)
    assert ear.take_marked() == [KEY]

    await ear.listener.begin()
    assert ear.take_marked() == [], "the same again is no news"
    ear.place.ledger.record(POD, [9090], BAD)
    await ear.listener.begin()
    assert ear.take_marked() == [KEY]
    assert ear.store.words.pods[POD.uid].message == BAD.message


async def test_news_come_while_it_listens(ear: Ear) -> None:
    listening = asyncio.create_task(ear.listener.run())
    try:
        async with asyncio.timeout(10):
            while ear.store.words.silent:  # noqa: ASYNC110  what is waited for has no event
                await asyncio.sleep(0.01)
            ear.place.ledger.record(POD, [9090], BAD)
            while POD.uid not in ear.store.words.pods:  # noqa: ASYNC110  the same
                await asyncio.sleep(0.01)
    finally:
        listening.cancel()


async def test_a_warden_that_goes_is_silent_only_after_a_while(
    ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    ear.place.ledger.record(POD, [9090], FINE)
    await ear.listener.begin()
    ear.take_marked()
    ear.listener._wardens = (replace(ear.place.warden, port=free_port()),)
    await ear.listener.begin()
    assert (ear.store.words.silent, ear.take_marked()) == ("", [])
    monkeypatch.setattr(proofs, "SILENT_SECONDS", 0.0)
    await ear.listener.begin()
    assert ear.store.words.silent == "the warden was not heard for 60 s"
    assert ear.take_marked() == [KEY]
    assert POD.uid in ear.store.words.pods, "what was known stays"
    await ear.listener.begin()
    assert ear.take_marked() == [], "it is told once"
    ear.listener._wardens = (ear.place.warden,)
    await ear.listener.begin()
    assert (ear.store.words.silent, ear.take_marked()) == ("", [KEY])


async def test_without_a_token_the_warden_is_not_heard(ear: Ear, tmp_path: Path) -> None:
    listener = Listener([ear.place.warden], tmp_path / "none", ear.store, ear.marked.append)
    await listener.begin()
    assert ear.store.words.silent


def test_a_warden_that_just_began_has_not_heard_of_all() -> None:
    for up, complete in ((FRESH_SECONDS - 1, False), (FRESH_SECONDS + 1, True)):
        said = {"serial": 1, "up": up, "pods": []}
        assert words_of(said, datetime.now(UTC)).complete is complete


@pytest.mark.parametrize(
    "said",
    [{}, {"pods": [{"uid": "u"}], "up": 1}, {"pods": [], "up": "soon"}],
    ids=str,
)
def test_an_answer_that_is_none_is_refused(said: dict[str, object]) -> None:
    with pytest.raises((KeyError, ValueError, TypeError)):
        words_of(said, datetime.now(UTC))


def said(at: datetime, *, complete: bool = True, **pods: tuple[str, float]) -> Heard:
    """What a replica said of pods: a verdict, and how many seconds before."""
    words = {
        uid: Word("models", uid, verdict, "", at - timedelta(seconds=age))
        for uid, (verdict, age) in pods.items()
    }
    return Heard(at, Words("", words, complete))


def test_of_all_replicas_words_the_newest_on_each_pod_counts() -> None:
    now = datetime.now(UTC)
    one = said(now, a=("Enforced", 60.0), b=("Enforced", 1.0))
    other = said(now, a=("NotEnforced", 2.0), c=("Enforced", 3.0))
    for order in ((one, other), (other, one)):
        found = merged(order, now)
        verdicts = {uid: word.verdict for uid, word in found.pods.items()}
        assert verdicts == {"a": "NotEnforced", "b": "Enforced", "c": "Enforced"}
        assert found.complete


def test_a_pod_that_nobody_names_is_missed_only_once_nobody_can_have_heard_of_it() -> None:
    now = datetime.now(UTC)
    lately, long = (now - timedelta(seconds=FRESH_SECONDS + by) for by in (-1, 1))
    whole = said(now)
    assert not merged([whole, said(now, complete=False)], now).complete, "one just began"
    assert not merged([whole, Heard(lately, Words())], now).complete, "one fell silent lately"
    assert merged([whole, Heard(long, Words())], now).complete, "its pods had time to move"


async def test_one_replica_that_is_away_silences_nobody(ear: Ear) -> None:
    away = replace(ear.place.warden, name="away.svc", port=free_port())
    ear.listener = Listener(
        [away, ear.place.warden], ear.listener._token, ear.store, ear.marked.append
    )
    ear.place.ledger.record(POD, [9090], FINE)
    await ear.listener.begin()
    assert (ear.store.words.silent, list(ear.store.words.pods)) == ("", [POD.uid])
