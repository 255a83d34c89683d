"""Text for a terminal: whatever a record says, it cannot move the cursor or hide a letter."""

from casemate.deciding.seen import unseen


def printable(text: str) -> str:
    """Return text with everything escaped, as Python does, that would not be seen as it is."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(one) if unseen(one) or one in "\n\t" else one for one in text)


def _escaped(character: str) -> str:
    escaped = repr(character)[1:-1]
    # Some letters are drawn as nothing, and printable to Python.
    return escaped if escaped != character else f"\\u{ord(character):04x}"
