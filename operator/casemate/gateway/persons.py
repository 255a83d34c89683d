"""A cheap finder of persons and their identifiers, for counting how many somebody asks about.

It counts, it does not judge: a place that is taken for a person costs its caller one of many, and a
person that is missed (a name in lower case, a nickname) is one that is not counted. Spellings of
one name count as one, so that neither accents nor order let anybody look like more or fewer.
"""
# ruff: noqa: RUF001  other scripts are the point

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

SLICE_CHARS = 16 << 10
"""Text is read in slices, so that no single search holds the interpreter for long."""
_OVERLAP = 80
_MAX_WORDS = 4
"""More capitalised words in a row are a heading."""
_NAME_CHARS = range(2, 25)

_WORDS = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*|[.,:;!?()\n]|\d+")
_EMAIL = re.compile(r"[\w.+\-]{1,64}@[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,4}")
_PHONE = re.compile(r"(?<![\w.])(?:\+|00)\d[\d ().\-/]{6,20}\d(?!\w)")
_GROUPED = re.compile(r"(?<![\w.\-])\d{2,4}(?:[ .\-/]\d{2,5}){2,4}(?![\w\-])")
_DATE = re.compile(r"(?:\d{4}[.\-/]\d{1,2}[.\-/]\d{1,2}|\d{1,2}[.\-/]\d{1,2}[.\-/]\d{2,4})")
_BARE = re.compile(r"(?<![\w.,\-])\d{8,18}[A-Za-z]?(?![\w,\-])")
_NATIONAL = re.compile(
    r"(?<!\w)(?:\d{3}-\d{2}-\d{4}|\d{6}-[1-8]\d{6}|\d{17}[\dXx]|\d{8}-?[A-Z]|[A-Z]{6}\d{2}[A-Z]\d{2}"
    r"[A-Z]\d{3}[A-Z]|[A-Z]{2}\d{6}[A-D])(?!\w)"
)
_PLATE = re.compile(r"(?<!\w)[A-Z]{1,3}[- ]?(?:[A-Z]{1,2}[- ]?)?\d{2,4}(?:[- ]?[A-Z]{1,3})?(?!\w)")
_NUMBER_CUE = re.compile(
    r"phone|mobile|cell|call|number|\bid\b|passport|ssn|imsi|imei|msisdn|account|tel[eé]f|m[oó]vil|"
    r"dni|pasaporte|t[eé]l[eé]phone|num[eé]ro|nummer|handy|ausweis|телефон|номер|паспорт|"
    r"电话|手机|号码|身份证|هاتف|رقم|전화|번호|주민",
    re.IGNORECASE,
)
_PLATE_CUE = re.compile(
    r"plate|licen[cs]e|vehicle|\bcar\b|registration|matr[ií]cula|immatriculation|plaque|kennzeichen|"
    r"fahrzeug|госномер|номерн|автомоб|车牌|لوحة|차량|번호판",
    re.IGNORECASE,
)
_HAN_NAME = re.compile(
    r"(?:名叫|叫做|叫|姓名[::]?\s*|公民|居民|嫌疑人|员工)([\u4e00-\u9fff]{2,3}?)"
    r"(?=[的在是与和、,,。.!?\s住]|$)"
    r"|([\u4e00-\u9fff]{1,3})(?:先生|女士|小姐|さん|氏|様)"
)
_HANGUL_NAME = re.compile(
    r"([\uac00-\ud7a3]{2,4})\s?(?:씨|님|군|양)(?![\uac00-\ud7a3]{2})"
    r"|이름[은이]?\s?[::]?\s?([\uac00-\ud7a3]{2,4}?)(?=[의은는이가을를,.\s]|$)"
)
_ARABIC_NAME = re.compile(
    r"(?:السيدة|السيد|الدكتور|المواطن|المواطنة|اسمه|اسمها|المدعو)\s+([\u0621-\u064a]+\s+[\u0621-\u064a]+)"
)
_TITLES_TEXT = """
mr mrs ms miss dr prof sir lady herr frau hr fr señor señora sr sra srta don doña m mme mlle
monsieur madame господин госпожа гражданин
"""
# Capitalised words that begin sentences, or stand in the names of places, bodies and things.
_NO_NAMES_TEXT = """
a an and are as at be but by can could did do does find for from get give has have he hello hi
her his how i if in is it list look make may my new no not now of on one or our please she show
so some tell that the their then there these they this those to track us was we were what when
where which who whose why will with would write yes you your north south east west united
monday tuesday wednesday thursday friday saturday sunday january february march april june july
august september october november december english french german russian chinese arabic korean
spanish american european british
el la los las un una quién dónde qué cuál cómo le les une qui où quel quelle der die das ein eine
wer wo was wie ist und où кто где что как это он она
"""
_BODIES_TEXT = """
university college school street road avenue city county state states kingdom republic union
ministry department agency office bank group inc corp corporation company ltd gmbh institute
committee council court party army navy force forces act agreement article chapter section
version project system service services api model data center centre national international
airport station hospital church museum park river lake mountain bay island sea ocean war
learning intelligence security server windows linux python java york london paris berlin
straße strasse platz universität bundesrepublik ministerium calle avenida universidad ministerio
rue université ministère улица университет министерство
"""


def persons(body: Mapping[str, Any]) -> set[str]:
    """Return the persons that a request asks about, each as one normalised string.

    Only what the caller asks is read (messages of users and tools, prompts, inputs), and not what
    the model said before.
    """
    found: set[str] = set()
    for text in _texts(body):
        for at in range(0, max(1, len(text)), SLICE_CHARS):
            found.update(find(text[max(0, at - _OVERLAP) : at + SLICE_CHARS]))
    return found


def find(text: str) -> Iterator[str]:
    """Yield the persons and identifiers in a text; the same one may come more than once."""
    yield from _names(text)
    for pattern in (_HAN_NAME, _HANGUL_NAME, _ARABIC_NAME):
        for match in pattern.finditer(text):
            yield "name:" + "".join(next(filter(None, match.groups())).split())
    yield from _identifiers(text)


def _identifiers(text: str) -> Iterator[str]:
    for match in _EMAIL.finditer(text):
        name, _, host = match.group().casefold().partition("@")
        yield f"mail:{name.partition('+')[0]}@{host}"
    for match in _NATIONAL.finditer(text):
        yield _number(match.group())
    for match in _PHONE.finditer(text):
        yield _number(match.group())
    if _NUMBER_CUE.search(text):
        for pattern in (_GROUPED, _BARE):
            for match in pattern.finditer(text):
                if not _DATE.fullmatch(match.group()):
                    yield _number(match.group())
    if _PLATE_CUE.search(text):
        for match in _PLATE.finditer(text):
            yield f"plate:{_squeezed(match.group())}"


def _number(text: str) -> str:
    # The last nine digits are the same with and without a country's or a trunk prefix.
    return f"number:{''.join(filter(str.isalnum, text)).casefold()[-9:]}"


def _squeezed(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


def _names(text: str) -> Iterator[str]:
    """Yield runs of capitalised words that may be the name of a person."""
    run: list[str] = []
    inverted = False
    for match in _WORDS.finditer(text):
        word = match.group()
        if _is_name(word):
            run.append(word)
            continue
        if word == "," and len(run) == 1 and not inverted:
            inverted = True  # "Carter, John"
            continue
        if word == "." and run and _plain(run[-1]) in _TITLES:
            continue
        yield from _name(run)
        run, inverted = [], False
    yield from _name(run)


def _is_name(word: str) -> bool:
    parts = re.split(r"['’\-]", word)
    return len(word) in _NAME_CHARS and word[0].isupper() and any(p[1:].islower() for p in parts)


def _name(run: list[str]) -> Iterator[str]:
    words = [_plain(word) for word in run]
    if _BODIES.intersection(words):
        return
    words = [word for word in words if word not in _TITLES]
    while words and words[0] in _NO_NAMES:
        del words[0]
    if words and words[-1] in _NO_NAMES:
        del words[-1]
    if 2 <= len(words) <= _MAX_WORDS:  # noqa: PLR2004  a given name and a family's
        # First and last, in no order: middle names come and go, and so do commas.
        yield "name:" + " ".join(sorted((words[0], words[-1])))


def _plain(word: str) -> str:
    bare = unicodedata.normalize("NFKD", word.casefold())
    return "".join(char for char in bare if char.isalpha())


_TITLES = frozenset(map(_plain, _TITLES_TEXT.split()))
_NO_NAMES = frozenset(map(_plain, _NO_NAMES_TEXT.split()))
_BODIES = frozenset(map(_plain, _BODIES_TEXT.split()))


def _texts(body: Mapping[str, Any]) -> Iterator[str]:
    for message in body.get("messages") or ():
        if message["role"] in {"user", "tool"}:
            yield from _content(message.get("content"))
    for field in ("prompt", "input"):
        yield from _content(body.get(field))


def _content(content: Any) -> Iterator[str]:
    if type(content) is str:
        yield content
    elif type(content) is list:
        for part in content:
            yield part if type(part) is str else part.get("text") or ""
