"""What may come next on a command line, read from the very parsers that will read the line."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from casemate.cli.main import COMMANDS
from casemate.cli.options import request_name

Names = Callable[[argparse.Namespace], Sequence[str]]
"""Names of held requests, as options say where."""


class Word(NamedTuple):
    """A word that may come next."""

    text: str
    told: str = ""
    """What it means."""


class Next(NamedTuple):
    """What may come next."""

    words: tuple[Word, ...] = ()
    files: bool = False
    """Whether a file may."""


class _Read(NamedTuple):
    """A line as far as it is written."""

    parser: argparse.ArgumentParser
    given: dict[str, str]
    place: int
    """How many positional arguments there are."""
    pending: argparse.Action | None
    """The option whose value comes next."""


def following(line: Sequence[str], names: Names) -> Next:
    """Return what may come next.

    Args:
        line: The words behind `kubectl casemate`; the last is the one that is being written.
        names: Asks for names of held requests, where one may come next.
    """
    *before, current = line or [""]
    found = _first() if not before else _behind(before, current, names)
    return Next(tuple(one for one in found.words if one.text.startswith(current)), found.files)


def _first() -> Next:
    return Next(tuple(Word(name, told) for name, (told, _) in COMMANDS.items()))


def _behind(before: Sequence[str], current: str, names: Names) -> Next:
    name, *rest = before
    if name not in COMMANDS:
        return Next()
    module = import_module(COMMANDS[name][1]().__module__)
    if not hasattr(module, "parser"):
        return Next()
    read = _read(module.parser(name), rest)
    if read.pending is not None:
        return _values(read.pending, read, names)
    if current.startswith("-"):
        return Next(tuple(_options(read.parser)))
    if (commands := _commands(read.parser)) is not None:
        helps = {one.dest: one.help or "" for one in commands._choices_actions}  # noqa: SLF001  argparse has no other way
        return Next(tuple(Word(one, helps.get(one, "")) for one in commands.choices))
    actions = [one for one in _actions(read.parser) if not one.option_strings]
    return _values(actions[read.place], read, names) if read.place < len(actions) else Next()


def _read(parser: argparse.ArgumentParser, words: Sequence[str]) -> _Read:
    given, place = dict[str, str](), 0
    pending: argparse.Action | None = None
    for word in words:
        if pending is not None:
            given[pending.dest], pending = word, None
        elif word.startswith("-"):
            pending = _taking(parser, word)
        elif (commands := _commands(parser)) is not None and word in commands.choices:
            parser, place = commands.choices[word], 0
        else:
            place += 1
    return _Read(parser, given, place, pending)


def _taking(parser: argparse.ArgumentParser, option: str) -> argparse.Action | None:
    """The option of that name, if it takes a value."""
    found = [one for one in _actions(parser) if option in one.option_strings]
    return next((one for one in found if one.nargs != 0), None)


def _values(action: argparse.Action, read: _Read, names: Names) -> Next:
    if action.choices:
        return Next(tuple(Word(str(one)) for one in action.choices))
    if action.type is request_name:
        places: dict[str, Any] = dict.fromkeys(("kubeconfig", "context", "namespace"))
        where = argparse.Namespace(**{**places, **read.given}, all_namespaces=False)
        return Next(tuple(map(Word, names(where))))
    return Next(files=action.type is Path or action.metavar == "FILE")


def _options(parser: argparse.ArgumentParser) -> Iterator[Word]:
    for action in _actions(parser):
        for option in action.option_strings:
            yield Word(option, action.help or "")


def _commands(parser: argparse.ArgumentParser) -> "argparse._SubParsersAction[Any] | None":
    found = (one for one in _actions(parser) if isinstance(one, argparse._SubParsersAction))  # noqa: SLF001  argparse has no other way
    return next(found, None)


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return parser._actions  # noqa: SLF001  argparse has no other way
