from pathlib import Path

import pytest

from images.engine.settings import SettingError, read_settings, usable_cpus


@pytest.fixture
def env(tmp_path: Path):
    (tmp_path / "model.gguf").write_bytes(b"GGUF....")
    return {
        "CASEMATE_MODEL_PATH": str(tmp_path),
        "CASEMATE_ENGINE_SOCKET": str(tmp_path / "engine.sock"),
    }


def test_a_folder_with_one_model_serves_it(env: dict[str, str], tmp_path: Path):
    settings = read_settings(env)
    assert settings.model == tmp_path / "model.gguf"
    assert (settings.name, settings.context, settings.slots) == ("model", 2048, 1)


def test_a_file_serves_itself(env: dict[str, str], tmp_path: Path):
    env["CASEMATE_MODEL_PATH"] += "/model.gguf"
    assert read_settings(env).model == tmp_path / "model.gguf"


def test_a_folder_with_two_models_is_refused_by_name(env: dict[str, str], tmp_path: Path):
    (tmp_path / "other.gguf").write_bytes(b"GGUF")
    with pytest.raises(
        SettingError, match=r"exactly one .gguf file, found: model.gguf, other.gguf"
    ):
        read_settings(env)


def test_a_folder_without_a_model_is_refused(env: dict[str, str], tmp_path: Path):
    (tmp_path / "model.gguf").unlink()
    with pytest.raises(SettingError, match="found: none"):
        read_settings(env)


def test_something_else_than_a_model_is_refused(env: dict[str, str], tmp_path: Path):
    (tmp_path / "model.gguf").write_bytes(b"PK\x03\x04")
    with pytest.raises(SettingError, match="is not a GGUF file"):
        read_settings(env)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("CASEMATE_MODEL_PATH", "", "CASEMATE_MODEL_PATH is not set"),
        ("CASEMATE_MODEL_PATH", "/nowhere", "neither a file nor a folder"),
        ("CASEMATE_ENGINE_SOCKET", "", "CASEMATE_ENGINE_SOCKET is not set"),
        ("CASEMATE_ENGINE_SOCKET", "/tmp/engine", "must end in .sock"),
        ("CASEMATE_ENGINE_SOCKET", "/tmp/" + "x" * 110 + ".sock", "at most 107 bytes"),
        ("CASEMATE_ENGINE_SOCKET", "/nowhere/engine.sock", "/nowhere does not exist"),
        ("ENGINE_CONTEXT", "many", "whole number from 64"),
        ("ENGINE_SLOTS", "0", "whole number from 1 to 256"),
        ("ENGINE_THREADS", "-1", "ENGINE_THREADS=-1"),
    ],
)
def test_bad_settings_are_refused_by_name(env: dict[str, str], name: str, value: str, message: str):
    read_settings(env)
    with pytest.raises(SettingError, match=message):
        read_settings({**env, name: value})


@pytest.mark.parametrize(
    ("files", "cpus"),
    [
        ({"cpu.max": "max 100000"}, None),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, 1),
        ({}, None),
    ],
)
def test_threads_follow_the_cpu_limit_of_either_cgroup_version(
    tmp_path: Path, files: dict[str, str], cpus: int | None
):
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert usable_cpus(tmp_path) == (cpus or usable_cpus(Path("/nowhere")))
