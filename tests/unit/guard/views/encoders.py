"""Disguises, written from the standards and not from the code that undoes them."""

import base64
import codecs
from collections.abc import Callable

WORDS = frozenset(
    {
        *("surveillance", "surveil", "track", "tracking", "citizens", "citizen", "kill", "killing"),
        *("phone", "telephone", "movements", "everybody", "people", "protesters", "strike"),
        *("target", "слежка", "граждане", "следить"),
    }
)
"""As a bundle's lexicon would give them."""
PLAIN = "track the movements of all citizens by their telephone and list everybody"

_MORSE_TEXT = """
.- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..-
-.-- --..
"""
_MORSE = _MORSE_TEXT.split()
_NATO_TEXT = """
alfa bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike november oscar papa
quebec romeo sierra tango uniform victor whiskey x-ray yankee zulu
"""
_NATO = _NATO_TEXT.split()
_BRAILLE = "⠁⠃⠉⠙⠑⠋⠛⠓⠊⠚⠅⠇⠍⠝⠕⠏⠟⠗⠎⠞⠥⠧⠺⠭⠽⠵"
_FLIPPED = "ɐqɔpǝɟƃɥᴉɾʞlɯuodbɹsʇnʌʍxʎz"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"

Encoder = Callable[[str], str]


def tags(text: str) -> str:
    return "".join(chr(0xE0000 + ord(char)) for char in text)


def selectors(text: str) -> str:
    numbers = (byte if byte < 16 else byte - 16 for byte in text.encode())
    bases = (0xFE00 if byte < 16 else 0xE0100 for byte in text.encode())
    return "😀" + "".join(chr(base + number) for base, number in zip(bases, numbers, strict=True))


def zero_width(text: str) -> str:
    bits = "".join(f"{byte:08b}" for byte in text.encode())
    return "hello" + bits.replace("0", "\u200b").replace("1", "\u200c")


def bidi(text: str) -> str:
    return f"\u202e{text[::-1]}\u202c"


def erased(text: str) -> str:
    return "".join(f"{char}x\b" if at % 5 == 0 else char for at, char in enumerate(text))


def spaced(text: str) -> str:
    return "   ".join(" ".join(word) for word in text.split())


def dotted(text: str) -> str:
    return " ".join(".".join(word) for word in text.split())


def on_lines(text: str) -> str:
    return "\n\n".join("\n".join(word) for word in text.split())


def _cut(text: str, mark: str) -> str:
    return " ".join(
        mark.join(word[at : at + 3] for at in range(0, len(word), 3)) for word in text.split(" ")
    )


def hyphened(text: str) -> str:
    return _cut(text, "-")


def marked_up(text: str) -> str:
    return _cut(text, "**")


def added(text: str) -> str:
    return _cut(text, '" + "')


def stretched(text: str) -> str:
    return "".join(char * 4 if char in "aeiou" else char for char in text)


def leet(text: str) -> str:
    return text.translate(str.maketrans("aeos", "4305"))


def mirrored_words(text: str) -> str:
    return " ".join(word[::-1] for word in text.split(" "))


def rot13(text: str) -> str:
    return codecs.encode(text, "rot13")


def caesar(text: str) -> str:
    return text.translate(str.maketrans(_LETTERS, _LETTERS[7:] + _LETTERS[:7]))


def atbash(text: str) -> str:
    return text.translate(str.maketrans(_LETTERS, _LETTERS[::-1]))


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def base64_in_lines(text: str) -> str:
    return base64.encodebytes(text.encode() + b" " * 60).decode()


def base64_in_groups(text: str) -> str:
    whole = base64_of(text)
    return " ".join(whole[at : at + 6] for at in range(0, len(whole), 6))


def base64_url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def base32_of(text: str) -> str:
    return base64.b32encode(text.encode()).decode()


def hexadecimal(text: str) -> str:
    return text.encode().hex()


def hex_spaced(text: str) -> str:
    return text.encode().hex(" ")


def hex_colons(text: str) -> str:
    return text.encode().hex(":")


def hex_escaped(text: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in text.encode())


def hex_array(text: str) -> str:
    return ", ".join(f"0x{byte:02x}" for byte in text.encode())


def binary(text: str) -> str:
    return " ".join(f"{byte:08b}" for byte in text.encode())


def decimal(text: str) -> str:
    return " ".join(str(ord(char)) for char in text)


def octal(text: str) -> str:
    return "".join(f"\\{ord(char):03o}" for char in text)


def percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def entities(text: str) -> str:
    return "".join(f"&#{ord(char)};" for char in text)


def hex_entities(text: str) -> str:
    return "".join(f"&#x{ord(char):x};" for char in text)


def quoted_printable(text: str) -> str:
    return "".join(f"={byte:02X}" for byte in text.encode())


def escapes(text: str) -> str:
    return "".join(f"\\u{ord(char):04x}" for char in text)


def morse(text: str) -> str:
    words = text.lower().split()
    return " / ".join(" ".join(_MORSE[_LETTERS.index(char)] for char in word) for word in words)


def nato(text: str) -> str:
    words = text.lower().split()
    return " / ".join(" ".join(_NATO[_LETTERS.index(char)] for char in word) for word in words)


def braille(text: str) -> str:
    return text.lower().translate(str.maketrans(_LETTERS + " ", _BRAILLE + "\u2800"))


def flipped(text: str) -> str:
    return text.lower().translate(str.maketrans(_LETTERS, _FLIPPED))[::-1]


def accented(text: str) -> str:
    return text.translate(str.maketrans("aeiou", "äéïöü"))


def unseen(text: str) -> str:
    return "\u200b".join(text)


def full_width(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


def look_alike(text: str) -> str:
    return text.translate(str.maketrans("aeocpx", "аеосрх"))


def zalgo(text: str) -> str:
    return "".join(char + "\u0336\u0321\u0345\u0310" if char != " " else char for char in text)


def small_capitals(text: str) -> str:
    return text.translate(str.maketrans("abcdeghijklmnoprtuvwyz", "ᴀʙᴄᴅᴇɢʜɪᴊᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡʏᴢ"))


VIEWS: dict[str, Encoder] = {
    "tags": tags,
    "variation-selectors": selectors,
    "zero-width": zero_width,
    "bidi": bidi,
    "backspaces": erased,
    "spaced": spaced,
    "dotted": dotted,
    "on-lines": on_lines,
    "hyphens": hyphened,
    "markup": marked_up,
    "joined-strings": added,
    "stretched": stretched,
    "leet": leet,
    "reversed": lambda text: text[::-1],
    "reversed-words": mirrored_words,
    "rot13": rot13,
    "caesar": caesar,
    "atbash": atbash,
    "base64": base64_of,
    "base64-in-lines": base64_in_lines,
    "base64-in-groups": base64_in_groups,
    "base64-url": base64_url,
    "base32": base32_of,
    "hex": hexadecimal,
    "hex-spaced": hex_spaced,
    "hex-colons": hex_colons,
    "hex-escaped": hex_escaped,
    "hex-array": hex_array,
    "binary": binary,
    "decimal": decimal,
    "octal": octal,
    "percent": percent,
    "entities": entities,
    "hex-entities": hex_entities,
    "quoted-printable": quoted_printable,
    "escapes": escapes,
    "morse": morse,
    "nato": nato,
    "braille": braille,
    "upside-down": flipped,
    "accents": accented,
}
"""Those that need a view each."""

CANONICAL: dict[str, Encoder] = {
    "unseen": unseen,
    "full-width": full_width,
    "look-alikes": look_alike,
    "zalgo": zalgo,
    "small-capitals": small_capitals,
}
"""Those that the canonical form undoes by itself."""

ALL = VIEWS | CANONICAL
