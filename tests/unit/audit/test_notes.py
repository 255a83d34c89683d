"""Signed notes and cosignatures: read strictly, verified against keys, and as others write them."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from casemate.audit.notes import (
    MOST_SIGNATURES,
    FormatError,
    Kind,
    Note,
    SignatureError,
    Signer,
    Verifier,
    parse_line,
)
from unit.audit import notes_published as published
from unit.audit.people import LOG, SEEN, WITNESSES, key, noted, signer

PETER = Verifier.parse(published.PETER)
ENOCH = Verifier.parse(published.ENOCH)
BOTH = f"{published.TEXT}\n{published.PETER_LINE}{published.ENOCH_LINE}"
TEXT = published.TEXT


def test_the_published_note_is_verified_and_made_again() -> None:
    seed = base64.b64decode(published.PETER_PRIVATE.split("+", 4)[4])[1:]
    peter = Signer("PeterNeumann", Ed25519PrivateKey.from_private_bytes(seed))

    assert str(peter.verifier) == published.PETER
    assert str(Note(TEXT, (peter.sign(TEXT),))) == f"{TEXT}\n{published.PETER_LINE}"


@pytest.mark.parametrize(
    ("note", "vkey"),
    [
        (f"{TEXT}\n{published.PETER_LINE}", published.PETER),
        (BOTH, published.ENOCH),
        (published.EXAMPLE_NOTE, published.EXAMPLE),
        (published.ARCHE_NOTE, published.ARCHE),
        (published.ARCHE_NOTE, published.REMORA),
    ],
)
def test_published_notes_are_verified(note: str, vkey: str) -> None:
    known, found = Verifier.parse(vkey), Note.parse(note)

    assert str(known) == vkey
    assert found.verify([known]) == [known]
    assert str(found) == note
    with pytest.raises(SignatureError):
        Note(found.text.replace("e", "E", 1), found.lines).verify([known])


def test_a_published_cosignature_says_when() -> None:
    note = Note.parse(published.ARCHE_NOTE)
    remora = Verifier.parse(published.REMORA)
    assert remora.kind is Kind.COSIGNATURE
    assert remora.verify(note.text, note.lines[4]) == 0x6A122120

    found = parse_line(Note.parse(published.COSIGNED).lines[1])
    assert (found.name, found.key_id.hex()) == ("witness.example.com/w1", "8d66cf3f")
    assert int.from_bytes(found.raw[:8]) == 1_679_315_147
    assert len(found.raw) == 8 + 64


def test_what_a_witness_signs_is_the_published_message() -> None:
    text = Note.parse(published.COSIGNED).text
    witness = signer("witness.example.com/w1", Kind.COSIGNATURE, "w1")
    found = parse_line(witness.cosign(text, 1_679_315_147))

    key("w1").public_key().verify(found.raw[8:], published.WITNESSED.encode())
    assert witness.verifier.verify(text, witness.cosign(text, 1_679_315_147)) == 1_679_315_147


def test_signatures_of_unknown_keys_count_for_nothing() -> None:
    assert Note.parse(BOTH).verify([PETER]) == [PETER]
    assert Note.parse(BOTH).verify(iter([ENOCH, PETER])) == [PETER, ENOCH]
    assert Note.parse(BOTH).verify([]) == []
    assert Note.parse(BOTH).verify([LOG.verifier]) == []


def test_a_key_that_shares_only_its_name_or_only_its_id_is_unknown() -> None:
    named = signer("PeterNeumann")
    raw = PETER.key_id + bytes(64)
    same_id = f"\u2014 other {base64.b64encode(raw).decode()}\n"
    note = Note.parse(f"{TEXT}\n{named.sign(TEXT)}{same_id}{published.PETER_LINE}")

    assert note.verify([PETER]) == [PETER]


def test_a_wrong_signature_of_a_known_key_spoils_the_note() -> None:
    broken = f"{published.PETER_LINE[:40]}AAAA{published.PETER_LINE[44:]}"
    assert Note.parse(f"{TEXT}\n{published.ENOCH_LINE}{broken}").verify([ENOCH]) == [ENOCH]
    with pytest.raises(SignatureError, match="'PeterNeumann' did not sign"):
        Note.parse(f"{TEXT}\n{published.ENOCH_LINE}{broken}").verify([PETER, ENOCH])
    longer = base64.b64encode(
        base64.b64decode(published.PETER_LINE.split(" ")[2]) + bytes(3)
    ).decode()
    with pytest.raises(SignatureError):
        Note.parse(f"{TEXT}\n\u2014 PeterNeumann {longer}\n").verify([PETER])


def test_a_key_that_signed_twice_is_one_key() -> None:
    assert Note.parse(f"{TEXT}\n{published.PETER_LINE * 2}").verify([PETER]) == [PETER]


def test_a_witness_signs_its_time_too() -> None:
    text, witness = noted().text, WITNESSES[0]
    line = witness.cosign(text, SEEN)
    assert witness.verifier.verify(text, line) == SEEN

    raw = bytearray(base64.b64decode(line.split(" ")[2]))
    raw[11] ^= 1
    later = f"\u2014 {witness.verifier.name} {base64.b64encode(raw).decode()}\n"
    with pytest.raises(SignatureError):
        witness.verifier.verify(text, later)


@pytest.mark.parametrize("length", [1, 7, 8, 9, 71, 73])
def test_a_cosignature_of_another_length_is_none(length: int) -> None:
    witness = WITNESSES[0]
    line = witness.cosign(TEXT, SEEN)
    raw = (base64.b64decode(line.split(" ")[2]) + b"\0")[: 4 + length]
    with pytest.raises(SignatureError):
        witness.verifier.verify(
            TEXT, f"\u2014 {witness.verifier.name} {base64.b64encode(raw).decode()}\n"
        )


@pytest.mark.parametrize("time", [-1, 1 << 63])
def test_a_time_that_is_none_is_not_signed(time: int) -> None:
    witness = WITNESSES[0]
    latest = (1 << 63) - 1
    assert witness.verifier.verify(TEXT, witness.cosign(TEXT, latest)) == latest, "control"
    with pytest.raises(FormatError, match="of a cosignature"):
        witness.cosign(TEXT, time)


def test_a_time_beyond_all_is_refused() -> None:
    witness = WITNESSES[0].verifier
    raw = witness.key_id + b"\xff" * 72
    with pytest.raises(FormatError, match="of a cosignature"):
        witness.verify(TEXT, f"\u2014 {witness.name} {base64.b64encode(raw).decode()}\n")


def test_a_note_is_no_cosignature_of_the_same_key() -> None:
    noter = Signer("one", key("one"))
    witness = Signer("one", key("one"), Kind.COSIGNATURE)

    assert noter.verifier.key_id != witness.verifier.key_id
    with pytest.raises(SignatureError, match="not of 'one'"):
        witness.verifier.verify(TEXT, noter.sign(TEXT))
    with pytest.raises(SignatureError):
        noter.verifier.verify(TEXT, witness.cosign(TEXT, SEEN))


def test_a_log_cannot_be_made_to_sign_as_a_witness() -> None:
    assert LOG.sign("cosignature/v2\n"), "control"
    with pytest.raises(ValueError, match="would be a witness's"):
        LOG.sign(f"cosignature/v1\ntime 1\n{TEXT}")
    with pytest.raises(ValueError, match="it is no witness's key"):
        LOG.cosign(TEXT, SEEN)
    with pytest.raises(ValueError, match="would be a witness's"):
        WITNESSES[0].sign(TEXT)


GOOD = f"{TEXT}\n{published.PETER_LINE}"


@pytest.mark.parametrize(
    "note",
    [
        "",
        TEXT,
        f"{TEXT}\n",
        f"{TEXT}{published.PETER_LINE}",
        published.PETER_LINE,
        f"\n{published.PETER_LINE}",
        GOOD[:-1],
        f"{GOOD}Unexpected line.\n",
        f"{GOOD}\n",
        f"\x01{GOOD}",
        f"\t{GOOD}",
        GOOD.replace("\n", "\r\n"),
        f"\ud800{GOOD}",
        f"{TEXT}\n- PeterNeumann {published.PETER_LINE[15:]}",
        f"{TEXT}\n\u2014PeterNeumann {published.PETER_LINE[15:]}",
        f"{TEXT}\n\u2014 PeterNeumann\n",
        f"{TEXT}\n\u2014 PeterNeumann \n",
        f"{TEXT}\n\u2014 PeterNeumann AAAA\n",
        f"{TEXT}\n\u2014 PeterNeumann x08gow==\n",
        f"{TEXT}\n\u2014 PeterNeumann !!!!!!!!\n",
        f"{TEXT}\n\u2014 PeterNeumann x08go_ZJkuBS\n",
        f"{TEXT}\n\u2014 PeterNeumann x08go/ZJkuBS9Q\n",
        f"{TEXT}\n\u2014 PeterNeumann x08go/ZJkuBS9R==\n",
        f"{TEXT}\n\u2014 PeterNeumann x08go/ZJkuBS  9UG/\n",
        f"{TEXT}\n\u2014 PeterNeumann x08go/ZJkuBS\u00e9\n",
        f"{TEXT}\n\u2014  {published.PETER_LINE[2:]}",
        GOOD.replace("PeterNeumann", "Peter+Neumann"),
        GOOD.replace("PeterNeumann", "Peter\u00a0Neumann"),
        GOOD.replace("PeterNeumann", "Peter\u2028Neumann"),
        f"{TEXT}\n{published.PETER_LINE * (MOST_SIGNATURES + 1)}",
        f"{'x' * (1 << 20)}\n\n{published.PETER_LINE}",
    ],
)
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(FormatError):
        Note.parse(note)


@pytest.mark.parametrize(
    ("note", "text"),
    [
        (GOOD, TEXT),
        (f"{TEXT}\n{published.PETER_LINE * MOST_SIGNATURES}", TEXT),
        (f"one\n\ntwo\n\n{published.PETER_LINE}", "one\n\ntwo\n"),
        (f"\n\n{published.PETER_LINE}", "\n"),
        (f"{GOOD}\n{published.ENOCH_LINE}", GOOD),
        (f"\u00e8 subito sera.\n\n{published.PETER_LINE}", "\u00e8 subito sera.\n"),
    ],
)
def test_what_is_a_note_is_parted_at_its_last_empty_line(note: str, text: str) -> None:
    assert Note.parse(note).text == text
    assert str(Note.parse(note)) == note


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])), st.integers(0, 99))
def test_any_change_of_a_signed_text_is_noticed(text: str, at: int) -> None:
    signed = Note(f"{text}\n", (LOG.sign(f"{text}\n"),))
    assert Note.parse(str(signed)) == signed
    assert signed.verify([LOG.verifier]) == [LOG.verifier]
    at %= len(text) + 1
    changed = f"{text[:at]}x{text[at:]}\n"
    with pytest.raises(SignatureError):
        Note(changed, signed.lines).verify([LOG.verifier])


@settings(deadline=None)
@given(st.integers(0, len(published.PETER) - 1), st.integers(1, 127))
def test_any_change_of_a_key_is_noticed(at: int, by: int) -> None:
    changed = chr(ord(published.PETER[at]) ^ by)
    with pytest.raises(FormatError):
        Verifier.parse(published.PETER[:at] + changed + published.PETER[at + 1 :])


def test_no_part_of_a_key_is_a_key() -> None:
    whole = published.PETER
    for start in range(len(whole)):
        for end in range(start, len(whole) + 1):
            if whole[start:end] != whole:
                with pytest.raises(FormatError):
                    Verifier.parse(whole[start:end])


@pytest.mark.parametrize(
    "vkey",
    [
        published.SHORT_KEY,
        published.UNKNOWN_ALGORITHM,
        published.PETER.replace("c74f20a3", "C74F20A3"),
        published.PETER.replace("c74f20a3", "0c74f20a3"),
        f"{published.PETER}\n",
        "bananas.sigstore.dev+12344556",
        "rekor.sigstore.dev+12345678+AwEB",
        "rekor.sigstore.dev+12345678+THIS_IS_NOT_BASE64!",
    ],
)
def test_what_is_no_key_is_refused(vkey: str) -> None:
    with pytest.raises(FormatError):
        Verifier.parse(vkey)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\tb", "a\nb", "a\u3000b", "a\x00b", "\udc00"])
def test_what_is_no_name_of_a_key_is_refused(name: str) -> None:
    assert str(signer("casemate.dev/\u00e9").verifier), "control"
    with pytest.raises(FormatError, match="key name"):
        signer(name)
