"""The program: a scrape, its ports, and which names it answers by."""

import argparse

import pytest
from aiohttp.test_utils import TestClient, TestServer

from casemate.console import main
from casemate.console.metrics import REGISTRY
from casemate.ports import health
from support.metrics import differences, documented, shown


async def test_a_scrape_shows_exactly_what_is_documented() -> None:
    async with TestClient(TestServer(health(REGISTRY))) as client:
        text = await (await client.get("/metrics")).text()
        assert (await client.get("/readyz")).status == 200
    assert differences(documented("Console"), shown(text)) == []


def test_it_answers_by_its_service_by_forwarded_ports_and_as_the_site_says() -> None:
    given = argparse.Namespace(namespace="casemate-system", host=["Approvals.enclave.local"])
    hosts = main._hosts(given)
    assert {
        "casemate-console.casemate-system.svc",
        "localhost",
        "127.0.0.1",
        "::1",
        "approvals.enclave.local",
    } <= hosts
    assert "casemate-warden.casemate-system.svc" not in hosts


def test_without_a_certificate_it_ends_with_a_sentence(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(main, "_CERTIFICATE_SECONDS", 0.1)
    folder = tmp_path_factory.mktemp("nothing")
    given = [f"--tls-bundle={folder / 'bundle.pem'}", f"--api-ca={folder / 'ca.crt'}"]
    assert main.main(given) == 1
    assert "no usable certificate" in caplog.text
