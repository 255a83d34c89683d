"""`kubectl casemate audit export`: evidence from copies of wardens' volumes, to carry away.

Nothing is verified here, and nothing is left out but records that no checkpoint covers yet: what is
broken on a volume is broken in the bundle, where an inspection finds it.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from casemate import guardfiles
from casemate.api.agreement import UsageAgreementSpec
from casemate.audit import bundle, policy
from casemate.audit.bundle import BundleError, Manifest
from casemate.audit.merkle import leaf_hash
from casemate.audit.policy import Policy
from casemate.cli.exportcontents import contents, named
from casemate.cli.volumes import Sized, Volume, volume
from casemate.core import agreements as terms
from casemate.core.digests import digest_of, encoded
from casemate.warden.terms import FOLDER

UNWITNESSED_MS = 600_000
"""For how long the end of a log may be without a witness: until somebody is alarmed about it."""


def export(
    paths: Sequence[Path], agreements: Path | None, out: Path, *, with_contents: bool = True
) -> int:
    """Write a bundle.

    Args:
        paths: Log folders of wardens, or copies of them: each of another replica.
        agreements: What `kubectl get usageagreements -o json` printed; None: only what the wardens
            kept.
        out: A folder that does not exist yet.
        with_contents: Whether sealed contents go with it, where there are any.

    Returns:
        How many records the bundle has.

    Raises:
        BundleError: There is no log, or two are of one replica, or `agreements` are none.
        FormatError: A checkpoint beside a log cannot be read.
        OSError: A file cannot be read or written.
    """
    volumes = [volume(one) for one in paths]
    pods = [one.pod for one in volumes]
    if len(set(pods)) < len(pods):
        raise BundleError("", f"each log once is accepted; given: {', '.join(pods)}")
    for one in volumes:
        if not one.signed:
            told = f"{one.records} records, and no checkpoint that covers any"
            raise BundleError(str(one.path), told)
    witnessed: dict[str, list[Sized]] = defaultdict(list)
    for one in volumes:
        for origin, note in one.witnessed():
            witnessed[origin].append(note)
    wanted = with_contents and any(named(one.leaves(one.signed)) for one in volumes)
    small = {
        bundle.POLICY: policy.encode(_policy(volumes, seen=bool(witnessed))),
        bundle.MANIFEST: bundle.manifest_bytes(_manifest(pods, contents=wanted)),
        **dict(kept for one in volumes for kept in _kept(one)),
        **dict(_terms(agreements)),
    }
    out.mkdir(parents=True)
    for name, content in small.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    size = 0
    for one in volumes:
        records = _log(one, witnessed[one.origin], out)
        size += records
        if wanted:
            with (out / bundle.content_file(one.pod)).open("wb") as file:
                file.writelines(contents(one.path, one.leaves(records)))
    return size


def _log(one: Volume, witnessed: Sequence[Sized], out: Path) -> int:
    """Write a log's files; returns how many records they have."""
    covered = (note.size for note in witnessed if note.size <= one.records)
    size = max(one.signed, *covered, 0)
    records, hashes, notes = (
        out / name(one.pod)
        for name in (bundle.record_file, bundle.hash_file, bundle.checkpoint_file)
    )
    records.parent.mkdir(parents=True)
    with records.open("wb") as leaves, hashes.open("wb") as hashed:
        for record in one.leaves(size):
            leaves.write(record + b"\n")
            hashed.write(leaf_hash(record))
    with notes.open("wb") as file:
        file.writelines(map(bundle.checkpoint_line, one.notes(witnessed)))
    return size


def _policy(volumes: Sequence[Volume], *, seen: bool) -> Policy:
    """Return the keys that the logs say themselves; an inspector brings better ones."""
    said = [orjson.loads(one.first)["keys"] for one in volumes]
    witnesses = {one.pod: [str(keys["witness"])] for one, keys in zip(volumes, said, strict=True)}
    for one in volumes:
        for pod, known in one.pinned().items():
            witnesses.setdefault(pod, known)
    if not seen and len(volumes) == 1:
        # One replica alone: nobody witnesses it.
        return Policy(logs=(str(said[0]["log"]),), witnesses=(), quorum=0)
    logs = tuple(str(keys["log"]) for keys in said)
    every = tuple(one for known in witnesses.values() for one in known)
    return Policy(logs=logs, witnesses=every, quorum=1, unwitnessed_ms=UNWITNESSED_MS)


def _manifest(pods: Sequence[str], *, contents: bool) -> Manifest:
    digest, _ = guardfiles.identity(guardfiles.shipped())
    return Manifest(
        format="casemate.dev/evidence/v1",
        logs=tuple(pods),
        contents=contents,
        guard_bundles=(digest,),
    )


def _kept(one: Volume) -> Iterator[tuple[str, bytes]]:
    """Yield the terms that a warden kept; an inspection looks whether they are their digests."""
    for path in sorted((one.path / FOLDER).glob("*.json")):
        yield bundle.agreement_file(path.stem), path.read_bytes()


def _terms(agreements: Path | None) -> Iterator[tuple[str, bytes]]:
    if agreements is None:
        return
    try:
        listed: Any = json.loads(agreements.read_bytes())
        specs = [UsageAgreementSpec.model_validate(one["spec"]) for one in listed["items"]]
    except (ValueError, KeyError, TypeError) as error:
        told = f"a list of UsageAgreements as JSON is accepted: {error!r}"
        raise BundleError(str(agreements), told) from None
    for spec in specs:
        plain = terms.plain(spec)
        yield bundle.agreement_file(digest_of(plain)), encoded(plain)
