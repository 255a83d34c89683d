"""People in API objects, by what the API server calls them, and names made from theirs."""

from typing import Annotated

from pydantic import Field

from casemate.api.model import ApiModel, Plain

UserUid = Annotated[str, Field(max_length=256)]


class Person(ApiModel):
    """Somebody as the API server knows them."""

    username: Plain
    """User name."""
    uid: UserUid = ""
    """User's uid; empty where the cluster's authentication gives none."""


class Approver(ApiModel):
    """Somebody who decides."""

    username: Plain
    """User name, as `kubectl auth whoami` tells it."""
    uid: UserUid = ""
    """User's uid, likewise; empty where there is none."""
    groups: Annotated[list[Plain], Field(max_length=256)] = Field(default=[])
    """Groups by which they have the right, of those that `kubectl auth whoami` tells."""


def spelled_name(username: str) -> str:
    """Return a user name as part of an object's name: two user names never give the same.

    Lower-case letters and digits stay; any other character becomes `-` and its UTF-8 in hex, which
    says itself how long it is.
    """
    return "".join(map(_spelled, username))


def _spelled(character: str) -> str:
    plain = "a" <= character <= "z" or "0" <= character <= "9"
    return character if plain else f"-{character.encode().hex()}"


def spelled_in_cel(username: str) -> str:
    """Return the CEL text that spells a user name in the same way."""
    plain = "c >= 'a' && c <= 'z' || c >= '0' && c <= '9'"
    return f"{username}.split('').map(c, {plain} ? c : '-' + '%x'.format([c])).join('')"
