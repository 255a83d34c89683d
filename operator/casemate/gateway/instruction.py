"""The agreement's own instruction to the model: put before every prompt, and never told.

It is a weak layer (a model may ignore what it is told) and stands behind all the others. What it is
for is that a caller can neither leave it out nor have it recited.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import ahocorasick_rs

from casemate.gateway.errors import bad_shape
from casemate.gateway.routes import Route
from casemate.gateway.shape import Accepted
from casemate.gateway.strictjson import dump

RUN = 8
"""So many words of it in a row are a recital."""
_WORD = re.compile(r"[^\W_]+")
# Han and kana have no spaces between words; two characters are about one.
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_UNSPACED_RUN = 2
_FIRST = frozenset({"system", "developer"})

Ways = Callable[[str], Iterable[str]]


class Instruction:
    """One instruction."""

    def __init__(self, text: str, ways: Ways = lambda text: (text,)) -> None:
        """Prepare to find it.

        Args:
            text: The instruction.
            ways: Further readings of an answer in which to look for it, the answer included.
        """
        self.text = text
        self._ways = ways
        words = list(_words(text))
        count = max(1, len(words) - RUN + 1)
        runs = {"".join(words[at : at + RUN]) for at in range(count)} - {""}
        self._runs = ahocorasick_rs.AhoCorasick(sorted(runs)) if runs else None

    def recited(self, text: str) -> bool:
        """Whether a text repeats a run of it, however it is spaced, written large or accented."""
        if self._runs is None:
            return False
        runs = self._runs
        return any(runs.find_matches_as_indexes("".join(_words(way))) for way in self._ways(text))

    def before(self, route: Route, accepted: Accepted) -> Accepted:
        """Return a request with the instruction at its beginning.

        Chats get it as their first system message; a system message that stands first becomes
        its second part, since many chat templates accept only one. Completions know no roles: it
        stands before each prompt, as what leaves it out would be a way round it. Embeddings
        are not written by the model and stay as they are.

        Raises:
            Refusal: 400 for ``echo``, which would recite it.
        """
        if route is Route.CHAT:
            messages = self._chat(accepted.body["messages"])
            body = {**accepted.body, "messages": messages}
        elif route is Route.COMPLETIONS:
            if accepted.body.get("echo"):
                raise bad_shape("echo", "'echo' is not accepted by this deployment.")
            body = {**accepted.body, "prompt": self._prompt(accepted.body["prompt"])}
        else:
            return accepted
        return replace(accepted, body=body, payload=dump(body))

    def _chat(self, messages: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        first = messages[0]
        if first["role"] not in _FIRST:
            return [{"role": "system", "content": self.text}, *messages]
        content = first["content"]
        if type(content) is str:
            joined: Any = f"{self.text}\n\n{content}"
        else:
            joined = [{"type": "text", "text": f"{self.text}\n\n"}, *content]
        return [{**first, "content": joined}, *messages[1:]]

    def _prompt(self, prompt: str | list[str]) -> str | list[str]:
        if type(prompt) is str:
            return f"{self.text}\n\n{prompt}"
        return [f"{self.text}\n\n{text}" for text in prompt]


def _words(text: str) -> Iterable[str]:
    """Yield a text's words without case, accents and width; pairs where words have no spaces."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    for match in _WORD.finditer(plain):
        word = match.group()
        if _UNSPACED.search(word):
            pairs = range(0, len(word), _UNSPACED_RUN)
            yield from (word[at : at + _UNSPACED_RUN] for at in pairs)
        else:
            yield word
