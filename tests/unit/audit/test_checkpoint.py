"""Checkpoints: three lines and more, of which each has one form."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casemate.audit.checkpoint import Checkpoint
from casemate.audit.notes import FormatError, Note
from unit.audit import notes_published as published

ROOT = base64.b64encode(bytes(32)).decode()
LINES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1)


@pytest.mark.parametrize(
    ("note", "origin", "size"),
    [
        (published.COSIGNED, "example.com/behind-the-sofa", 20_852_163),
        (published.ARCHE_NOTE, "arche2025h1.staging.ct.transparency.dev", 1_432_088_532),
    ],
)
def test_published_checkpoints_are_read_and_made_again(note: str, origin: str, size: int) -> None:
    text = Note.parse(note).text
    found = Checkpoint.parse(text)

    assert (found.origin, found.size, found.extensions) == (origin, size, ())
    assert found.text() == text


@settings(deadline=None)
@given(LINES, st.integers(0, (1 << 63) - 1), st.binary(min_size=32, max_size=32), st.lists(LINES))
def test_what_is_written_is_read(origin: str, size: int, root: bytes, more: list[str]) -> None:
    made = Checkpoint(origin, size, root, tuple(more))

    assert Checkpoint.parse(made.text()) == made


def test_a_checkpoint_keeps_its_extensions() -> None:
    text = f"origin\n1\n{ROOT}\nmore\nand more\n"

    assert Checkpoint.parse(text) == Checkpoint("origin", 1, bytes(32), ("more", "and more"))
    assert Checkpoint.parse(text).text() == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "origin\n",
        "origin\n1\n",
        f"origin\n1\n{ROOT}",
        f"\n1\n{ROOT}\n",
        f"origin\n\n{ROOT}\n",
        f"origin\n01\n{ROOT}\n",
        f"origin\n-1\n{ROOT}\n",
        f"origin\n+1\n{ROOT}\n",
        f"origin\n1 \n{ROOT}\n",
        f"origin\n1_0\n{ROOT}\n",
        f"origin\n0x1\n{ROOT}\n",
        f"origin\n\u0661\n{ROOT}\n",
        f"origin\n{1 << 63}\n{ROOT}\n",
        f"origin\n{'9' * 5000}\n{ROOT}\n",
        "origin\n1\n\n",
        f"origin\n1\n{ROOT[:-1]}\n",
        f"origin\n1\n{ROOT} \n",
        f"origin\n1\n{base64.b64encode(bytes(31)).decode()}\n",
        f"origin\n1\n{base64.b64encode(bytes(33)).decode()}\n",
        f"origin\n1\n{bytes(32).hex()}\n",
        f"origin\n1\n{ROOT}\n\n",
        f"origin\n1\n{ROOT}\n\nmore\n",
        f"origin\r\n1\n{ROOT}\n",
        f"origin\x00\n1\n{ROOT}\n",
        f"origin\n1\n{ROOT}\n\ud800\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    ("origin", "size", "root", "more"),
    [
        ("", 1, bytes(32), ()),
        ("a\nb", 1, bytes(32), ()),
        ("a\rb", 1, bytes(32), ()),
        ("a", -1, bytes(32), ()),
        ("a", 1 << 63, bytes(32), ()),
        ("a", 1, bytes(31), ()),
        ("a", 1, bytes(32), ("",)),
        ("a", 1, bytes(32), ("b", "c\n")),
    ],
)
def test_what_would_be_read_as_another_is_not_made(
    origin: str, size: int, root: bytes, more: tuple[str, ...]
) -> None:
    assert Checkpoint("a", 1, bytes(32), ("b", "c")).size == 1, "control"
    with pytest.raises(FormatError):
        Checkpoint(origin, size, root, more)
