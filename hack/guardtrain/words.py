"""The small words that tell languages apart."""

from pathlib import Path

_FILE = Path(__file__).with_name("words.txt")


def words() -> dict[str, list[str]]:
    """Return the small words by language."""
    found = {}
    for line in _FILE.read_text().splitlines():
        language, colon, rest = line.partition(": ")
        if colon and not line.startswith("#"):
            found[language] = sorted(set(rest.split()))
    return found
