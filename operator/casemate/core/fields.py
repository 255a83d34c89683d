"""Who owns which field: `managedFields` read as paths, and values found and removed by path.

The format (`f:` a field, `k:` a list item by its keys, `v:` a set item, `.` the existence of the
item itself) is fieldsV1 of server-side apply.
"""

import copy
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from casemate.core.names import FIELD_MANAGER

Path = tuple[str, ...]

_CONTROLLERS_OWN = ("f:metadata", "f:annotations", "f:deployment.kubernetes.io/revision")
"""The one field outside status that a built-in controller writes into a child of ours."""


class Foreign(NamedTuple):
    """A field of a child that somebody else wrote."""

    manager: str
    time: str
    path: Path


def _leaves(tree: Mapping[str, Any], path: Path = ()) -> Iterator[Path]:
    if not tree:
        yield path
    for key, below in tree.items():
        yield from _leaves(below, (*path, key))


def foreign_fields(managed: Iterable[Mapping[str, Any]]) -> tuple[Foreign, ...]:
    """The fields that are neither ours nor a controller's own, from an object's managedFields.

    Entries of subresources count: metadata can be written by way of `status` too.
    """
    return tuple(
        Foreign(entry.get("manager", ""), entry.get("time", ""), path)
        for entry in managed
        if not is_ours(entry)
        for path in _leaves(entry.get("fieldsV1", {}))
        if path and path[0] != "f:status" and path != _CONTROLLERS_OWN
    )


def own_fields(managed: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """What our own applies own, as the tree that managedFields hold."""
    found = [entry.get("fieldsV1", {}) for entry in managed if is_ours(entry)]
    return found[0] if found else {}


def beyond(tree: Mapping[str, Any], desired: Any, live: Any, path: Path = ()) -> Iterator[Path]:
    """The owned fields that a live object has and a desired one has not."""
    for step, below in tree.items():
        if step == ".":
            continue
        wanted, found = _child(desired, step), _child(live, step)
        if found is not None and wanted is None:
            yield (*path, step)
        elif below and found is not None and found != wanted:
            yield from beyond(below, wanted, found, (*path, step))


def is_ours(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of managedFields is that of our own applies."""
    return entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply"


@lru_cache(maxsize=1024)
def _keys(text: str) -> Mapping[str, Any]:
    """The keys of a list item; the same few are read again and again."""
    found: Mapping[str, Any] = json.loads(text)
    return found


def _child(value: Any, step: str) -> Any:
    """The value below `step`, or None."""
    if step == ".":
        return value
    kind, key = step[:2], step[2:]
    if kind == "f:" and isinstance(value, dict):
        return value.get(key)
    if kind == "k:" and isinstance(value, list):
        wanted = _keys(key)
        return next((i for i in value if wanted.items() <= i.items()), None)
    if kind == "v:" and isinstance(value, list):
        item = json.loads(key)
        return item if item in value else None
    return None


def get(body: Any, path: Path) -> Any:
    """The value at `path`, or None where there is none."""
    for step in path:
        body = _child(body, step)
        if body is None:
            return None
    return body


def without(body: Mapping[str, Any], paths: Iterable[Path]) -> dict[str, Any]:
    """A copy of `body` with the values at `paths` removed, and what is left empty by that."""
    result: dict[str, Any] = copy.deepcopy(dict(body))
    for path in paths:
        _remove(result, path)
    return result


def _remove(body: Any, path: Path) -> None:
    parent, last = get(body, path[:-1]), path[-1]
    value = _child(parent, last)
    if value is None:
        return
    if isinstance(parent, list):
        parent.remove(value)
    else:
        del parent[last.partition(":")[2]]
    if not parent and len(path) > 1:
        _remove(body, path[:-1])


def dotted(path: Path) -> str:
    """A path as people write it: `spec.template.spec.containers[name=engine].image`."""
    text = ""
    for step in path:
        kind, _, key = step.partition(":")
        if kind == "k":
            text += "[" + ",".join(f"{k}={v}" for k, v in json.loads(key).items()) + "]"
        elif kind == "v":
            text += f"[{json.loads(key)}]"
        else:
            text += f".{key}" if text else key
    return text
