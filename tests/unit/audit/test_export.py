"""The inspector's way: a log is copied, exported, carried away, and verified where it is not."""

import json
from pathlib import Path
from typing import Any

import pytest

from casemate.cli.main import main
from casemate.warden.log.stamp import SystemClock
from casemate.warden.log.store import Log
from unit.audit.samples import FIELDS, HEX

POD = "casemate-warden-0"
ORIGIN = f"casemate.dev/warden/0b6c/{POD}"


async def logged(folder: Path) -> Path:
    """Make a log with a request that was answered; return its folder."""
    log = await Log.open(folder / "log", ORIGIN, SystemClock())
    verdict: dict[str, Any] = {"verdict": "allow", "line": None, "tier": None, "findings": []}
    request = {"sha256": HEX, "bytes": 412, "stream": False}
    intent = FIELDS["intent"] | {"verdict": verdict, "request": request}
    del intent["approval"]
    entry = await log.append("intent", intent)
    end = {"intent": f"{POD}/{entry.index}", "response": {"sha256": HEX, "bytes": 90}}
    await log.append("outcome", FIELDS["outcome"] | end)
    await log.close()
    return folder / "log"


def terms(folder: Path) -> Path:
    path = folder / "agreements.json"
    path.write_text(json.dumps({"items": []}))
    return path


async def test_what_was_logged_is_exported_and_found_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    volume, out = await logged(tmp_path), tmp_path / "evidence"

    assert (
        main(["audit", "export", str(volume), str(out), "--agreements", str(terms(tmp_path))]) == 0
    )
    assert "4 records" in capsys.readouterr().out
    main(["audit", "verify", str(out), "-o", "json"])
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] != "broken", told
    assert told["logs"][0]["size"] == 4


async def test_a_changed_record_is_found_where_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "evidence"
    assert main(["audit", "export", str(await logged(tmp_path)), str(out)]) == 0
    file = out / "logs" / POD / "records.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"status":200', b'"status":403'))
    capsys.readouterr()

    assert main(["audit", "verify", str(out), "-o", "json"]) == 1
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "broken"
    assert any(one["index"] == 2 for one in found["findings"]), found


@pytest.mark.parametrize("wrong", ["nothing", "no-list"])
async def test_what_is_no_log_or_no_list_of_terms_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: str
) -> None:
    volume = await logged(tmp_path) if wrong == "no-list" else tmp_path
    listed = tmp_path / "list"
    listed.write_text("[]")
    out = tmp_path / "out"

    assert main(["audit", "export", str(volume), str(out), "--agreements", str(listed)]) == 2
    assert "accepted" in capsys.readouterr().err
    assert not out.exists()
