"""A change of keys, carried out: `casemate warden-rotate` in the wardens' pods, by kubectl."""

import argparse
import json
from enum import IntEnum
from typing import Any

import orjson

from casemate.audit.bundle import BundleError
from casemate.cli import wardens
from casemate.deciding.refusals import NotFound

Json = dict[str, Any]


class Exit(IntEnum):
    """How the command, and the program in a pod, end where a key is changed."""

    DONE = 0
    BEHIND = 4
    """A key is changed; not all other wardens go along with it yet."""


class Rotation:
    """One change of keys, as options ask for it."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Look who there is, and who asks.

        Raises:
            BundleError: kubectl failed, or there is no warden.
            NotFound: A warden that is named is not there.
        """
        self._options = options
        named = ((one, vars(options)[one]) for one in ("kubeconfig", "context"))
        self._kubectl = [options.kubectl, *(f"--{one}={given}" for one, given in named if given)]
        there = wardens.pods(self._kubectl, options.namespace)
        missing = [one for one in options.wardens if one not in there]
        if missing:
            raise NotFound(f"{', '.join(missing)}: there are {', '.join(there)}")
        self._pods = there if options.all else list(dict.fromkeys(options.wardens))
        who = json.loads(wardens.said([*self._kubectl, "auth", "whoami", "-o", "json"]))
        person = who["status"]["userInfo"]
        self._who = (f"--by={person['username']}", f"--uid={person.get('uid', '')}")

    def standing(self) -> list[Json]:
        """Return the keys of each warden.

        Raises:
            BundleError: kubectl or a warden refuses.
        """
        return [self._said(pod) for pod in self._pods]

    def change(self, found: Json) -> Json:
        """Change the key of one warden, unless it is being changed, and wait for the others.

        Raises:
            BundleError: kubectl or the warden refuses.
        """
        key, given = found["keys"][self._options.key], [f"--key={self._options.key}"]
        if "until" not in key:
            given += [
                f"--old={key['id']}",
                f"--overlap={self._options.overlap}",
                f"--reason={self._options.reason}",
            ]
        return self._said(found["replica"], *given, f"--wait={self._options.wait}")

    def _said(self, pod: str, *given: str) -> Json:
        where = (self._kubectl, self._options.namespace, pod)
        options = (*self._who, f"--control={wardens.CONTROL}", *given)
        command = wardens.within(*where, "warden-rotate", *options)
        ran = wardens.done(command)
        if ran.returncode not in set(Exit):
            raise BundleError(pod, wardens.why(command, ran.stderr))
        try:
            said: Json = orjson.loads(ran.stdout)
        except ValueError as error:
            raise BundleError(pod, f"said nothing that can be read: {error}") from error
        return said
