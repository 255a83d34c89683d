"""The form of a text that words and n-grams are matched on: coarser than the canonical one.

Marks are dropped (é is e, and Arabic's vowel signs go), Arabic's attached article and
particles are cut off, and everything that is no letter or digit becomes one space. One space stands
at either end, so that " term " finds a whole word and " stem" the beginning of one.
"""

import re
import unicodedata

_MARKS = re.compile(r"[\u0300-\u036f\u064b-\u065f\u0670\u06d6-\u06ed]+")
_NO_WORD = re.compile(r"[\W_]+")
_DIGITS = re.compile(r"\d+")
_ARABIC = re.compile(r"[\u0620-\u064a]")
# Forms of one letter that writers of Arabic mix.
_LETTERS = str.maketrans(
    {
        "\N{ARABIC LETTER TEH MARBUTA}": "\N{ARABIC LETTER HEH}",
        "\N{ARABIC LETTER ALEF MAKSURA}": "\N{ARABIC LETTER YEH}",
        "\N{ARABIC LETTER FARSI YEH}": "\N{ARABIC LETTER YEH}",
        "\N{ARABIC LETTER KEHEH}": "\N{ARABIC LETTER KAF}",
        "\N{ARABIC TATWEEL}": "",
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
        "\N{LATIN SMALL LETTER SHARP S}": "ss",
    }
)
# Attached words: and, then, by, like, the, to the, for. Three letters must be left of the word.
_ATTACHED = re.compile(r"(?<= )(?:ال|لل|[وفبكل]){1,4}(?=[\u0620-\u064a]{3})")
_ASCII = bytes(
    ord("0") if chr(at).isdigit() else ord(chr(at).lower()) if chr(at).isalpha() else ord(" ")
    for at in range(128)
) + bytes(128)
_ZEROS = re.compile(rb"00+")


def fold(text: str) -> str:
    """Return the folded form of a canonical text, with a space at either end."""
    if text.isascii():
        letters = _ZEROS.sub(b"0", text.encode().translate(_ASCII))
        return f" {b' '.join(letters.split()).decode()} "
    text = _folded(text)
    return f" {_NO_WORD.sub(' ', _DIGITS.sub('0', text.lower())).strip()} "


def _folded(text: str) -> str:
    text = _MARKS.sub("", unicodedata.normalize("NFD", text.casefold()))
    text = unicodedata.normalize("NFC", text).translate(_LETTERS)
    if _ARABIC.search(text):
        text = _ATTACHED.sub("", f" {_NO_WORD.sub(' ', text)} ")
    return text
