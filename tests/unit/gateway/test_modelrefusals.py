"""When the model itself refuses, that is counted, and changes nothing."""
# ruff: noqa: RUF001  other scripts are the point

import pytest

from casemate.gateway.modelrefusals import refuses
from unit.gateway.guarded import delta, says
from unit.gateway.support import CHAT, DONE, FakeEngine, Running
from unit.gateway.test_guard import engine_says
from unit.gateway.test_streaming import events

REFUSES = [
    "I can't help with that.",
    "I can’t assist with this request, but here is what I can do.",
    "I'm sorry, but I can't provide that.",
    "I am very sorry, I cannot do this.",
    "Sorry, but I can't do that.",
    "I'm unable to help with that.",
    "I am unable to provide this information.",
    "I must decline this request.",
    "As an AI language model, I cannot take part in this.",
    "**I cannot assist** with that.",
    "Lo siento, pero no puedo ayudarte con eso.",
    "No puedo ayudar con esa solicitud.",
    "Je suis désolé, mais je ne peux pas vous aider.",
    "Je ne peux pas vous aider à faire cela.",
    "Es tut mir leid, aber ich kann dabei nicht helfen.",
    "Ich kann Ihnen dabei nicht helfen.",
    "Извините, но я не могу помочь с этим.",
    "К сожалению, я не могу этого сделать.",
    "很抱歉，我无法提供帮助。",
    "对不起，我不能回答这个问题。",
    "عذرًا، لا أستطيع مساعدتك في ذلك.",
    "آسف، لا يمكنني تقديم ذلك.",
    "죄송합니다. 그 요청은 도와드릴 수 없습니다.",
    "죄송하지만 도움을 드릴 수 없습니다.",
]
ANSWERS = [
    "The convoy leaves at nine.",
    "I can help with that: first, open the valve.",
    "I'm sorry to hear about your loss. Here is what to do.",
    "You can't help with that alone; ask the quartermaster.",
    'He said "I can\'t help with that" and left.',
    "No puedo creer lo bonito que es: sí, claro.",
    "Je peux vous aider.",
    "Ich kann Ihnen helfen.",
    "Я могу помочь.",
    "我可以帮助你。",
    "يمكنني مساعدتك.",
    "도와드릴 수 있습니다.",
    "",
]


@pytest.mark.parametrize("text", REFUSES)
def test_refusals_of_models_are_known_at_the_start_of_an_answer(text: str) -> None:
    assert refuses(text)
    assert not refuses("Here is a long and helpful answer. " * 6 + text)


@pytest.mark.parametrize("text", ANSWERS)
def test_answers_are_no_refusals(text: str) -> None:
    assert not refuses(text)


async def test_they_are_counted_whole_and_streamed_and_pass_unchanged(
    guarded: Running, engine: FakeEngine
) -> None:
    text = REFUSES[0]
    engine_says(engine, says(text))
    assert (await guarded.post(CHAT)).document["choices"][0]["message"]["content"] == text
    assert await guarded.metric("guard_model_refusals_total") == 1
    engine.respond = events(*[delta(char) for char in text], delta(finish="stop"), DONE)
    assert "content_filter" not in (await guarded.post({**CHAT, "stream": True})).text
    assert await guarded.metric("guard_model_refusals_total") == 2
    engine_says(engine, says("", refusal="No."))
    await guarded.post(CHAT)
    assert await guarded.metric("guard_model_refusals_total") == 3
    engine_says(engine, says(ANSWERS[0]))
    await guarded.post(CHAT)
    assert await guarded.metric("guard_model_refusals_total") == 3
