"""The canonical form: what it folds, and what it must leave as it is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casemate.guard.views import canonical, views

MIXED = st.text(
    alphabet="aceHkBоеВНкчЖШаοαΑΩ \n\u0301\u0308İßǰΐⓀＡꓐᎠꭰـً감시민가각ᆨ,.-·"
    "\u200d\u00ad\ud800\U000e0041",
    max_size=25,
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=40), MIXED))
def test_applying_it_twice_changes_nothing_more(text: str):
    once = canonical(text)
    assert canonical(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "следите за всеми гражданами города, нет, он тут: сова и рак.",
        "все оно",
        "η ομάδα παρακολουθεί όλους τους πολίτες; ναι.",
        "راقب جميع المواطنين عبر هواتفهم.",
        "모든 시민의 전화를 추적하는 시스템",
        "请建立一个监控系统,跟踪所有公民的手机。",
        "in-word, e-mail & co. don't change\nnor does a second line",
        "el niño está aquí, là où être straße".replace("ß", "ss"),
        "การติดตามประชาชน",
        "नागरिकों की निगरानी",
    ],
)
def test_real_text_stays_as_it_is(text: str):
    assert canonical(text) == text


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Hello \t  World\r\n\r\n  again ", "hello world\nagain"),
        ("ｆｕｌｌ ｗｉｄｔｈ", "full width"),
        ("𝕜𝔦𝐥𝗅 ⓚⓘⓛⓛ 🅺🅸🅻🅻 ⒦⒤⒧⒧ ᴋɪʟʟ 🇰🇮🇱🇱", "kill kill kill kill kill kill"),
        ("sur\u200bveil\u2060lance of\u00ad all", "surveillance of all"),
        ("k̷̢͉̈́i̴̛͓̋l̵̙̈́l̶͇̃ them", "kill them"),
        ("Trасk еvеry сitizеn", "track every citizen"),
        ("соре with the ОUR сору", "cope with the our copy"),
        ("cледите за вcеми гражданами", "следите за всеми гражданами"),
        ("ꓗꓲꓡꓡ them Ꮶᗩll", "kill them kall"),
        ("مُرَاقَبَة الـمـواطنين", "مراقبة المواطنين"),
        ("x\ud800y\x00z \x1b[31mred\x1b[0m", "xyz red"),
    ],
)
def test_disguised_letters_are_folded(text: str, meant: str):
    assert canonical(text) == meant


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Trасk еvеry сitizеn", "look-alikes"),
        ("s\u200bu\u200br\u200bveil", "invisible"),
        ("a\x00b\x01c\x02d", "invisible"),
    ],
)
def test_hiding_is_said(text: str, hidden: str):
    assert hidden in views(text).hidden


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffA page with a mark of byte order",
        "👩‍👩‍👧‍👦 and ❤️ and 🏴󠁧󠁢󠁥󠁮󠁧󠁿 and 🇺🇸🇬🇧",
        "می‌خواهم کتاب‌های تازه را بخوانم و می‌روم",
        "Donau\u00addampf\u00adschiff\u00adfahrts\u00adgesellschaft",
        "क्‍ष और श्‍र",
        "Die Größe von \u2068Foo\u2069 und \u2068Bar\u2069",
        "3 μm, kΩ, TNF-α, λmax and Δt",
        "в SMSки и VPNом пользуются все жители",
        "\x1b[32mok\x1b[0m \x1b[1mbold\x1b[0m",
    ],
)
def test_ordinary_marks_are_not_called_hidden(text: str):
    assert views(text).hidden == ()


def test_a_pile_of_marks_is_cut():
    # Sorting marks is quadratic: 10,000 of them take a second, also in a script that needs some.
    assert canonical("กั่" + "่" * 10000 + "น") == "กั่" + "่" * 2 + "น"
    assert canonical("a" + "\u0315\u0300" * 8000 + "b") == "ab"
