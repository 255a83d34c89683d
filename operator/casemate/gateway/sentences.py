"""Where a sentence has surely ended, in a text that is still being written.

It errs on the side of none: a stop that is not seen holds text back a little longer, one that is
imagined lets the first half of a sentence out before its second half is there to be judged.
"""
# ruff: noqa: RUF001  other scripts are the point

import re

# A stop, what may close behind it, and the first character of what follows.
_STOP = re.compile(r"([.!?…؟۔।]+)[\"'’”»)\]*_]*\s+(\S)")
# Scripts that put no space between sentences have stops that mean nothing else.
_FULL_STOP = re.compile(r"[。！？｡]+[」』”’）)]*|\n[ \t]*\n\s*")
_LAST_WORD = re.compile(r"[^\W\d_]+\Z|\d+\Z")
_SHORTEST_WORD = 3
_LONGEST_WORD = 40
_ABBREVIATIONS = """
al approx bzw ca capt cf col dept dipl etc fig gen hon inc ing jun ltd maj mrs messrs prof rev sen
sgt str tel usw vgl vol pp resp vs bspw evtl inkl sra srta dña págs núm art abs nos
"""
_NOT_LAST = frozenset(_ABBREVIATIONS.split())


def last_end(text: str, start: int) -> int:
    """Return where the last sentence that surely ended does so: the place of the next one's start.

    Args:
        text: The text so far; the word before ``start`` should be in it.
        start: Stops before this place are of no interest.

    Returns:
        A place in the text; -1 if there is none.
    """
    found = -1
    for match in _FULL_STOP.finditer(text, start):
        # More closing marks may still come, unless something else already has.
        if match.end() < len(text):
            found = max(found, match.end())
    for match in _STOP.finditer(text, start):
        if match.start(2) > found and _ends(text, match):
            found = match.start(2)
    return found


def _ends(text: str, match: re.Match[str]) -> bool:
    """Whether a stop ends a sentence, rather than an abbreviation, an initial or a number."""
    if match.group(2).islower():
        return False
    if match.group(1) != ".":
        return True
    at = match.start()
    word = _LAST_WORD.search(text, max(0, at - _LONGEST_WORD), at)
    if word is None:
        return True
    last = word.group()
    # "Dr." and "U.S." begin with a capital; "of it." does not.
    short = len(last) < _SHORTEST_WORD and (len(last) == 1 or not last.islower())
    return not short and last.casefold() not in _NOT_LAST
