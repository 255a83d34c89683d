"""Each alert has its page, and each page an alert."""

import re
import shlex
from pathlib import Path

import pytest

from casemate.monitoring.rules import ALERTS

FOLDER = Path(__file__).parents[3] / "docs" / "runbooks"
PAGES = sorted(FOLDER.glob("*.md"))
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
PLACES = {
    "NAMESPACE", "NAME", "POD", "NODE", "KIND", "ADDRESS", "AGREEMENT", "SUPPLIER",
}  # fmt: skip
READS = {"get", "describe", "logs", "top", "auth", "rollout"}
VERB = re.compile(r"^kubectl (?:-n \S+ )?(\w+)")


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    assert [page.stem for page in PAGES] == sorted(alert.name for alert in ALERTS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_what_it_is_what_it_does_how_to_see_it_and_what_to_do(page: Path) -> None:
    text = page.read_text()
    (severity,) = {str(one.severity) for one in ALERTS if one.name == page.stem}
    assert text.startswith(f"# {page.stem}\n\nSeverity: {severity}\n")
    _, *parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    assert parts[::2] == SECTIONS
    assert all(len(part.strip()) > 20 for part in parts[1::2])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_diagnosis_has_commands_that_only_read(page: Path) -> None:
    diagnosis = page.read_text().split("## Diagnosis")[1].split("## Mitigation")[0]
    (block,) = BLOCK.findall(diagnosis)
    commands = block.strip().splitlines()
    assert commands
    for command in commands:
        verb = VERB.match(command)
        assert verb, command
        assert verb.group(1) in READS, command
        words = shlex.split(command.partition(" | ")[0])
        spaced = {word for one in words[2:] for word in re.split(r"[/=-]", one)}
        placeholders = {word for word in spaced if re.fullmatch(r"[A-Z]{3,}", word)}
        assert placeholders <= PLACES, command
        if " logs " in command and " -l " in command:
            assert "--tail=" in command, f"ten lines at most: {command}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).is_file(), target


def test_the_list_of_alerts_is_complete() -> None:
    text = (FOLDER.parent / "monitoring.md").read_text()
    rows = re.findall(
        r"^\| \[(\w+)\]\(runbooks/(\w+)\.md\) \| (\w+) \| (.+) \|$", text, re.MULTILINE
    )
    wanted = [(one.name, one.name, str(one.severity), one.hold or "at once") for one in ALERTS]
    assert rows == wanted
