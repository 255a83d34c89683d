"""Policies with one thing left out: a check, a match condition, or one operand of either. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from casemate.admission.policy import Check, Policy

_OPEN, _CLOSE = "([{", ")]}"
_APART = (" ? ", " : ", ", ")
"""What ends an operand, besides the operators themselves; `.?` and `[?` are none of these."""


_NONE = Check("true", "''")


@dataclass(frozen=True)
class Mutant:
    """A policy, and what was left out of it."""

    policy: Policy
    lacks: str


def _top(text: str) -> Iterator[tuple[int, str]]:
    """Yield each character that stands outside of brackets and strings, with its place."""
    depth, quote = 0, ""
    for place, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote and text[place - 1] != "\\" else quote
        elif sign in "'\"":
            quote = sign
        elif sign in _CLOSE:
            depth -= 1
        elif sign in _OPEN:
            depth += 1
        elif depth == 0:
            yield place, sign


def _split(text: str, *separators: str) -> list[str]:
    """Split at separators outside of brackets and strings; they stay, as items of their own."""
    parts, start = [], 0
    for place, _ in _top(text):
        found = next((one for one in separators if text.startswith(one, place)), "")
        if found and place >= start:
            parts += [text[start:place], found]
            start = place + len(found)
    return [*parts, text[start:]]


def _groups(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the outermost brackets begin and end."""
    outside = {place for place, _ in _top(text)}
    start = None
    for place in range(len(text) + 1):
        if place in outside or place == len(text):
            if start is not None and text[start] in _OPEN:
                yield start + 1, place - 1
            start = None
        elif start is None or (text[place] in _OPEN and text[place - 1] in _CLOSE):
            if start is not None:
                yield start + 1, place - 1
            start = place


def without_operand(text: str) -> Iterator[str]:
    """Yield the expression with each operand of `&&` and `||` left out in turn, at any depth."""
    for operators in (_APART, (" || ", " ||"), (" && ", " &&")):
        parts = _split(text, *operators)
        if len(parts) == 1:
            continue
        for index in range(0, len(parts), 2):
            if operators is not _APART:
                rest = parts[:index] + parts[index + 2 :] if index else parts[2:]
                rest = parts[: index - 1] if index == len(parts) - 1 else rest
                yield "".join(rest)
            for shorter in without_operand(parts[index]):
                yield "".join([*parts[:index], shorter, *parts[index + 1 :]])
        return
    for start, end in _groups(text):
        for shorter in without_operand(text[start:end]):
            yield text[:start] + shorter + text[end:]


def _checks(policy: Policy) -> Iterator[Mutant]:
    for index, check in enumerate(policy.checks):
        before, after = policy.checks[:index], policy.checks[index + 1 :]
        yield Mutant(replace(policy, checks=(*before, _NONE, *after)), f"check {index}")
        for number, text in enumerate(without_operand(check.expression)):
            other = (*before, Check(text, check.message), *after)
            yield Mutant(
                replace(policy, checks=other), f"operand {number} of check {index}: {text}"
            )


def mutants(policy: Policy) -> Iterator[Mutant]:
    """Yield every mutant of a policy."""
    yield from _checks(policy)
    for name, text in policy.when.items():
        others = {key: value for key, value in policy.when.items() if key != name}
        yield Mutant(replace(policy, when=others), f"match condition {name}")
        for number, shorter in enumerate(without_operand(text)):
            when = policy.when | {name: shorter}
            yield Mutant(replace(policy, when=when), f"operand {number} of {name}: {shorter}")
    for name, text in policy.variables.items():
        for number, shorter in enumerate(without_operand(text)):
            variables = policy.variables | {name: shorter}
            lacks = f"operand {number} of variable {name}: {shorter}"
            yield Mutant(replace(policy, variables=variables), lacks)
    for index in range(len(policy.targets)):
        if len(policy.targets) > 1:
            left = policy.targets[:index] + policy.targets[index + 1 :]
            yield Mutant(replace(policy, targets=left), f"target {policy.targets[index].resources}")
    if policy.enclaves_only:
        yield Mutant(replace(policy, enclaves_only=False), "the limit to enclaves")
