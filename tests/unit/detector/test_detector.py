"""Client, server and conformance test of the detector API, over real loopback connections."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from aiohttp import ClientSession, web

from casemate.detector import contract, server
from casemate.detector.client import Detector, DetectorError, Detectors, Hit
from casemate.detector.conformance import Subject, Trial, trials
from casemate.detector.contract import ContractError

LINE = "use-of-force"
BAD, GOOD = "please FORBIDDEN this", "please bake this"


@dataclass(frozen=True)
class Found:
    line: str = LINE
    sub: str = "f01"
    tier: str = "lexicon"
    score: float = 0.9


def find(text: str) -> list[Any]:
    if "EXPLODE" in text:
        raise RuntimeError(text)
    return [Found()] if "FORBIDDEN" in text else []


def find_in_chat(body: Any) -> list[Any]:
    return find(str(body))


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[int]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def ours() -> web.Application:
    return server.application(frozenset({LINE}), find, find_in_chat)


def answering(answer: Callable[[web.Request], Any]) -> web.Application:
    async def handle(request: web.Request) -> web.StreamResponse:
        made = answer(request)
        response: web.StreamResponse = await made if asyncio.iscoroutine(made) else made
        return response

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    return app


def says(value: Any, status: int = 200) -> web.Application:
    raw = value if isinstance(value, bytes) else orjson.dumps(value)
    return answering(lambda _: web.Response(body=raw, status=status))


async def asked(port: int, *texts: str, deadline: float = 5.0) -> list[Hit]:
    async with Detectors(deadline) as detectors:
        return await detectors.find([Detector("words", port, LINE)], texts)


async def post(port: int, path: str, body: bytes, detector_id: str | None) -> tuple[int, Any]:
    headers = {} if detector_id is None else {contract.DETECTOR_ID: detector_id}
    async with (
        ClientSession() as session,
        session.post(f"http://127.0.0.1:{port}{path}", data=body, headers=headers) as answer,
    ):
        return answer.status, await answer.json()


async def test_the_client_finds_what_the_server_finds_and_says_in_which_text() -> None:
    async with serving(ours()) as port:
        hits = await asked(port, GOOD, BAD)

        assert [(hit.detector, hit.text, hit.detection.kind) for hit in hits] == [
            ("words", 1, LINE)
        ]
        assert not await asked(port, GOOD), "control"


async def test_a_detection_below_the_threshold_does_not_count() -> None:
    entry = {"start": 0, "end": 1, "detection": "x", "detection_type": "y", "score": 0.49}
    async with serving(says([[entry]])) as port:
        assert not await asked(port, BAD)
    async with serving(says([[entry | {"score": 0.5}]])) as port:
        assert await asked(port, BAD), "control"


SPAN = {"start": 0, "end": 1, "detection": "x", "detection_type": "y", "score": 1}


@pytest.mark.parametrize(
    "app",
    [
        says({"message": "no"}, 500),
        says([[]], 404),
        says([[]], 302),
        says(b"<html>"),
        says({}),
        says([]),
        says([[], []]),
        says([None]),
        says([[None]]),
        says([[SPAN | {"score": "high"}]]),
        says([[SPAN | {"score": True}]]),
        says([[SPAN | {"score": 1.5}]]),
        says([[SPAN | {"end": 10_000}]]),
        says([[SPAN | {"start": -1}]]),
        says([[SPAN | {"detection_type": None}]]),
        says(b"[[]" + b" " * (17 << 20) + b"]"),
    ],
    ids=range(16),
)
async def test_any_other_answer_is_a_failure_and_never_clean(app: web.Application) -> None:
    async with serving(app) as port:
        with pytest.raises(DetectorError):
            await asked(port, GOOD)


async def test_one_deadline_holds_for_all_of_them() -> None:
    async def late(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    loop = asyncio.get_running_loop()
    async with serving(ours()) as good, serving(answering(late)) as slow:
        both = [Detector("words", good, LINE), Detector("slow", slow, LINE)]
        async with Detectors(0.3) as detectors:
            began = loop.time()
            with pytest.raises(DetectorError, match=r"no answer within 0\.3 s"):
                await detectors.find(both, [GOOD])
            assert loop.time() - began < 3
        async with Detectors(5) as detectors:
            assert not await detectors.find(both[:1], [GOOD]), "control"


async def test_one_that_is_not_there_is_named() -> None:
    async with serving(ours()) as port:
        there, gone = Detector("words", port, LINE), Detector("gone", 1, LINE)
        async with Detectors(2) as detectors:
            assert await detectors.absent([there]) is None, "control"
            assert "guardrail gone" in (await detectors.absent([there, gone]) or "")
            with pytest.raises(DetectorError, match="guardrail gone"):
                await detectors.find([there, gone], [GOOD])


async def test_a_redirect_is_not_followed() -> None:
    async with serving(ours()) as port:
        target = f"http://127.0.0.1:{port}{contract.CONTENTS}"
        moved = answering(lambda _: web.Response(status=307, headers={"Location": target}))
        async with serving(moved) as other:
            with pytest.raises(DetectorError, match="status 307"):
                await asked(other, GOOD)


async def test_the_server_answers_about_a_chat() -> None:
    body = orjson.dumps({"messages": [{"role": "user", "content": BAD}], "tools": []})
    async with serving(ours()) as port:
        status, found = await post(port, contract.CHAT, body, server.ALL)

        assert status == 200
        assert [one["detection_type"] for one in found] == [LINE]
        clean = orjson.dumps({"messages": [{"role": "user", "content": GOOD}]})
        assert await post(port, contract.CHAT, clean, server.ALL) == (200, []), "control"


async def test_a_check_that_fails_is_no_clean_answer() -> None:
    async with serving(ours()) as port:
        body = contract.contents_body(["EXPLODE"])
        status, said = await post(port, contract.CONTENTS, body, LINE)

        assert (status, said["code"]) == (500, 500)


async def test_a_refusal_says_what_is_accepted() -> None:
    async with serving(ours()) as port:
        body = contract.contents_body([BAD])
        status, said = await post(port, contract.CONTENTS, body, "other")
        assert status == 404
        assert LINE in said["message"]
        status, said = await post(port, contract.CONTENTS, b"{}", LINE)
        assert status == 422
        assert "contents" in said["message"]


async def conforms(port: int) -> list[Trial]:
    subject = Subject(f"http://127.0.0.1:{port}", LINE, BAD, GOOD)
    return [trial async for trial in trials(subject)]


async def test_our_own_server_conforms() -> None:
    async with serving(ours()) as port:
        assert [one for one in await conforms(port) if one.problem] == []


async def test_a_detector_that_finds_nothing_does_not_conform() -> None:
    async def clean(request: web.Request) -> web.StreamResponse:
        texts = orjson.loads(await request.read() or b"{}").get("contents", [])
        return web.json_response([[] for _ in texts])

    async with serving(answering(clean)) as port:
        failed = {one.name for one in await conforms(port) if one.problem}

        assert "a harmful text is found, a harmless one is not, in order" in failed
        assert "an unknown detector-id has no clean answer" in failed


async def test_more_texts_than_the_contract_allows_are_not_sent() -> None:
    with pytest.raises(ContractError, match="at most"):
        contract.contents_body(["x"] * (contract.MOST_CONTENTS + 1))
    with pytest.raises(ContractError, match="Unicode"):
        contract.contents_body(["\ud800"])
    assert contract.contents_body(["x"]), "control"
