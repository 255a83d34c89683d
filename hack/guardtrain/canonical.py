"""The form in which the gateway checks a text."""

import unicodedata


def canonical(text: str) -> str:
    """Return the canonical form."""
    return unicodedata.normalize("NFKC", text).casefold()
