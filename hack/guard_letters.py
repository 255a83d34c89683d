"""Count how letters follow one another, for the guard's views; writes `letter_costs.py`.

Usage: python hack/guard_letters.py [FOLDER] > operator/casemate/guard/views/letter_costs.py

Counts letters over the message catalogues of a Debian system with its locales (FOLDER, by default
/usr/share/locale). Run by hand when the table shall change: what comes out depends on the packages
that are installed, so it is not checked.
"""

import base64
import gettext
import re
import sys
import unicodedata
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]

LATIN = "abcdefghijklmnopqrstuvwxyz"
CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
ARABIC = "ابتثجحخدذرزسشصضطظعغفقكلمنهويةىءپچژگ"
FURTHER = ("it", "pt_BR", "nl", "pl", "tr", "sv", "fi", "cs", "ro", "vi", "id")
SHARES = {"en": 0.36, "es": 0.12, "fr": 0.12, "de": 0.12} | dict.fromkeys(FURTHER, 0.28 / 11)
SAME = str.maketrans("ßıłđøæœёіїєґأإآؤئکیۀ", "sildoaoеииегاااءءكيه")  # noqa: RUF001
PLACEHOLDER = re.compile(
    r"%[-+#0-9.$]*l*[a-z(]|\\.|--?[\w-]+|<[^>]*>|&|https?:\S+|\S*[_/\d\\]\S*|\{[^}]*\}"
)
LONGEST, SHORTEST, TEXTS = 24, 20, 20_000
HEAD = '''"""How likely letters follow one another; made by `hack/guard_letters.py`, not edited.

Counted over Debian's message catalogues (three letters for Latin scripts: English 36 %, Spanish,
French and German 12 % each, eleven further languages for the rest; two letters for Russian with
Ukrainian and for Arabic with Persian). Costs in half nats, 0 to 24, packed and in base 85.
"""
'''


def texts(folder: Path, language: str) -> list[str]:
    """The longer messages of a language; English ones are what others are translated from."""
    found: set[str] = set()
    places = "*" if language == "en" else language
    for path in sorted(folder.glob(f"{places}/LC_MESSAGES/*.mo")):
        try:
            with path.open("rb") as file:
                catalogue = vars(gettext.GNUTranslations(file))["_catalog"]
        except (OSError, UnicodeError, IndexError):
            continue
        pairs = (
            (key[0] if isinstance(key, tuple) else key, text) for key, text in catalogue.items()
        )
        found |= {
            key if language == "en" else text
            for key, text in pairs
            if key and len(text) > SHORTEST and key != text
        }
    return sorted(found)[:TEXTS]


def plain(text: str) -> str:
    """A message without placeholders, in lower case and without accents."""
    lower = PLACEHOLDER.sub(" ", text).lower().translate(SAME)
    return "".join(
        unicodedata.normalize("NFD", char)[0] if char < CYRILLIC[0] else char for char in lower
    )


def counted(folder: Path, shares: dict[str, float], alphabet: str, depth: int) -> Counts:
    """How often letters follow one another, in shares of all; place 0 is a gap between words."""
    places = {char: at for at, char in enumerate(" " + alphabet)}
    total = np.zeros((len(places),) * depth)
    for language, share in shares.items():
        counts: Counter[str] = Counter()
        for text in texts(folder, language):
            spaced = re.sub(f"[^{alphabet}]+", " ", f" {plain(text)} ")
            counts.update(spaced[at : at + depth] for at in range(len(spaced) - depth + 1))
        for group, number in counts.items():
            total[tuple(places[char] for char in group)] += share * number / counts.total()
    return total


def costs(counts: Counts, weight: float) -> Counts:
    """Half nats for the last letter after those before it; unseen ones fall back on fewer."""
    fewer = counts.sum(0)
    if counts.ndim == 1:
        likely = (counts + weight) / (counts + weight).sum()
    else:
        shorter = np.exp(-costs(fewer, weight) / 2)
        likely = (counts + weight * shorter) / (counts.sum(-1, keepdims=True) + weight)
    return np.asarray(-2 * np.log(likely))


def block(name: str, table: Counts) -> str:
    """A table as a constant of a module."""
    raw = np.clip(np.round(table), 0, LONGEST).astype(np.uint8).tobytes()
    packed = base64.b85encode(zlib.compress(raw, 9)).decode()
    rows = (packed[at : at + 92] for at in range(0, len(packed), 92))
    return f"\n{name} = (\n" + "".join(f'    "{row}"\n' for row in rows) + ")"


def main() -> None:
    """Write the module on standard output."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/locale")
    print(HEAD, end="")
    for name, shares, alphabet, depth, weight in (
        ("LATIN", SHARES, LATIN, 3, 1e-5),
        ("CYRILLIC", {"ru": 0.8, "uk": 0.2}, CYRILLIC, 2, 1e-4),
        ("ARABIC", {"ar": 0.7, "fa": 0.3}, ARABIC, 2, 5e-4),
    ):
        print(block(name, costs(counted(folder, shares, alphabet, depth), weight)))


if __name__ == "__main__":
    main()
