"""Each reason that a condition can carry has its place in the documents, and no other word does."""

import re
from pathlib import Path

import pytest

from casemate.api.conditions import Reason

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "reasons.md"
PAGES = [
    ROOT / "README.md",
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("examples/*.md")),
]
HEADING = re.compile(r"^### `(\w+)`$", re.MULTILINE)
LINK = re.compile(r"reasons\.md#([\w-]+)")
PARTS = ("Cause", "Do", "Over")


def sections() -> dict[str, str]:
    """What the page says, by reason."""
    _, *found = HEADING.split(PAGE.read_text())
    return dict(zip(found[::2], found[1::2], strict=True))


def in_tables(text: str) -> set[str]:
    """Words of the columns that are headed as reasons."""
    found, column = set(), None
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 1:
            column = None
        elif column is None:
            column = cells.index("reason") if "reason" in cells else -1
        elif column >= 0:
            found |= set(re.findall(r"`(\w+)`", cells[column]))
    return found


def test_every_reason_has_its_heading_and_no_other_word_does() -> None:
    assert len(HEADING.findall(PAGE.read_text())) == len(sections())
    assert sections().keys() == {str(one) for one in Reason}


@pytest.mark.parametrize("reason", sorted(Reason))
def test_each_says_its_cause_what_to_do_and_how_to_see_that_it_is_over(reason: Reason) -> None:
    found = re.findall(r"^- \*\*(\w+):\*\* (?=\S)", sections()[reason], re.MULTILINE)
    assert tuple(found) == PARTS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_tables_name_only_reasons_that_there_are(page: Path) -> None:
    text, known = page.read_text(), {str(one) for one in Reason}
    assert in_tables(text) <= known
    assert set(LINK.findall(text)) <= {one.lower() for one in known}


def test_control_a_word_in_a_column_of_reasons_is_found() -> None:
    table = "| a | reason |\n|---|---|\n| `Other` | `Gone` and `Lost` |\n\n| b |\n|---|\n| `No` |\n"
    assert in_tables(table) == {"Gone", "Lost"}
