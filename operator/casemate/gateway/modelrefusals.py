"""Recognises when the model itself refuses; that is counted, and nothing is changed.

The model's own refusals are the innermost of the layers, and the only one that is not built here:
how often they are what stops a request says how much the others rely on them.
"""
# ruff: noqa: RUF001  other scripts are the point

import re
from collections.abc import Callable
from dataclasses import dataclass

from casemate.gateway.answertext import bits
from casemate.gateway.checks import Cleared, OutputSession, Piece, RequestView
from casemate.guard.types import Verdict

HEAD_CHARS = 160
"""Refusals begin with it: later in an answer the same words mean something else."""
_REFUSALS = r"""
(?:i['’]?m|i\ am)\s+(?:really\ |very\ |so\ )?sorry,?\s+(?:but\s+)?(?:i\s+(?:can|am|will|won)|that)
|sorry,?\s+(?:but\s+)?i\s+(?:can|am\ not\ able|won)
|i(?:\s+(?:can['’]?t|cannot|can\ not|won['’]?t|will\ not|am\ unable\ to)|['’]m\ unable\ to)
  \s+(?:to\s+)?(?:help|assist|provide|comply|fulfil|support|do\ that|engage|participate|create)
|i['’]?m\s+(?:unable|not\ able|not\ going)\s+to
|i\s+(?:must|have\ to)\s+(?:decline|refuse)
|as\ an\ ai\b.{0,60}\b(?:cannot|can['’]?t|not\ able|unable)
|lo\ siento,?\s+(?:pero\s+)?no\ puedo
|no\ puedo\s+(?:ayudar|asistir|proporcionar|cumplir|hacer\ eso)
|(?:je\ suis\s+)?désolée?,?\s+(?:mais\s+)?je\ ne\ (?:peux|puis)
|je\ ne\ (?:peux|puis)\ pas\s+(?:vous\s+|t['’])?(?:aider|assister|fournir|répondre)
|(?:es\ )?tut\ mir\ leid,?\s+(?:aber\s+)?(?:ich|das|dabei|damit)
|ich\ kann\s+(?:\w+\s+){0,4}nicht\s+(?:helfen|dabei|unterstützen|weiterhelfen|erfüllen)
|(?:извините|простите|к\ сожалению),?\s+(?:но\s+)?я\ не\ (?:могу|смогу)
|я\ не\ могу\s+(?:с\ этим\s+|вам\s+)?(?:помочь|помогать|предоставить|выполнить)
|(?:很?抱歉|对不起|對不起)[，,。]?\s*(?:但)?我?(?:无法|無法|不能|不可以)
|我(?:无法|無法|不能)(?:帮助|幫助|协助|協助|提供|满足|回答)
|(?:عذرا|عذرًا|آسف|أعتذر|اعتذر)[،,]?\s*(?:ولكن\s+|لكن\s+)?(?:لا\ أستطيع|لا\ يمكنني|لا\ استطيع)
|لا\ (?:أستطيع|يمكنني)\s+(?:مساعدتك|المساعدة|تقديم|تلبية)
|(?:죄송|미안)(?:합니다|하지만|해요)[,.]?.{0,40}(?:수\ 없|없습니다|어렵습니다)
"""
"""In English, Spanish, French, German, Russian, Chinese, Arabic and Korean."""
_REFUSES = re.compile(rf"\W*(?:{_REFUSALS})", re.IGNORECASE | re.VERBOSE)
_ANSWERS = frozenset({"message.content", "text"})


@dataclass(frozen=True, slots=True)
class ModelRefusals:
    """An output check that lets everything pass and counts what the model refuses."""

    count: Callable[[], None]
    name: str = "model-refusals"

    def open(self, _request: RequestView) -> OutputSession:
        """Begin with an answer."""
        return _Listener(self.count)


class _Listener:
    def __init__(self, count: Callable[[], None]) -> None:
        self._count = count
        self._pieces = 0
        self._heads: dict[int, str] = {}
        self._refusing: set[int] = set()

    async def feed(self, piece: Piece) -> Cleared:
        self._pieces += 1
        for bit in bits(piece.data):
            if bit.path == "message.refusal":
                self._refusing.add(bit.choice)
            elif bit.path in _ANSWERS:
                head = self._heads.get(bit.choice, "")
                if len(head) < HEAD_CHARS:
                    self._heads[bit.choice] = head + bit.text[:HEAD_CHARS]
        return Cleared(Verdict.ALLOW, self._pieces)

    async def finish(self) -> Cleared:
        self._refusing.update(n for n, head in self._heads.items() if refuses(head))
        for _ in self._refusing:
            self._count()
        return Cleared(Verdict.ALLOW, self._pieces)


def refuses(text: str) -> bool:
    """Whether an answer begins with the refusal of a model."""
    return _REFUSES.match(text[:HEAD_CHARS]) is not None
