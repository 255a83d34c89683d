"""The warden's replicas: any of them may be asked, and one that does not answer is passed over."""

from collections.abc import Iterator, Sequence

from casemate.isolation.client import UnheardError, Warden
from casemate.isolation.proof import Answer, Proof, Verdict


class Wardens:
    """All replicas, and which of them is asked first: the one that answered last."""

    def __init__(self, replicas: Sequence[Warden]) -> None:
        """Ask the first one first.

        Args:
            replicas: At least one; no two of one name.
        """
        self._replicas = tuple(replicas)
        self._preferred = self._replicas[0]

    def __iter__(self) -> Iterator[Warden]:
        """Yield all replicas, the one that is preferred now before the others."""
        others = (one for one in self._replicas if one is not self._preferred)
        return iter((self._preferred, *others))

    def named(self, replica: str) -> Warden | None:
        """Return a replica by its name; None: it is not known."""
        return next((one for one in self._replicas if one.replica == replica), None)

    def prefer(self, warden: Warden) -> None:
        """Ask this one first from now on: it has answered."""
        self._preferred = warden

    def pass_over(self, warden: Warden) -> None:
        """Ask the next one first from now on, if this one would be: it has not answered."""
        if self._preferred is warden:
            at = self._replicas.index(warden) + 1
            self._preferred = self._replicas[at % len(self._replicas)]

    async def ask(self) -> tuple[Warden, Answer]:
        """Ask whether a canary lives; returns who answered, or who was asked last."""
        for warden in self:
            answer = await warden.ask()
            if not answer.problem:
                self.prefer(warden)
                break
        return warden, answer

    async def report(self, proof: Proof, ports: Sequence[int], token: str) -> Proof:
        """Tell one replica what a round proved; returns what it saw from outside.

        Args:
            proof: The round's result.
            ports: Ports of this pod that must be closed to the warden.
            token: This pod's token for the warden.
        """
        why = ""
        for warden in self:
            try:
                said = await warden.report(proof, ports, token)
            except UnheardError as error:
                why = str(error)
                continue
            self.prefer(warden)
            return said
        return Proof(Verdict.INCONCLUSIVE, f"the warden took no report: {why}")
