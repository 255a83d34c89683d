"""Evidence of two wardens, as an export holds it: made whole, for tests to forge."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from io import BytesIO
from random import Random
from typing import Any, BinaryIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from casemate.api.agreement import UsageAgreementSpec
from casemate.audit import bundle as files
from casemate.audit import policy, sealing
from casemate.audit.bundle import Bundle, BundleError, Manifest
from casemate.audit.canonical import canonical_record
from casemate.audit.checkpoint import Checkpoint
from casemate.audit.merkle import leaf_hash, root
from casemate.audit.notes import Kind, Note, Signer
from casemate.audit.policy import Policy
from casemate.audit.verify_keys import STATEMENT
from casemate.core.digests import digest_of, encoded

CLUSTER = "casemate.dev/warden/0b6c"
PODS = ("casemate-warden-0", "casemate-warden-1")
START_MS = 1_800_000_000_000
BUNDLE_DIGEST = f"sha256:{'b' * 64}"
POLICY_DIGEST = f"sha256:{'c' * 64}"
ANA, BEN, CYD, DAN = (
    {"username": f"{name}@example.org", "uid": f"u-{name}"} for name in ("ana", "ben", "cyd", "dan")
)
DEPLOYMENT = {"namespace": "plans", "name": "writer", "uid": "d-1"}
HEX = "0123456789abcdef" * 4
TERMS: dict[str, Any] = {
    "reference": "A-12",
    "parties": [{"name": "City", "role": "customer"}],
    "term": {"start": "2026-01-01T00:00:00Z", "end": "2030-01-01T00:00:00Z"},
    "allowedUses": [{"id": "logistics", "description": "logistics"}],
    "registries": ["registry.example.org"],
    "suppliers": ["acme"],
    "capacity": {"maxReplicas": 3},
    "accountable": {"office": "Logistics", "name": "Ana", "contact": "ana@example.org"},
}


def text(ms: int) -> str:
    whole = datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{ms % 1000:03d}Z"


def key(seed: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(sha256(seed.encode()).digest())


@dataclass
class Log:
    """One replica's log, with its keys."""

    pod: str
    leaves: list[bytes] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    """Sizes at which checkpoints were made."""
    notes: list[str] = field(default_factory=list)
    contents: list[tuple[int, str, bytes]] = field(default_factory=list)
    boot: str = ""
    boots: int = 0
    back_ms: int = 0
    """By how much its clock is behind."""
    keys: list[Signer] = field(default_factory=list)
    """Keys that sign; two while they overlap."""
    witness: Signer = field(init=False)

    def __post_init__(self) -> None:
        self.keys = [Signer(self.origin, key(f"{self.pod} log"))]
        self.witness = Signer(
            f"{self.origin}/witness", key(f"{self.pod} witness"), Kind.COSIGNATURE
        )

    @property
    def origin(self) -> str:
        return f"{CLUSTER}/{self.pod}"


class World:
    """Two wardens, a clock, and everything that is written."""

    def __init__(self, seed: int = 0) -> None:
        self.random = Random(seed)
        self.now = START_MS
        self.logs = [Log(pod) for pod in PODS]
        self.sealer = X25519PrivateKey.from_private_bytes(sha256(b"sealer").digest())
        self.terms: dict[str, bytes] = {}
        self.agreement = self.agree_anew()
        self.approvals = 0
        self.policy = Policy(
            logs=tuple(str(log.keys[0].verifier) for log in self.logs),
            witnesses=tuple(str(log.witness.verifier) for log in self.logs),
            quorum=1,
            agreements=tuple(self.terms),
            guard_bundles=(BUNDLE_DIGEST,),
        )

    def agree_anew(self, **changes: Any) -> dict[str, str]:
        """Change the terms; intents name them from now on."""
        spec = UsageAgreementSpec.model_validate(TERMS | changes)
        plain = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
        digest = digest_of(plain)
        self.terms[digest] = encoded(plain)
        self.agreement = {"name": "logistics", "digest": digest}
        return self.agreement

    def append(self, number: int, kind: str, fields: Mapping[str, Any]) -> str:
        """Write a record; returns its id."""
        log = self.logs[number]
        self.now += self.random.randrange(1, 40)
        seq = len(log.leaves)
        stamp = {"v": 1, "seq": seq, "time": text(self.now - log.back_ms), "boot": log.boot}
        log.leaves.append(canonical_record({**fields, **stamp, "kind": kind}))
        return f"{log.pod}/{seq}"

    def start(self, number: int, torn: int = 0) -> None:
        log = self.logs[number]
        log.boots += 1
        log.boot = f"{log.boots:08x}-0000-4000-8000-{number:012x}"
        keys = {"log": str(log.keys[0].verifier), "witness": str(log.witness.verifier)}
        recovered = {"size": len(log.leaves), "torn": torn}
        self.append(number, "started", {"version": "1", "recovered": recovered, "keys": keys})

    def sealed(self, content: bytes) -> tuple[str, str, bytes]:
        """Return the digest of salt and content, that of the sealed form, and the sealed form."""
        salted = self.random.randbytes(32) + content
        blob = sealing.seal(salted, self.sealer.public_key())
        return sha256(salted).hexdigest(), f"sha256:{sha256(blob).hexdigest()}", blob

    def intent(
        self, number: int, verdict: str = "allow", *, seal: bool = False, **more: Any
    ) -> str:
        salted, digest, blob = self.sealed(b"what was asked")
        request = {"sha256": salted, "bytes": 14, "stream": False}
        if seal:
            request["sealed"] = digest
            self.logs[number].contents.append((len(self.logs[number].leaves), "request", blob))
        line = None if verdict == "allow" else "use-of-force"
        fields = {
            "deployment": DEPLOYMENT,
            "pod": {"name": "writer-1", "uid": "p-1"},
            "caller": ANA,
            "route": "/v1/chat/completions",
            "model": "acme/writer",
            "image": f"registry.example.org/acme/writer@sha256:{HEX}",
            "supplier": "acme",
            "agreement": self.agreement,
            "guard": {"bundle": BUNDLE_DIGEST, "policy": POLICY_DIGEST},
            "request": request,
            "verdict": {
                "verdict": verdict,
                "line": line,
                "tier": line and "linear",
                "findings": [],
            },
            **more,
        }
        return self.append(number, "intent", fields)

    def outcome(
        self, number: int, intent: str, status: int = 200, *, seal: bool = False, **more: Any
    ) -> str:
        response = None
        if status == 200:
            salted, digest, blob = self.sealed(b"what was answered")
            response = {"sha256": salted, "bytes": 17}
            if seal:
                response["sealed"] = digest
                place = len(self.logs[number].leaves), "response", blob
                self.logs[number].contents.append(place)
        fields = {
            "intent": intent,
            "status": status,
            "verdict": "allow" if response else None,
            "response": response,
            "latency_ms": 7,
            "reason": None if response else "content_filter",
            **more,
        }
        return self.append(number, "outcome", fields)

    def hold(self, number: int) -> dict[str, str]:
        """A request is held, and people are asked; returns the approval."""
        self.approvals += 1
        approval = {
            "namespace": "plans",
            "name": f"held-{self.approvals}",
            "uid": f"a-{self.approvals}",
        }
        intent = self.intent(number, "hold")
        fields = {
            "approval": approval,
            "intent": intent,
            "deployment": DEPLOYMENT,
            "agreement": self.agreement,
            "requester": ANA,
            "line": "use-of-force",
            "digest": HEX,
            "quorum": 2,
            "expires": text(self.now + 15 * 60_000),
        }
        self.append(number, "approval-requested", fields)
        self.outcome(number, intent, 403)
        return approval

    def decide(
        self,
        number: int,
        approval: Mapping[str, str],
        who: Mapping[str, str],
        verdict: str,
        **more: Any,
    ) -> None:
        fields = {
            "approval": approval,
            "approver": who,
            "verdict": verdict,
            "digest": HEX,
            "justification": "order 12",
            **more,
        }
        self.append(number, "approval-decided", fields)

    def consume(self, number: int, approval: Mapping[str, str], **more: Any) -> None:
        intent = self.intent(number, "hold", approval=approval)
        fields = {
            "approval": approval,
            "intent": intent,
            "digest": HEX,
            "caller": ANA,
            "approvers": [BEN["username"], CYD["username"]],
            **more,
        }
        self.append(number, "approval-consumed", fields)
        self.outcome(number, intent, seal=True)

    def approved(self, number: int, other: int) -> None:
        """A held request that two people approve of, in two logs."""
        approval = self.hold(number)
        self.decide(number, approval, BEN, "approve")
        self.decide(other, approval, CYD, "approve")
        self.now += 3000
        self.consume(other, approval)

    def rotate(
        self,
        number: int,
        role: str,
        *,
        new: Signer | None = None,
        by: Sequence[str] = ("old", "new"),
        signed: bool = True,
    ) -> None:
        """Change a key; the old one stays for a minute.

        Args:
            number: Whose.
            role: Which.
            new: The new key; one is made if none is given.
            by: Which of them say so.
            signed: Whether the new one signs from now on.
        """
        log = self.logs[number]
        old = log.keys[-1] if role == "log" else log.witness
        name = old.verifier.name
        taking = new or Signer(name, key(f"{name} {role} {len(log.leaves)}"), old.verifier.kind)
        until = text(self.now + 60_000)
        said = (STATEMENT, log.origin, role, str(old.verifier), str(taking.verifier), until)
        body = "".join(f"{line}\n" for line in said)
        lines = {"old": self.line(old, body), "new": self.line(taking, body)}
        fields = {
            "role": role,
            "old": str(old.verifier),
            "new": str(taking.verifier),
            "until": until,
            "note": str(Note(body, tuple(lines[one] for one in by))),
        }
        self.append(number, "key-rotated", fields)
        if signed and role == "log":
            log.keys.append(taking)
        elif signed:
            log.witness = taking

    def checkpoint(self, number: int) -> None:
        """Sign a log as it is; the other replica's witness signs too."""
        log = self.logs[number]
        if log.sizes and log.sizes[-1] == len(log.leaves):
            return
        log.sizes.append(len(log.leaves))
        log.notes.append(self.signed(number, len(log.leaves)))

    def signed(
        self, number: int, size: int, *, keys: Sequence[Signer] = (), witness: bool = True
    ) -> str:
        log = self.logs[number]
        found = Checkpoint(log.origin, size, root([leaf_hash(one) for one in log.leaves[:size]]))
        lines = [one.sign(found.text()) for one in keys or log.keys]
        if witness:
            lines.append(self.cosigned(1 - number, found.text()))
        return str(Note(found.text(), tuple(lines)))

    def resigned(
        self,
        log: Log,
        leaves: Sequence[bytes],
        *,
        keys: Sequence[Signer] = (),
        witness: Signer | None = None,
    ) -> list[str]:
        """Return a log's checkpoints over other leaves, by its own keys or others."""
        notes = []
        for size in sorted({min(size, len(leaves)) for size in log.sizes[:-1]} | {len(leaves)}):
            body = Checkpoint(log.origin, size, root([*map(leaf_hash, leaves[:size])])).text()
            lines = [one.sign(body) for one in keys or log.keys]
            if witness is not None:
                lines.append(self.line(witness, body))
            notes.append(str(Note(body, tuple(lines))))
        return notes

    def before(self, count: int) -> "World":
        """Return both logs as they were at an earlier checkpoint."""
        older = copy.copy(self)
        older.__dict__.pop("_exported", None)
        older.logs = [copy.copy(log) for log in self.logs]
        for log in older.logs:
            log.sizes, log.notes = log.sizes[:count], log.notes[:count]
            log.leaves = log.leaves[: log.sizes[-1]]
            log.contents = [one for one in log.contents if one[0] < log.sizes[-1]]
        return older

    def cosigned(self, number: int, body: str) -> str:
        """Return the line of a replica's witness, now."""
        return self.line(self.logs[number].witness, body)

    def line(self, signer: Signer, body: str) -> str:
        """Return a signature line, as a log's or a witness's key makes it."""
        if signer.verifier.kind is Kind.NOTE:
            return signer.sign(body)
        return signer.cosign(body, self.now // 1000)

    @cached_property
    def _exported(self) -> dict[str, bytes]:
        manifest = Manifest(
            format="casemate.dev/evidence/v1",
            logs=PODS,
            contents=True,
            guard_bundles=(BUNDLE_DIGEST,),
        )
        found = {
            files.MANIFEST: files.manifest_bytes(manifest),
            files.POLICY: policy.encode(self.policy),
        }
        found |= {files.agreement_file(digest): raw for digest, raw in self.terms.items()}
        for log in self.logs:
            found |= log_files(log)
        return found

    def export(self) -> dict[str, bytes]:
        """Return the files of a bundle; nothing is written any more after the first time."""
        return dict(self._exported)


def log_files(log: Log) -> dict[str, bytes]:
    return {
        files.record_file(log.pod): b"".join(leaf + b"\n" for leaf in log.leaves),
        files.hash_file(log.pod): b"".join(map(leaf_hash, log.leaves)),
        files.checkpoint_file(log.pod): b"".join(map(files.checkpoint_line, log.notes)),
        files.content_file(log.pod): b"".join(files.content_line(*one) for one in log.contents),
    }


class Memory:
    """Files that a test holds."""

    def __init__(self, held: Mapping[str, bytes]) -> None:
        self.held = dict(held)

    def names(self) -> set[str]:
        return set(self.held)

    def open(self, name: str) -> BinaryIO:
        if name not in self.held:
            raise BundleError(name, "is missing")
        return BytesIO(self.held[name])


def opened(held: Mapping[str, bytes]) -> Bundle:
    return Bundle.read(Memory(held))


def ordinary(world: World, requests: int) -> None:
    """Requests as they come every day."""
    for turn in range(requests):
        number = turn % 2
        intent = world.intent(number, seal=turn % 3 == 0)
        # Where its warden is gone, a gateway tells another one what became of an intent.
        world.outcome(1 - number if turn % 7 == 6 else number, intent, seal=turn % 4 == 0)


def denied(world: World) -> None:
    world.decide(0, world.hold(0), BEN, "deny")


def lapsed(world: World) -> None:
    world.append(1, "approval-expired", {"approval": world.hold(1)})
    approval = world.hold(0)
    world.decide(0, approval, BEN, "approve")
    world.append(1, "approval-revoked", {"approval": approval, "by": CYD})


def killed(world: World) -> None:
    """A kill switch, under which everything is refused, and its lift by somebody else."""
    switch = {"name": "stop", "uid": "k-1"}
    for number in range(2):
        fields = {"switch": switch, "scope": {"kind": "all"}, "by": BEN, "reason": "drill"}
        world.append(number, "kill", fields)
    world.now += 5000
    world.outcome(0, world.intent(0, "refuse"), 503, reason="stopped")
    for number in range(2):
        world.append(number, "lift", {"switch": switch, "by": CYD})


def restarted(world: World) -> None:
    """One replica stops in order and starts again, the other crashes; one loses its clock."""
    world.append(0, "stopped", {})
    world.start(0)
    world.intent(1)
    world.start(1, torn=17)
    before = text(world.now)
    world.now += 10
    world.logs[1].back_ms = 900
    world.now += 1
    after = world.now - 900
    log = world.logs[1]
    stamp = {"v": 1, "seq": len(log.leaves), "time": text(after), "boot": log.boot}
    jump = {"before": before, "after": text(after), "milliseconds": -900, "kind": "clock-jump"}
    log.leaves.append(canonical_record({**stamp, **jump}))


def whole(seed: int = 0, requests: int = 10) -> World:
    """Everything that may rightly happen, checkpoints in between."""
    world = World(seed)

    def signed(*steps: Callable[[World], None]) -> None:
        for step in steps:
            step(world)
        for number in range(2):
            world.checkpoint(number)

    for number in range(2):
        world.start(number)
    standing = {"supplier": "acme", "standing": "Approved", "digest": f"sha256:{HEX}"}
    world.append(0, "supplier-standing", standing)
    signed(lambda it: ordinary(it, requests), lambda it: it.approved(0, 1))
    signed(denied, lapsed, killed)
    signed(lambda it: it.rotate(0, "log"), lambda it: it.rotate(1, "witness"), restarted)
    signed(lambda it: it.approved(1, 0), lambda it: ordinary(it, requests))
    return world
