"""What is remembered has a bound, in texts and in what was found in them."""

from casemate.guard.memory import MOST_HELD, REMEMBERED, Remembered

MANY = 1000


def held(remembered: Remembered[tuple[int, ...]], texts: list[str]) -> list[str]:
    return [text for text in texts if text in remembered.of([text])]


def test_texts_that_were_not_met_for_longest_are_forgotten() -> None:
    remembered: Remembered[tuple[int, ...]] = Remembered(len)
    texts = [f"text {n}" for n in range(REMEMBERED + 3)]
    for text in texts[:-3]:
        remembered.add({text: ()})
    remembered.of(texts[:2])
    remembered.add(dict.fromkeys(texts[-3:], ()))

    assert held(remembered, texts) == [*texts[:2], *texts[5:]]


def test_a_text_in_which_much_was_found_takes_the_place_of_many() -> None:
    remembered: Remembered[tuple[int, ...]] = Remembered(len)
    texts = [f"text {n}" for n in range(MOST_HELD // MANY + 1)]
    for text in texts[:-1]:
        remembered.add({text: tuple(range(MANY))})
    assert held(remembered, texts) == texts[:-1], "control: as many as there is room for"

    remembered.add({texts[-1]: tuple(range(MANY))})
    assert held(remembered, texts) == texts[1:]
    assert remembered.held <= MOST_HELD


def test_what_is_told_twice_of_a_text_is_held_once() -> None:
    remembered: Remembered[tuple[int, ...]] = Remembered(len)
    for _ in range(3):
        remembered.add({"text": (1, 2)})

    assert remembered.held == 2
