"""Kill switches as people set and lift them, as themselves: admission says who may."""

import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson

from casemate.api.persons import Person
from casemate.api.v1alpha1 import API_VERSION
from casemate.cluster.client import Answer, Client
from casemate.cluster.errors import Transient
from casemate.cluster.kinds import KILL_SWITCH, MODEL_DEPLOYMENT, USAGE_AGREEMENT
from casemate.core.decisions import same_person
from casemate.core.names import LIFT_ANNOTATION
from casemate.deciding.desk import Desk
from casemate.deciding.refusals import Away, NotFound, Refused, refusal
from casemate.deciding.seen import plain
from casemate.deciding.tables import span

COLUMNS = ("NAME", "SCOPE", "STOPS", "AGE", "BY", "REASON")
_MERGE = "application/merge-patch+json"
_NO_SUCCESS = frozenset(range(400, 429))
_NAME_BYTES = 4

Json = dict[str, Any]


class Switchboard:
    """The kill switches, and what one person does with them."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def all(self) -> list[Json]:
        """Return all switches, the oldest first."""
        found: list[Json] = (await self._ask("GET", KILL_SWITCH.path()))["items"]
        kind = {"apiVersion": API_VERSION, "kind": KILL_SWITCH.kind}
        return sorted(({**kind, **one} for one in found), key=_age)

    async def missing(self, scope: Mapping[str, Any]) -> bool:
        """Say whether what is to be stopped is not there, as far as this person may look.

        Args:
            scope: `scope`, and `deployment` or `agreementRef`, as in a KillSwitch.
        """
        if (target := scope.get("deployment")) is not None:
            path = MODEL_DEPLOYMENT.path(target["namespace"], target["name"])
        elif (agreement := scope.get("agreementRef")) is not None:
            path = USAGE_AGREEMENT.path(None, agreement["name"])
        else:
            return False
        return (await self._send("GET", path)).code == HTTPStatus.NOT_FOUND

    async def stop(self, scope: Mapping[str, Any], reason: str) -> Json:
        """Set a switch, in our own name; return it.

        Args:
            scope: As of `missing`.
            reason: Why: one line of 10 to 1000 characters.

        Raises:
            Refused: We may not.
            Away: It is not known whether anything is stopped.
        """
        me = await Desk(self._client).whoami()
        stopper = {"username": me.username, "uid": me.uid}
        # Named here: sent again after no answer, it is the same switch, and never a second one.
        name = f"stop-{secrets.token_hex(_NAME_BYTES)}"
        body = {
            "apiVersion": API_VERSION,
            "kind": KILL_SWITCH.kind,
            "metadata": {"name": name},
            "spec": {**scope, "reason": reason, "stoppedBy": stopper},
        }
        answer = await self._send("POST", KILL_SWITCH.path(), body)
        if answer.code == HTTPStatus.CONFLICT:
            return await self._ask("GET", KILL_SWITCH.path(None, name))
        return _checked(answer)

    async def lift(self, name: str, reason: str) -> Json:
        """Take a switch away that somebody else set; return it as it was last.

        Raises:
            NotFound: There is none of that name.
            Refused: We set it ourselves, or may not, or it changed meanwhile.
        """
        where = KILL_SWITCH.path(None, name)
        try:
            found = await self._ask("GET", where)
        except NotFound:
            raise NotFound(f"there is no KillSwitch {name}") from None
        me = await Desk(self._client).whoami()
        stopper = Person.model_validate(found["spec"]["stoppedBy"])
        if same_person(me, stopper):
            text = f"{stopper.username} stopped it, and that is you: another person lifts it"
            raise Refused(text)
        note = {LIFT_ANNOTATION: f"{me.username}: {reason}"}
        noted = await self._ask("PATCH", where, {"metadata": {"annotations": note}}, _MERGE)
        # What goes is the very switch that has our note: it tells the wardens who lifted it.
        meta = noted["metadata"]
        wanted = {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}
        gone = await self._send("DELETE", where, {"preconditions": wanted})
        if gone.code == HTTPStatus.CONFLICT:
            raise Refused(f"somebody else changed {name} just now: look at it, and lift it again")
        # Sent again after no answer, it is gone already.
        if gone.code != HTTPStatus.NOT_FOUND:
            _checked(gone)
        return noted

    async def _ask(
        self, method: str, path: str, body: Json | None = None, media: str = "application/json"
    ) -> Answer:
        return _checked(await self._send(method, path, body, media))

    async def _send(
        self, method: str, path: str, body: Json | None = None, media: str = "application/json"
    ) -> Answer:
        try:
            return await self._client.request(
                method, path, body=body, content_type=media, accept=_NO_SUCCESS
            )
        except (Transient, orjson.JSONDecodeError) as error:
            raise Away(f"the API server could not answer: {error}") from error


def target(switch: Mapping[str, Any]) -> str:
    """Return what a switch stops, as people say it."""
    spec = switch["spec"]
    if "deployment" in spec:
        return f"{spec['deployment']['namespace']}/{spec['deployment']['name']}"
    return str(spec.get("agreementRef", {}).get("name", "everything"))


def row(switch: Mapping[str, Any], age: Any) -> dict[str, str]:
    """Return the columns of a switch; every value is safe to show."""
    spec = switch["spec"]
    cells = (
        switch["metadata"]["name"],
        spec["scope"],
        target(switch),
        span(age),
        spec["stoppedBy"]["username"],
        spec["reason"],
    )
    return dict(zip(COLUMNS, map(plain, cells), strict=True))


def _checked(answer: Answer) -> Answer:
    if answer.code >= HTTPStatus.BAD_REQUEST:
        raise refusal(answer, answer.code)
    return answer


def _age(one: Mapping[str, Any]) -> tuple[str, str]:
    return one["metadata"]["creationTimestamp"], one["metadata"]["name"]
