"""The memory of what the API server showed, trimmed: passes read it instead of asking again."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from casemate.api.v1alpha1 import KIND
from casemate.cluster.glass import Ledger
from casemate.cluster.keys import Key, TermsKey
from casemate.cluster.records import POD, Record, record_of, version_of
from casemate.cluster.switches import Switches
from casemate.cluster.terms import TermsStore
from casemate.core.isolation import Words
from casemate.core.names import NAME_LABEL
from casemate.core.observed import Contest, Live, Observed, Ref, Trouble
from casemate.core.pods import pod_of

_TOMBSTONES = 10_000
"""How many deletions are remembered, so that a late answer revives nothing."""


class Store:
    """All known ModelDeployments, each with its children."""

    def __init__(self) -> None:
        self._objects: dict[Key, dict[Ref, Record]] = {}
        self._deleted: OrderedDict[tuple[Key, Ref], int] = OrderedDict()
        self._homes: dict[tuple[str, Ref], Key] = {}
        self.unseen: dict[tuple[Key, Ref], int] = {}
        """Versions known from answers and lists that no watch has shown yet."""
        self.terms = TermsStore()
        self.switches = Switches()
        self.glass = Ledger()
        self.words = Words()
        """What the warden says of pods."""
        self.touched: set[TermsKey] = set()
        """Agreements and suppliers whose counts deployments have changed; taken by who looks."""

    def put(
        self,
        kind: str,
        body: Mapping[str, Any],
        *,
        watched: bool = False,
        home: Key | None = None,
    ) -> Key | None:
        """Takes in an object as the API server showed it; its key if that was news.

        Args:
            kind: The object's kind.
            body: The object.
            watched: Whether a watch showed it, and no list or answer.
            home: The deployment that it was written for, where that is known for certain.
        """
        key, ref = self._place(kind, body)
        if home is not None and home != key:
            self._move(ref, key, home)
            key = home
        if not key.name:
            return None
        version = version_of(body)
        if watched:
            self._seen(key, ref, version)
        known = self._objects.get(key, {}).get(ref)
        newest = known.version if known else self._deleted.get((key, ref), -1)
        if newest >= version:
            return None
        if not watched:
            self.unseen[key, ref] = version
        self._objects.setdefault(key, {})[ref] = record_of(kind, body)
        self._homes[key.namespace, ref] = key
        if kind == KIND:
            self.touched |= self.terms.tie(key, body)
        elif kind != POD:
            self.glass.look(key, ref, body["metadata"])
        return key

    def _place(self, kind: str, body: Mapping[str, Any]) -> tuple[Key, Ref]:
        """The deployment that an object belongs to: where it was first seen, whatever it says now.

        Labels can be edited; an edit must reach the deployment whose child it was.
        """
        meta = body["metadata"]
        ref = Ref(kind, meta["name"])
        name = meta["name"] if kind == KIND else meta.get("labels", {}).get(NAME_LABEL, "")
        return self._homes.get((meta["namespace"], ref), Key(meta["namespace"], name)), ref

    def _move(self, ref: Ref, old: Key, new: Key) -> None:
        """Brings home an object whose label said something else when it was first seen."""
        objects = self._objects.get(old, {})
        if ref not in objects:
            return
        self._objects.setdefault(new, {})[ref] = objects.pop(ref)
        self._homes[new.namespace, ref] = new
        if not objects:
            del self._objects[old]
        if (old, ref) in self.unseen:
            self.unseen[new, ref] = self.unseen.pop((old, ref))

    def _seen(self, key: Key, ref: Ref, version: int) -> None:
        if self.unseen.get((key, ref), version + 1) <= version:
            del self.unseen[key, ref]

    def drop(self, kind: str, body: Mapping[str, Any]) -> Key | None:
        """Takes in that a watch showed an object's end; its key if that was news."""
        key, ref = self._place(kind, body)
        self._seen(key, ref, version_of(body))
        known = self._objects.get(key, {}).get(ref)
        newest = known.version if known else self._deleted.get((key, ref), -1)
        if newest >= version_of(body):
            return None
        if kind not in (KIND, POD):
            # A note that was written just before the end may be seen with it for the first time.
            self.glass.look(key, ref, body["metadata"])
        if known is None:
            self.glass.forget(key, ref)
            return key if self.glass.has_news(key) else None
        self._forget(key, ref, version_of(body))
        return key

    def keep_only(self, kind: str, uids: set[str], version: int) -> set[Key]:
        """Forgets every object of a kind that a complete list at `version` did not show."""
        gone = [
            (key, ref)
            for key, objects in self._objects.items()
            for ref, record in objects.items()
            if ref.kind == kind and record.uid not in uids and record.version <= version
        ]
        for key, ref in gone:
            self._forget(key, ref, version)
        return {key for key, _ in gone}

    def _forget(self, key: Key, ref: Ref, version: int) -> None:
        objects = self._objects[key]
        del objects[ref]
        del self._homes[key.namespace, ref]
        if ref.kind == KIND:
            self.touched |= self.terms.tie(key, None)
        self.glass.forget(key, ref)
        # A watch that starts over never shows this end: nothing is left to wait for.
        self.unseen.pop((key, ref), None)
        if not objects:
            del self._objects[key]
        self._deleted[key, ref] = version
        self._deleted.move_to_end((key, ref))
        if len(self._deleted) > _TOMBSTONES:
            self._deleted.popitem(last=False)

    def keys(self) -> list[Key]:
        """Every deployment that exists or has children."""
        return list(self._objects)

    def under(self, switch: Mapping[str, Any]) -> list[Key]:
        """The deployments that a kill switch may stop; all, unless it names one."""
        one = switch.get("spec", {}).get("deployment")
        if one is None:
            return self.keys()
        key = Key(str(one.get("namespace")), str(one.get("name")))
        return [key] if key in self._objects else []

    def conditions(self) -> Iterator[tuple[Key, list[dict[str, str]]]]:
        """The conditions in the status of every deployment."""
        for key, objects in self._objects.items():
            record = objects.get(Ref(KIND, key.name))
            if record is not None:
                yield key, orjson.loads(record.text).get("status", {}).get("conditions", [])

    def gather(
        self,
        key: Key,
        trouble: Trouble | None = None,
        contests: Mapping[Ref, Contest] | None = None,
    ) -> Observed | None:
        """A snapshot of one deployment, or None when it does not exist."""
        record = self._objects.get(key, {}).get(Ref(KIND, key.name))
        if record is None:
            return None
        body = orjson.loads(record.text)
        pods = self._pods(key)
        return Observed(
            name=key.name,
            namespace=key.namespace,
            body=body,
            children=self.children(key),
            pods=tuple(map(pod_of, pods)),
            pod_troubles=tuple(
                f"pod {one['metadata']['name']}: {one['trouble']}" for one in pods if one["trouble"]
            ),
            words=self.words,
            terms=self.terms.terms_of(key),
            switches=self.switches.known(),
            contests=contests or {},
            trouble=trouble,
        )

    def has_pods(self, key: Key) -> bool:
        """Whether a deployment has pods, be it there itself or not."""
        return any(ref.kind == POD for ref in self._objects.get(key, {}))

    def _pods(self, key: Key) -> list[dict[str, Any]]:
        """Its pods as they are remembered, by name."""
        pods = {ref.name: one for ref, one in self._objects[key].items() if ref.kind == POD}
        return [orjson.loads(pods[name].text) for name in sorted(pods)]

    def home(self, kind: str, namespace: str, name: str) -> Key | None:
        """The deployment that an object belongs to, if it is known."""
        return self._homes.get((namespace, Ref(kind, name)))

    def children(self, key: Key) -> dict[Ref, Live]:
        """The children of one deployment, whether it exists or not."""
        return {
            ref: Live(
                body=orjson.loads(record.text),
                foreign=record.foreign,
                owned=orjson.loads(record.owned),
                applied=record.applied,
            )
            for ref, record in self._objects.get(key, {}).items()
            if ref.kind not in (KIND, POD)
        }
