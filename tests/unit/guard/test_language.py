import pytest

from casemate.guard.folding import fold
from casemate.guard.language import Languages

WORDS = {
    "en": ("the", "of", "and", "is", "with"),
    "es": ("el", "de", "los", "que", "con", "y"),
    "ru": ("и", "в", "на", "что", "не"),
    "ar": ("في", "من", "على", "إلى"),
    "ko": (),
    "zh": (),
    "pt": ("o", "de", "os", "que", "com", "não", "uma", "e", "você"),
    "uk": ("\u0456", "в", "на", "що", "не", "та"),
    "fa": ("در", "که", "این", "است", "از"),
}
COVERED = frozenset({"en", "es", "ru", "ar", "ko", "zh"})
LANGUAGES = Languages(COVERED, WORDS)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("the state of the art", "en"),
        ("los datos que vienen con el informe", "es"),
        ("что на столе и в шкафу", "ru"),
        ("ذهب من البيت إلى المدرسة", "ar"),
        ("이것은 문장입니다", "ko"),
        ("这是一个句子", "zh"),
        ("这是 API 的 endpoint", "zh"),
    ],
)
def test_a_language_with_figures_is_named_and_covered(text: str, code: str):
    found = LANGUAGES.identify(text, fold(text))
    assert (found.code, found.covered) == (code, True)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("você não vem com os outros e uma amiga", "pt"),
        ("що на столі та в шафі, це не тут", "uk"),
        ("این کتاب است که در خانه از او", "fa"),
        ("これはペンです。それは本です", "ja"),
        ("Αυτό είναι ένα βιβλίο", ""),
        ("यह एक किताब है", ""),
        ("นี่คือหนังสือ", ""),
        ("זה ספר טוב", ""),
    ],
)
def test_a_language_without_figures_is_not_covered(text: str, code: str):
    found = LANGUAGES.identify(text, fold(text))
    assert (found.code, found.covered) == (code, False)


@pytest.mark.parametrize(
    "text",
    ["", "42", "kubectl get pods -A", "Anna Lopez", "{'a': [1, 2]}", "β = 0.05", "de", "ok!"],
)
def test_too_little_to_go_by_is_not_another_language(text: str):
    assert LANGUAGES.identify(text, fold(text)).covered


def test_a_word_that_comes_again_and_again_counts_once():
    code = "for os in os.listdir(os): os.remove(os); os.stat(os)"
    assert LANGUAGES.identify(code, fold(code)).covered
    again = f"{code} e não com uma"
    assert not LANGUAGES.identify(again, fold(again)).covered, "control: other words count"
