"""Who else saw a log: witnesses sign only what grew from what they signed before.

Whoever holds a log's key can write it anew and sign it again. They cannot sign for a witness.
"""

from collections.abc import Sequence
from typing import NamedTuple

from casemate.audit.findings import Findings, Severity
from casemate.audit.notes import FormatError, Note, Signature, SignatureError, Verifier, parse_line
from casemate.audit.policy import Policy
from casemate.audit.times import milliseconds
from casemate.audit.verify_keys import KeyChain
from casemate.audit.vkeys import ROLES, public

_SECOND = 1000
_FILE = "checkpoints.jsonl"


class Tail(NamedTuple):
    """The end of a log, behind the last checkpoint that enough witnesses signed.

    Attributes:
        records: How many.
        milliseconds: From the last record that is covered to the log's last.
        names: Who signed.
    """

    records: int
    milliseconds: int
    names: list[str]


class Witnesses:
    """The witnesses that the inspector believes, and the keys that took over from theirs."""

    def __init__(self, policy: Policy, findings: Findings) -> None:
        self._policy, self._findings = policy, findings
        self._trusted = [public(one, ROLES["witness"]) for one in policy.witnesses]
        self._chains: list[KeyChain] = []
        self.strange = Severity.INCOMPLETE if policy.witnesses else Severity.NOTE
        """What a signature by an unknown key is: whoever names witnesses should name them all."""

    def follow(self, chain: KeyChain) -> None:
        """Believe what a replica's log says of its witness key, if it says of a trusted one."""
        self._chains.append(chain)

    def others(self, chain: KeyChain, note: Note) -> list[str]:
        """Return the names of the witnesses that signed a log's checkpoint, but its own.

        One key counts once, whatever names it has.

        Args:
            chain: The log's keys; none of these, nor a name below the log's, is a witness of it.
            note: The checkpoint.

        Raises:
            SignatureError: A line names a witness's key, which did not make it, or not any more.
        """
        names, counted = [], {key.public for key, _ in chain.all()}
        for key in self._saw(note):
            if key.public not in counted and not f"{key.name}/".startswith(f"{chain.name}/"):
                names.append(key.name)
                counted.add(key.public)
        return sorted(set(names))

    def strangers(self, note: Note, keys: Sequence[Verifier]) -> list[Signature]:
        """Return the signatures that are neither by keys of the log nor by known witnesses."""
        known = [*keys, *(key for key, _ in self._keys())]
        lines = (parse_line(line) for line in note.lines)
        return [line for line in lines if not any(key.signed(line) for key in known)]

    def suffice(self, names: Sequence[str]) -> bool:
        """Whether so many witnesses are enough for the policy; none never are."""
        return len(names) >= max(1, self._policy.quorum)

    def enough(self, chain: KeyChain, last: Note, tail: Tail | None) -> list[str]:
        """Make sure that as many witnesses saw a log as the policy asks for; returns who did.

        Args:
            chain: The log's keys.
            last: Its last checkpoint.
            tail: What is behind the last one that enough signed; None: enough never did.
        """
        try:
            names = self.others(chain, last)
        except (SignatureError, FormatError) as error:
            self._findings.broken(chain.pod, None, _FILE, f"the last one: {error}")
            return []
        if len(names) >= self._policy.quorum:
            return names
        if tail is None or not self._policy.unwitnessed_ms:
            told = (
                f"{len(names)} witnesses signed the last checkpoint; {self._policy.quorum} must: "
                "whoever has this log's key may have written it anew"
            )
            self._findings.incomplete(chain.pod, None, _FILE, told)
            return names
        self._tell(chain.pod, tail)
        return tail.names

    def _tell(self, pod: str, tail: Tail) -> None:
        seconds = tail.milliseconds / _SECOND
        told = f"its last {tail.records} records, of {seconds:.0f} s, have no witness yet"
        if tail.milliseconds <= self._policy.unwitnessed_ms:
            self._findings.note(pod, None, _FILE, told)
        else:
            told += ": whoever has this log's key may have written them anew"
            self._findings.incomplete(pod, None, _FILE, told)

    def _saw(self, note: Note) -> list[Verifier]:
        found = []
        for line in note.lines:
            for key, until in self._keys():
                if not key.signed(parse_line(line)):
                    continue
                time = key.verify(note.text, line) * _SECOND
                if until and time > milliseconds(until) + self._policy.skew_ms:
                    raise SignatureError(f"{key.name!r} signed with a key that ended at {until}")
                found.append(key)
        return found

    def _keys(self) -> list[tuple[Verifier, str]]:
        keys = {(key.name, key.key_id): (key, "") for key in self._trusted}
        for chain in self._chains:
            own = chain.all()
            if any((key.name, key.key_id) in keys for key, _ in own):
                keys.update({(key.name, key.key_id): (key, until) for key, until in own})
        return list(keys.values())
