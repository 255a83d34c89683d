"""Ordinary office English for the gateway's benchmark: every sentence new, since the guard
remembers what it has judged. A text follows from its seed alone."""

import random

TASKS = ("Summarise", "Translate", "Check", "Rewrite", "Shorten", "Explain", "Review", "Outline")
THINGS = (
    "the report on road repairs", "the minutes of the budget meeting", "the plan for the library",
    "the timetable of the school buses", "the contract with the bakery", "the letter to the mill",
    "the list of spare parts for the pumps", "the notes about the water supply",
    "the course material on first aid", "the invoice for the office chairs",
)  # fmt: skip
PEOPLE = ("our accountants", "the workshop", "the new colleagues", "the council", "the warehouse")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
SHAPES = (
    "{task} {thing} for {people} by {day}, item {n}.",
    "On {day} {people} asked about {thing}, page {n}.",
    "{thing} has {n} pages, and {people} need it before {day}.",
    "Please tell {people} that {thing} costs {n} euros less than in spring.",
    "In section {n} of it we say how {people} can use {thing} from {day} on.",
)


def sentence(draw: random.Random) -> str:
    text = draw.choice(SHAPES).format(
        task=draw.choice(TASKS),
        thing=draw.choice(THINGS),
        people=draw.choice(PEOPLE),
        day=draw.choice(DAYS),
        n=draw.randrange(10, 1_000_000),
    )
    return text[0].upper() + text[1:]


def text(seed: int, size: int) -> str:
    """Return sentences of about ``size`` characters, always the same for the same seed."""
    draw = random.Random(seed)
    parts: list[str] = []
    length = 0
    while length < size:
        parts.append(sentence(draw))
        length += len(parts[-1]) + 1
    return " ".join(parts)


def words(seed: int, count: int) -> list[str]:
    """Return the first words of a text, each with the space behind it: an answer's tokens."""
    size = 8 * count
    while len(found := text(seed, size).split(" ")) < count:
        size *= 2
    return [f"{word} " for word in found[:count]]
