"""How long the views of hostile texts take, and that none breaks them.

Usage: bench/guard_views.py --out DIR [--cases 100000] [--seed 0]. Texts of 32 KiB of UTF-8 from
many generators, each case drawn anew; beside them the same call on plain text. Times are of one
call, in processor time of its thread, which other work on the machine changes less.
"""

import argparse
import base64
import codecs
import json
import random
import statistics
import string
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from casemate.guard.views import views

SIZE = 32 * 1024
PLAIN = (
    "Please describe how the city keeps its bridges in repair, who pays for the work, and what "
    "the council has decided about the two old ones beside the harbour. "
)
WORDS = frozenset(PLAIN.lower().replace(",", "").replace(".", "").split()) | {
    "surveillance", "citizens", "track", "kill", "population", "telephone", "weapon", "launch",
}  # fmt: skip
SCRIPTS = (
    "abcdefghij",
    "абвгдежзик",
    "αβγδεζηθικ",
    "가나다라마바사",
    "的一是不了人我",
    "ابتثجحخد",
    "กขคงจฉช",
)
MARKS = [chr(point) for point in (*range(0x300, 0x370), *range(0x64B, 0x653), 0x345, 0xE48, 0x3099)]
UNSEEN = [chr(point) for point in (0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0x2062, 0x2064, 0xFEFF)]
MORSE = [".-", "-...", "-.-.", "-..", ".", "..-.", "--.", "....", "..", "/"]

Generator = Callable[[random.Random], str]


def _filled(draw: Callable[[], str]) -> str:
    parts, size = [], 0
    while size < SIZE:
        part = draw()
        parts.append(part)
        size += len(part.encode("utf-8", "surrogatepass"))
    return "".join(parts)


def _letters(rng: random.Random, alphabet: str, size: int) -> str:
    return "".join(rng.choices(alphabet, k=size))


def unicode(rng: random.Random) -> str:
    planes = (
        (0, 0x250),
        (0x250, 0x3000),
        (0x3000, 0xD800),
        (0xE000, 0x10000),
        (0x10000, 0x20000),
        (0xE0000, 0xE0200),
    )
    low, high = rng.choice(planes)
    return _filled(
        lambda: "".join(chr(rng.randrange(low, high)) for _ in range(64)) * rng.randint(1, 8)
    )


def everything(rng: random.Random) -> str:
    pool = [chr(rng.randrange(0x110000)) for _ in range(400)]
    return _filled(lambda: "".join(rng.choices(pool, k=64)))


def ascii_noise(rng: random.Random) -> str:
    alphabet = "".join(map(chr, range(128)))
    return _filled(lambda: _letters(rng, alphabet, 256))


def zalgo(rng: random.Random) -> str:
    depth = rng.choice((1, 2, 3, 4, 8, 64, 4096))
    return _filled(lambda: rng.choice("abcаи가") + "".join(rng.choices(MARKS, k=depth)))


def scripts(rng: random.Random) -> str:
    size = rng.randint(1, 6)
    return _filled(
        lambda: (
            "".join(rng.choice(rng.choice(SCRIPTS)) for _ in range(size))
            + rng.choice((" ", "", "\n"))
        )
    )


def alike(rng: random.Random) -> str:
    pairs = ("aа", "eе", "oо", "pр", "cс", "xх", "kк", "tт")
    return _filled(
        lambda: "".join(rng.choice(rng.choice(pairs)) for _ in range(rng.randint(2, 9))) + " "
    )


def long_runs(rng: random.Random) -> str:
    signs = "a1 \n.-_=%&\\<>\"'*~|+/@$!х가\u200b\u0301\U000e0041\ufe0f\ufdfa\u3316"
    return _filled(lambda: rng.choice(signs) * rng.choice((1, 2, 7, 100, 5000)))


def repeated(rng: random.Random) -> str:
    signs = [chr(rng.choice((rng.randrange(33, 127), rng.randrange(0x2000)))) for _ in range(3)]
    unit = "".join(rng.choices([*signs, " ", "a", "1", "="], k=rng.randint(1, 9)))
    return unit * (SIZE // len(unit.encode("utf-8", "surrogatepass")))


def almost_base64(rng: random.Random) -> str:
    alphabet = string.ascii_letters + string.digits + "+/-_="
    size = rng.choice((4, 8, 16, 17, 20, 24, 40, 64, 400, 30000))
    if rng.random() < 0.5:
        text = base64.b64encode(
            rng.randbytes(SIZE) if rng.random() < 0.5 else (PLAIN * 400).encode()
        ).decode()
        return " ".join(text[at : at + size] for at in range(0, SIZE, size))
    return _filled(lambda: _letters(rng, alphabet, size) + rng.choice(" \n.,"))


def headed(rng: random.Random) -> str:
    """Pieces that begin as a text and go on as bytes, so that each must be decoded in full."""
    size = rng.choice((30, 60, 120))
    return _filled(
        lambda: (
            base64.b64encode(b"A harmless begin of words. " + rng.randbytes(size)).decode() + " "
        )
    )


def numbers(rng: random.Random) -> str:
    forms = (
        "{} ",
        "0x{:x},",
        "\\x{:02x}",
        "{:08b} ",
        "{:03o} ",
        "\\{:03o}",
        "%{:02x}",
        "={:02X}",
        "&#{};",
        "&#x{:x};",
        "\\u{:04x}",
        "U+{:04X} ",
        "{:02x}:",
        "{:02x}",
    )
    form = rng.choice(forms)
    high = rng.choice((128, 256))
    return _filled(lambda: form.format(rng.randrange(high)))


def tags(rng: random.Random) -> str:
    size = rng.choice((1, 2, 50))
    kind = rng.choice(((0xE0000, 0xE0080), (0xFE00, 0xFE10), (0xE0100, 0xE01F0)))
    return _filled(
        lambda: rng.choice("a😀") + "".join(chr(rng.randrange(*kind)) for _ in range(size))
    )


def unseen(rng: random.Random) -> str:
    kinds = rng.sample(UNSEEN, rng.randint(1, 3))
    return _filled(lambda: rng.choice("killаб") + "".join(rng.choices(kinds, k=rng.randint(1, 9))))


def spaced(rng: random.Random) -> str:
    gaps = rng.choice((" ", ".", "-", "\n", " . ", "  "))
    alphabet = rng.choice((string.ascii_lowercase, SCRIPTS[1], SCRIPTS[3], string.digits + "abc"))
    return _filled(
        lambda: (
            gaps.join(rng.choices(alphabet, k=rng.randint(3, 9))) + rng.choice(("  ", " ab ", ", "))
        )
    )


def cut(rng: random.Random) -> str:
    marks = rng.choice(("-", ".", "<b>", "**", "<!-- x -->", '" + "', "_", "\u00ad", "{}"))
    text = PLAIN * 300
    size = rng.randint(1, 4)
    return marks.join(text[at : at + size] for at in range(0, SIZE, size))[:SIZE]


def respelt(rng: random.Random) -> str:
    words = sorted(WORDS)

    def word() -> str:
        letters = list(rng.choice(words))
        rng.shuffle(letters)
        return "".join(letter * rng.choice((1, 1, 2, 3)) for letter in letters) + " "

    return _filled(word)


def leet(rng: random.Random) -> str:
    table = str.maketrans("aeiost", rng.choice(("431057", "@31$+0", "43!0$7")))
    return (
        (PLAIN * 300).translate(table)[:SIZE]
        if rng.random() < 0.5
        else _filled(lambda: _letters(rng, "abc1340@$!", rng.randint(2, 12)) + " ")
    )


def _rot13(text: str) -> str:
    return codecs.encode(text, "rot13")


def ciphers(rng: random.Random) -> str:
    text = (PLAIN * 300)[:SIZE]
    kinds: tuple[Callable[[str], str], ...] = (
        lambda part: part[::-1],
        _rot13,
        lambda part: _rot13(part[::-1]),
        str,
    )
    size = rng.choice((30, 60, 200, SIZE))
    return "".join(rng.choice(kinds)(text[at : at + size]) for at in range(0, SIZE, size))


def signs(rng: random.Random) -> str:
    nato = ("alpha", "bravo", "kilo", "lima", "x-ray", "november")
    kinds: tuple[Callable[[], str], ...] = (
        lambda: rng.choice(MORSE) + " ",
        lambda: rng.choice(nato) + rng.choice((" ", "-", ", ", "  ")),
        lambda: chr(rng.randrange(0x2800, 0x2840)),
        lambda: rng.choice("ɐqɔpǝɟƃɥᴉɾʞןɯ \n"),
        lambda: (
            "xn--"
            + _letters(rng, string.ascii_lowercase + string.digits + "-", rng.randint(2, 59))
            + ". "
        ),
    )
    kind = rng.choice(kinds)
    return _filled(kind)


def nested(rng: random.Random) -> str:
    coders: tuple[Callable[[str], str], ...] = (
        lambda text: base64.b64encode(text.encode("utf-8", "replace")).decode(),
        lambda text: base64.b32encode(text.encode("utf-8", "replace")).decode(),
        lambda text: text.encode("utf-8", "replace").hex(),
        _rot13,
        lambda text: text[::-1],
        lambda text: "".join(f"%{byte:02x}" for byte in text.encode("utf-8", "replace")),
        lambda text: "".join(f"&#{ord(char)};" for char in text),
        " ".join,
        "\u200b".join,
        lambda text: "".join(chr(0xE0000 + ord(char)) if char.isascii() else char for char in text),
    )
    text = PLAIN * rng.randint(1, 100)
    for _ in range(rng.randint(1, 4)):
        text = rng.choice(coders)(text[:SIZE])
    return (text * (SIZE // len(text) + 1))[:SIZE]


BASIC: tuple[Generator, ...] = (
    unicode, everything, ascii_noise, zalgo, scripts, alike, long_runs, repeated, almost_base64,
    headed, numbers, tags, unseen, spaced, cut, respelt, leet, ciphers, signs, nested,
)  # fmt: skip


def mixed(rng: random.Random) -> str:
    """Stretches of several generators, so that many transforms find their sign."""
    parts = [rng.choice(BASIC)(rng) for _ in range(rng.randint(2, 6))]
    size = SIZE // len(parts) // 2
    return "".join(part[:size] for part in parts) + (PLAIN * 100)[: SIZE // 4]


GENERATORS = (*BASIC, mixed)


def bounded(text: str) -> str:
    """The text's first 32 KiB of UTF-8."""
    raw = text.encode("utf-8", "surrogatepass")[:SIZE]
    return raw.decode("utf-8", "ignore")


def timed(text: str, words: frozenset[str]) -> tuple[float, bool]:
    began = time.thread_time()
    found = views(text, words)
    return (time.thread_time() - began) * 1e3, found.complete


def quantile(sorted_values: list[float], share: float) -> float:
    return sorted_values[min(len(sorted_values) - 1, int(share * len(sorted_values)))]


class Figures:
    """Prints and keeps figures, one JSON object a line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def record(self, name: str, value: float, unit: str, note: str) -> None:
        line = json.dumps({"name": name, "value": round(value, 3), "unit": unit, "note": note})
        print(line, flush=True)
        with self._path.open("a") as file:
            file.write(line + "\n")

    def times(self, name: str, values: list[float]) -> None:
        values.sort()
        for label, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0)):
            self.record(f"views_{name}_{label}", quantile(values, share), "ms", f"of {len(values)}")


def fuzz(cases: int, seed: int, figures: Figures) -> None:
    times: dict[str, list[float]] = defaultdict(list)
    crashed = unfinished = 0
    for case in range(cases):
        rng = random.Random(f"{seed}/{case}")
        generator = GENERATORS[case % len(GENERATORS)]
        text = bounded(generator(rng))
        try:
            took, complete = timed(text, WORDS)
        except Exception as error:  # noqa: BLE001 - any of them is what is looked for
            crashed += 1
            print(f"case {seed}/{case} of {generator.__name__}: {error!r}", file=sys.stderr)
            continue
        times[generator.__name__].append(took)
        unfinished += not complete
    for name, values in sorted(times.items()):
        figures.times(f"hostile_32kib_{name}", values)
    figures.times("hostile_32kib", [took for values in times.values() for took in values])
    figures.record("views_crashed", crashed, "cases", f"of {cases}")
    figures.record("views_unfinished", unfinished, "cases", f"of {cases}, refused: budget spent")


def plain(figures: Figures) -> None:
    for name, size, turns in (("1kb", 1024, 2000), ("32kib", SIZE, 200)):
        text = (PLAIN * 300)[:size]
        figures.times(f"plain_{name}", [timed(text, WORDS)[0] for _ in range(turns)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for guard_views.jsonl")
    parser.add_argument("--cases", type=int, default=100_000, help="hostile texts")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    out = given.out / "guard_views.jsonl"
    out.unlink(missing_ok=True)
    figures = Figures(out)
    statistics.mean([timed(PLAIN, WORDS)[0] for _ in range(100)])  # warm
    plain(figures)
    fuzz(given.cases, given.seed, figures)


if __name__ == "__main__":
    main()
