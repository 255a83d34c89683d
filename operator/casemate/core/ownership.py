"""Whose an object is: the question behind every write that could take something from somebody."""

from collections.abc import Mapping
from typing import Any

from casemate.api.v1alpha1 import KIND
from casemate.core.fields import is_ours
from casemate.core.observed import Live, Observed


def controller(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The reference to the object that controls this one, or an empty one."""
    owners = body["metadata"].get("ownerReferences", [])
    return next((owner for owner in owners if owner.get("controller")), {})


def belongs_to(observed: Observed, live: Live) -> bool:
    """Whether the object is a child of this very deployment.

    References to owners can be edited, so what our field manager has once applied stays ours: an
    edit of the reference must be repaired like any other, and never be a way out of repair.
    """
    return live.applied or controller(live.body).get("uid") == observed.uid


def is_left_over(observed: Observed, live: Live) -> bool:
    """Whether the object is a child of an earlier deployment of the same name."""
    owner = controller(live.body)
    same_name = (owner.get("kind"), owner.get("name")) == (KIND, observed.name)
    return same_name and owner.get("uid") != observed.uid


def held_by_pods(live: Live) -> bool:
    """Whether pods own the object beside its deployment: it stays until the last of them ends."""
    owners = live.body["metadata"].get("ownerReferences", [])
    return any(owner["kind"] == "Pod" for owner in owners)


def made_for(name: str, live: Live) -> bool:
    """Whether the object was made for a deployment called `name`, be it this one or an earlier.

    Stricter than `belongs_to`, as it decides about deletion: a label can be edited, and must not
    hand the child of one deployment to another, nor somebody else's object to anybody.
    """
    owner = controller(live.body)
    if owner.get("kind") == KIND:
        return bool(owner.get("name") == name)
    return live.applied


def applied_by_us(managed: list[Mapping[str, Any]]) -> bool:
    """Whether our field manager has applied an object, from its managedFields."""
    return any(is_ours(entry) for entry in managed)
