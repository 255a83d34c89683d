"""Receipts show a record offline to whoever has the keys; what is not quite one shows nothing."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casemate.audit.checkpoint import Checkpoint
from casemate.audit.merkle import ProofError
from casemate.audit.notes import FormatError, Kind, Note, SignatureError, Signer, Verifier
from casemate.audit.receipts import Receipt, Trust
from unit.audit import notes_published as published
from unit.audit import trees
from unit.audit.people import (
    LEAVES,
    LOG,
    ORIGIN,
    RECORDS,
    SEEN,
    TRUST,
    WITNESSES,
    key,
    noted,
    signer,
)


def receipt(index: int = 3, note: Note | None = None) -> Receipt:
    return Receipt(index, tuple(trees.inclusion(index, LEAVES)), note or noted())


TEXT = str(receipt())


@pytest.mark.parametrize("index", range(21))
def test_a_receipt_shows_its_record_and_no_other(index: int) -> None:
    found = Receipt.parse(str(receipt(index)))
    assert found == receipt(index)
    assert found.verify(RECORDS[index], TRUST) == Checkpoint(ORIGIN, 21, trees.root(LEAVES))

    for other in (RECORDS[index] + b" ", b"", RECORDS[index - 1]):
        with pytest.raises(ProofError):
            found.verify(other, TRUST)
    for wrong in {(index + 1) % 21, 0, 20, 21} - {index}:
        with pytest.raises(ProofError):
            Receipt(wrong, found.proof, found.checkpoint).verify(RECORDS[index], TRUST)


@settings(deadline=None)
@given(st.integers(0, len(TEXT) - 1), st.characters(codec="utf-8"))
def test_any_changed_character_is_noticed(at: int, other: str) -> None:
    changed = TEXT[:at] + other + TEXT[at + 1 :]
    if other == TEXT[at]:
        return
    with pytest.raises(ValueError, match=r"\w"):
        Receipt.parse(changed).verify(RECORDS[3], TRUST)


@settings(deadline=None)
@given(st.integers(0, len(TEXT) - 1))
def test_a_receipt_that_was_cut_shows_nothing(end: int) -> None:
    with pytest.raises((FormatError, SignatureError)):
        Receipt.parse(TEXT[:end]).verify(RECORDS[3], TRUST)


def check(note: Note, trust: Trust = TRUST) -> None:
    receipt(note=note).verify(RECORDS[3], trust)


def test_a_receipt_needs_the_log_and_enough_witnesses() -> None:
    good = noted()
    check(good)
    check(noted(witnesses=3))
    with pytest.raises(SignatureError, match="1 witnesses signed"):
        check(noted(witnesses=1))
    with pytest.raises(SignatureError, match="1 witnesses signed"):
        check(Note(good.text, (*noted(witnesses=1).lines, good.lines[1])))
    with pytest.raises(SignatureError, match="did not sign its checkpoint"):
        check(Note(good.text, good.lines[1:]))
    with pytest.raises(SignatureError, match="no key is known"):
        check(good, Trust((signer("other").verifier,)))
    with pytest.raises(SignatureError):
        check(Note(good.text, noted(20).lines))


def test_another_key_under_the_logs_name_is_unknown() -> None:
    forged = Signer(ORIGIN, key("forger"))
    text = noted().text
    with pytest.raises(SignatureError, match="did not sign its checkpoint"):
        check(Note(text, (forged.sign(text), *noted().lines[1:])))
    both = Trust((LOG.verifier, forged.verifier), TRUST.witnesses, 2)
    check(Note(text, (forged.sign(text), *noted().lines[1:])), both)


def test_one_log_does_not_speak_for_another() -> None:
    other = signer("casemate.dev/warden/test/casemate-warden-1")
    trust = Trust((LOG.verifier, other.verifier))
    text = noted().text
    check(Note(text, (LOG.sign(text),)), trust)
    with pytest.raises(SignatureError, match="did not sign its checkpoint"):
        check(Note(text, (other.sign(text),)), trust)


@pytest.mark.parametrize(
    "own",
    [
        Signer("somebody", key(f"NOTE {ORIGIN[-20:]}"), Kind.COSIGNATURE),
        Signer(ORIGIN, key("second"), Kind.COSIGNATURE),
        Signer(f"{ORIGIN}/witness", key("second"), Kind.COSIGNATURE),
    ],
    ids=["its key", "its name", "a name below its own"],
)
def test_a_log_is_no_witness_of_its_own(own: Signer) -> None:
    def trust(witness: Signer) -> Trust:
        return Trust((LOG.verifier,), (witness.verifier,), 1)

    text = noted().text
    neighbour = Signer(f"{ORIGIN}0/witness", key("second"), Kind.COSIGNATURE)
    check(Note(text, (LOG.sign(text), neighbour.cosign(text, SEEN))), trust(neighbour))
    with pytest.raises(SignatureError, match="0 witnesses signed"):
        check(Note(text, (LOG.sign(text), own.cosign(text, SEEN))), trust(own))


def test_one_witness_counts_once_under_two_names_or_with_two_keys() -> None:
    text = noted().text
    renamed = [Signer(name, key("one"), Kind.COSIGNATURE) for name in ("a", "b")]
    rekeyed = [Signer("a", key(seed), Kind.COSIGNATURE) for seed in ("one", "two")]
    others = [Signer(name, key(name), Kind.COSIGNATURE) for name in ("a", "b")]

    def saw(signers: list[Signer]) -> None:
        lines = (LOG.sign(text), *(one.cosign(text, SEEN) for one in signers))
        check(Note(text, lines), Trust((LOG.verifier,), tuple(s.verifier for s in signers), 2))

    saw(others)
    for same in (renamed, rekeyed):
        with pytest.raises(SignatureError, match="1 witnesses signed"):
            saw(same)


def test_a_published_checkpoint_is_believed_by_its_keys() -> None:
    note = Note.parse(published.ARCHE_NOTE)
    log, witness = Verifier.parse(published.ARCHE), Verifier.parse(published.REMORA)

    assert Trust((log,), (witness,), 1).checkpoint(note).size == 1_432_088_532
    with pytest.raises(SignatureError, match="1 witnesses signed"):
        Trust((log,), (witness,), 2).checkpoint(note)


def test_keys_are_believed_for_what_they_sign() -> None:
    witness = WITNESSES[0].verifier
    with pytest.raises(FormatError, match="'witness-0' is one of COSIGNATURE, not NOTE"):
        Trust((witness,))
    with pytest.raises(FormatError, match="is one of NOTE, not COSIGNATURE"):
        Trust((LOG.verifier,), (LOG.verifier,), 1)


def test_what_comes_along_is_kept() -> None:
    found = Receipt(3, receipt().proof, noted(), b"salt")
    assert "\nextra c2FsdA==\nindex 3\n" in str(found)
    assert Receipt.parse(str(found)) == found
    assert found.verify(RECORDS[3], TRUST).size == 21


HASH = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("c2sp.org/", "\nc2sp.org/"),
        ("@v1", "@v2"),
        ("@v1\n", "@v1 \n"),
        ("index 3", "index 03"),
        ("index 3", "index -3"),
        ("index 3", "index  3"),
        ("index 3", "index 3 "),
        ("index 3", "index \u0663"),
        ("index 3", f"index {1 << 63}"),
        ("index 3", f"index {'9' * 5000}"),
        ("index 3", "Index 3"),
        ("index 3\n", ""),
        ("index 3", "extra !\nindex 3"),
        ("index 3", "extra \nindex 3"),
        ("index 3", "extra AAAB\nextra AAAB\nindex 3"),
        ("index 3\n", "index 3\nextra AAAB\n"),
        ("\n\n", "\n"),
        ("\n\n", "\n\n\n"),
        ("\n\n", "\nAAAA\n\n"),
        ("\n\n", f"\n{HASH[:-1]}\n\n"),
        ("\n\n", f"\n {HASH}\n\n"),
        ("\n\n", f"\n{HASH}\r\n\n"),
        ("\n\n", "\n" + f"{HASH}\n" * 59 + "\n"),
        ("index 3", f"extra {'AAAA' * (1 << 18)}\nindex 3"),
    ],
)
def test_what_is_no_receipt_is_refused(old: str, new: str) -> None:
    assert Receipt.parse(TEXT.replace("index 3", "extra AAAB\nindex 3")).index == 3, "control"
    longest = TEXT.replace("\n\n", "\n" + f"{HASH}\n" * 58 + "\n", 1)
    assert len(Receipt.parse(longest).proof) == 63, "control"

    with pytest.raises(FormatError):
        Receipt.parse(TEXT.replace(old, new, 1))
