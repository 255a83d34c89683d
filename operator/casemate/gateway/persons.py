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

# Upper-case letters of Latin, Greek, Cyrillic and Armenian: the engine has no class for them.
_UPPER = "".join(filter(str.isupper, map(chr, [*range(0x250), *range(0x370, 0x590)])))
_LETTER = r"(?:[^\W\d_]|['’\-\u2010-\u2013])"
# Only runs of capitalised words are looked at word by word: the rest of a text costs little.
_RUN = re.compile(rf"(?<!\w)[{_UPPER}]{_LETTER}*(?:[.,]?[ \t]+[{_UPPER}]{_LETTER}*)+")
_WORDS = re.compile(rf"{_LETTER}+|[.,]")
_SHORTEST_CAPITALS = 4
_EMAIL = re.compile(r"[\w.+\-]{1,64}@[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,4}")
_PHONE = re.compile(r"(?<![\w.])(?:\+|00)\d[\d ().\-/]{6,20}\d(?!\w)")
_GROUPED = re.compile(r"(?<![\w.\-])\d{2,4}(?:[ .\-/]\d{2,5}){2,4}(?![\w\-])")
_DATE = re.compile(r"(?:\d{4}[.\-/]\d{1,2}[.\-/]\d{1,2}|\d{1,2}[.\-/]\d{1,2}[.\-/]\d{2,4})")
_BARE = re.compile(r"(?<![\w.,\-])\d{8,18}[A-Za-z]?(?![\w,\-])")
_DIGITS = re.compile(r"\d{2}")
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
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
    "姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
    "張劉陳楊黃趙吳孫馬羅鄭許韓馮鄧葉蘇魏呂盧鍾譚陸範賈韋鄒龍賀顧龔萬錢嚴湯"
)
_HAN_NAME = re.compile(
    r"(?:名叫|叫做|叫|姓名[:\uff1a]?\s*|公民|居民|嫌疑人|员工)([\u4e00-\u9fff]{2,3}?)"
    r"(?=[的在是与和、,\uff0c。.!?\s住]|$)"
    rf"|([{_SURNAMES}][\u4e00-\u9fff]{{0,2}}?)(?:先生|女士|小姐)"
    r"|([\u4e00-\u9fff]{2,4})(?:さん|氏|様)"
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
    if "@" in text:
        for match in _EMAIL.finditer(text):
            name, _, host = match.group().casefold().partition("@")
            yield f"mail:{name.partition('+')[0]}@{host}"
    # Most text has no number in it that could be somebody's, and looking for words costs the most.
    if _DIGITS.search(text):
        for pattern in (_NATIONAL, _PHONE):
            yield from (_number(match.group()) for match in pattern.finditer(text))
        yield from _with_cue(text)


def _with_cue(text: str) -> Iterator[str]:
    """Yield numbers and plates, which are somebody's only where the text speaks of such."""
    matches = [match for pattern in (_GROUPED, _BARE) for match in pattern.finditer(text)]
    numbers = [match.group() for match in matches if not _DATE.fullmatch(match.group())]
    if numbers and _NUMBER_CUE.search(text):
        yield from map(_number, numbers)
    plates = [match.group() for match in _PLATE.finditer(text)]
    if plates and _PLATE_CUE.search(text):
        yield from (f"plate:{_squeezed(plate)}" for plate in plates)


def _number(text: str) -> str:
    # The last nine digits are the same with and without a country's or a trunk prefix.
    return f"number:{''.join(filter(str.isalnum, text)).casefold()[-9:]}"


def _squeezed(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


def _names(text: str) -> Iterator[str]:
    """Yield what may be the name of a person: two to four capitalised words in a row."""
    for match in _RUN.finditer(text):
        parts: list[list[str]] = [[]]
        for word in _WORDS.findall(match.group()):
            if word == ",":
                parts.append([])
            elif word != "." or (parts[-1] and not _abbreviates(parts[-1][-1])):
                parts.append([]) if word == "." else parts[-1].append(word)
        if len(parts) == 2 and len(parts[0]) == len(parts[1]) == 1:  # noqa: PLR2004
            parts = [parts[1] + parts[0]]  # "Carter, John"
        for part in parts:
            yield from _name([word for word in part if len(word) > 1])


def _abbreviates(word: str) -> bool:
    """Whether a full stop behind a word of a name does not end the sentence."""
    return len(word) == 1 or _plain(word) in _TITLES


def _name(run: list[str]) -> Iterator[str]:
    words = [_plain(word) for word in run]
    if _BODIES.intersection(words) or not all(map(_may_name, run)) or _all_capitals(run):
        return
    words = [word for word in words if word not in _TITLES]
    while words and words[0] in _NO_NAMES:
        del words[0]
    if words and words[-1] in _NO_NAMES:
        del words[-1]
    if 2 <= len(words) <= _MAX_WORDS:  # noqa: PLR2004  a given name and a family's
        # First and last, in no order: middle names come and go, and so do commas.
        yield "name:" + " ".join(sorted((words[0], words[-1])))


def _may_name(word: str) -> bool:
    return len(word) in _NAME_CHARS and (not word.isupper() or len(word) >= _SHORTEST_CAPITALS)


def _all_capitals(run: list[str]) -> bool:
    return all(word.isupper() for word in run)


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
