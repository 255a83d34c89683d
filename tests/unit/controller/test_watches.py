"""How kopf is set up to watch: patient, quick to notice, and seen when it lists."""

import logging
from itertools import islice
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from casemate.controller import watches
from casemate.controller.login import login


def test_attempts_never_end_and_are_never_far_apart() -> None:
    waits = watches.settings().networking.error_backoffs
    for _ in range(2):
        assert not isinstance(waits, float)
        found = list(islice(waits, 1000))
        assert len(found) == 1000
        assert 0 < min(found) <= max(found) < 5


def test_a_watch_shows_something_before_it_counts_as_dead_and_silence_is_noticed_in_time() -> None:
    chosen = watches.settings().watching
    assert chosen.server_timeout is not None
    # The API server sends a bookmark 2 s before the end of a watch.
    assert chosen.server_timeout < chosen.inactivity_timeout < 30


async def test_a_list_is_seen_and_a_watch_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = 200

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({}, status=status)

    app = web.Application()
    app.router.add_get("/{what}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server = f"http://127.0.0.1:{runner.addresses[0][1]}"
    monkeypatch.setenv("KUBECONFIG", str(_kubeconfig(tmp_path / "kubeconfig", server)))
    seen: list[str] = []
    granted: list[str] = []
    found = await login(lambda: seen.append("list"), {"/things": lambda: granted.append("things")})(
        logger=logging.getLogger(), settings=watches.settings()
    )
    assert found is not None
    async with found.aiohttp_session as session:
        for query, lists in (("watch=true", 0), ("limit=250", 1), ("limit=250&continue=x", 2)):
            async with session.get(f"{found.server}/things?{query}"):
                assert len(seen) == lists, query
        assert len(granted) == 3
        async with session.get(f"{found.server}/others?watch=true"):
            assert len(granted) == 3, "control: of another collection"
        status = 403
        async with session.get(f"{found.server}/things?watch=true"):
            assert len(granted) == 3, "a refusal tells nothing"
    await runner.cleanup()


def _kubeconfig(path: Path, server: str) -> Path:
    document = {
        "clusters": [{"name": "x", "cluster": {"server": server}}],
        "users": [{"name": "x", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "current-context": "x",
    }
    path.write_text(yaml.safe_dump(document))
    return path
