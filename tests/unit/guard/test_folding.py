import pytest

from casemate.guard.folding import fold


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("", "  "),
        ("Call-records, 2026!", " call records 0 "),
        ("rank_targets(list)", " rank targets list "),
        ("El señor Müller à Paris", " el senor muller a paris "),
        ("straße", " strasse "),
        ("учёт зелёный", " учет зелены\u0438 "),
        ("监控 所有人。", " 监控 所有人 "),
        ("전화번호를 수집", " 전화번호를 수집 "),
        ("والهاتف بالهاتف", " هاتف هاتف "),
        ("مُرَاقَبَة", " مراقبه "),
        ("ال", " ال "),
    ],
)
def test_a_text_is_folded_to_words_with_one_space_between_and_round_them(text: str, folded: str):
    assert fold(text) == folded


@pytest.mark.parametrize("text", ["Größe, naïve", "والوثائق", "한국어 문장", "ёлка", "a_b-c"])
def test_folding_twice_is_folding_once(text: str):
    assert fold(fold(text)) == fold(text)
