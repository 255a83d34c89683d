import pytest

from casemate.guard.folding import fold
from casemate.guard.lexicon import Lexicon, read

TERMS = {
    "act.track": ["track*", "keep an eye on", "监控", "추적", "مراقب*"],
    "who.citizens": ["citizen", "citizens", "시민", "居民"],
    "act.strike": ["strike"],
    "frame.business": ["strike"],
}
LEXICON = Lexicon(sorted(TERMS), TERMS)


def named(text: str) -> set[str]:
    (found,) = LEXICON.present([fold(text)])
    return {name for name, there in zip(LEXICON.concepts, found, strict=True) if there}


@pytest.mark.parametrize(
    ("text", "concepts"),
    [
        ("Tracking them", {"act.track"}),
        ("the racetrack", set()),
        ("a citizen", {"who.citizens"}),
        ("citizenship law", set()),
        ("keep an\neye   on it", {"act.track"}),
        ("keep an open eye on it", set()),
        ("strike", {"act.strike", "frame.business"}),
        ("请监控居民", {"act.track", "who.citizens"}),
        ("시민들을 추적한다", {"act.track", "who.citizens"}),
        ("والمراقبة", {"act.track"}),
        ("", set()),
    ],
)
def test_a_concept_is_named_by_any_of_its_terms_and_by_nothing_else(text: str, concepts: set[str]):
    assert named(text) == concepts


def test_a_file_of_terms_is_read_line_by_line():
    text = "# comment\nact.track: follow | track*\n\nwho.one: him\nact.track: watch over\n"
    assert read(text) == {"act.track": ("follow", "track*", "watch over"), "who.one": ("him",)}
