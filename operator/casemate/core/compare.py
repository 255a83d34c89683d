"""Whether a live child still is what we want, and if not, where it differs and by whose hand."""

from collections.abc import Mapping
from math import ceil
from typing import Any, NamedTuple

from casemate.api.quantities import amount
from casemate.core import fields
from casemate.core.fields import Path
from casemate.core.names import DIGEST_ANNOTATION
from casemate.core.observed import Live

_DIGEST_PATH: Path = ("f:metadata", "f:annotations", f"f:{DIGEST_ANNOTATION}")


class Difference(NamedTuple):
    """Where a live child differs from the desired one."""

    outdated: bool
    """We want something else than what we applied last: a change of ours, no drift."""
    changed: tuple[str, ...]
    """Our fields that have another value (dotted paths)."""
    added: tuple[Path, ...]
    """Fields that others added and that we do not want."""
    managers: tuple[str, ...]
    """Who did it, where managedFields tell."""

    def added_names(self) -> tuple[str, ...]:
        """The added fields as people write them."""
        return tuple(fields.dotted(path) for path in self.added)

    def __bool__(self) -> bool:
        return bool(self.outdated or self.changed or self.added)


def difference(desired: Mapping[str, Any], live: Live) -> Difference:
    """Compares a desired object with the live one; server defaults are no difference."""
    changed = list(_changed(desired, live.body, ""))
    added: list[Path] = []
    managers: set[str] = set()
    for manager, _, path in live.foreign:
        wanted, found = fields.get(desired, path), fields.get(live.body, path)
        if wanted is None and found is not None:
            new = path[:-1] if path[-1] == "." else path
            # The whole of an added item comes before its parts, which then need no mention.
            if not any(new[: len(known)] == known for known in added):
                added.append(new)
        elif _same(wanted, found, fields.dotted(path)) or path[-1] == ".":
            continue
        else:
            changed.append(fields.dotted(path))
        managers.add(manager)
    touched = any(path == _DIGEST_PATH for _, _, path in live.foreign)
    outdated = not touched and _digest(desired) != _digest(live.body)
    if not outdated:
        # Somebody applied under our name: what our own applies own is never more than we want.
        added += fields.beyond(live.owned, desired, live.body)
    return Difference(
        outdated=outdated,
        changed=tuple(dict.fromkeys(changed)),
        added=tuple(added),
        managers=tuple(sorted(managers)),
    )


def _digest(body: Mapping[str, Any]) -> str | None:
    found = body["metadata"].get("annotations", {}).get(DIGEST_ANNOTATION)
    return None if found is None else str(found)


def _changed(desired: Any, live: Any, path: str) -> list[str]:
    if desired == live:
        return []
    if isinstance(desired, Mapping):
        if not isinstance(live, Mapping):
            return [] if not desired and live is None else [path]
        return [
            found
            for key, value in desired.items()
            for found in _changed(value, live.get(key), f"{path}.{key}" if path else key)
        ]
    if isinstance(desired, list):
        if not isinstance(live, list) or len(live) != len(desired):
            return [] if not desired and live is None else [path]
        return [
            found
            for index, value in enumerate(desired)
            for found in _changed(value, live[index], f"{path}[{index}]")
        ]
    return [] if _same(desired, live, path) else [path]


def _same(desired: Any, live: Any, path: str) -> bool:
    """Whether two plain values are equal, as far as the API server keeps how they are written."""
    if desired == "" and live is None:
        # It leaves out an empty value of a variable, but keeps an empty label of a selector.
        return path.endswith(".value")
    if ".resources." in path and isinstance(live, str | int):
        return _thousandths(desired) == _thousandths(live)  # it writes 1000m as 1
    return bool(desired == live)


def _thousandths(quantity: int | str) -> int | None:
    number = amount(quantity)
    return None if number is None else ceil(number * 1000)  # it rounds up to these
