"""Read the engine's settings from the environment, and refuse what cannot be served."""

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MAX_SOCKET_PATH = 107  # bytes, the kernel's limit


class SettingError(Exception):
    """The environment does not describe a model that can be served."""


@dataclass(frozen=True)
class Settings:
    """What to serve and how."""

    model: Path
    socket: Path
    name: str
    context: int
    slots: int
    threads: int
    drain_seconds: int


def read_settings(env: Mapping[str, str]) -> Settings:
    """Read and check the environment.

    Raises:
        SettingError: Something is missing or out of range; the message names the variable.
    """
    return Settings(
        model=find_model(Path(_required(env, "CASEMATE_MODEL_PATH"))),
        socket=_socket(Path(_required(env, "CASEMATE_ENGINE_SOCKET"))),
        name=env.get("CASEMATE_MODEL_NAME") or "model",
        context=_number(env, "ENGINE_CONTEXT", 2048, 64, 1 << 20),
        slots=_number(env, "ENGINE_SLOTS", 1, 1, 256),
        threads=_number(env, "ENGINE_THREADS", usable_cpus(), 1, 1024),
        drain_seconds=_number(env, "ENGINE_DRAIN_SECONDS", 20, 0, 3600),
    )


def find_model(path: Path) -> Path:
    """Return the model file at a path, or the only one in a folder.

    Raises:
        SettingError: There is no such file, no choice or no single choice, or it is not GGUF.
    """
    if path.is_dir():
        models = sorted(path.glob("*.gguf"))
        if len(models) != 1:
            names = ", ".join(model.name for model in models) or "none"
            raise SettingError(
                f"CASEMATE_MODEL_PATH: {path} must hold exactly one .gguf file, found: {names}",
            )
        path = models[0]
    if not path.is_file():
        raise SettingError(f"CASEMATE_MODEL_PATH: {path} is neither a file nor a folder")
    with path.open("rb") as model:
        magic = model.read(4)
    if magic != b"GGUF":
        raise SettingError(
            f"CASEMATE_MODEL_PATH: {path} is not a GGUF file (starts with {magic!r})"
        )
    return path


def usable_cpus(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Count the CPUs this container may use: its affinity, cut to its limit (cgroup v2 or v1)."""
    cpus = len(os.sched_getaffinity(0))
    try:
        if (cgroup / "cpu.max").exists():
            quota, period = (cgroup / "cpu.max").read_text().split()
        else:
            quota = (cgroup / "cpu" / "cpu.cfs_quota_us").read_text().strip()
            period = (cgroup / "cpu" / "cpu.cfs_period_us").read_text().strip()
    except OSError:
        return cpus
    if quota in {"max", "-1"}:
        return cpus
    return max(1, min(cpus, math.ceil(int(quota) / int(period))))


def _required(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    if not value:
        raise SettingError(f"{name} is not set")
    return value


def _number(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = env.get(name) or str(default)
    if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
        raise SettingError(f"{name}={text} must be a whole number from {low} to {high}")
    return int(text)


def _socket(path: Path) -> Path:
    if path.suffix != ".sock" or len(os.fsencode(path)) > MAX_SOCKET_PATH:
        raise SettingError(
            f"CASEMATE_ENGINE_SOCKET={path} must end in .sock and have at most "
            f"{MAX_SOCKET_PATH} bytes",
        )
    if not path.parent.is_dir():
        raise SettingError(f"CASEMATE_ENGINE_SOCKET: the folder {path.parent} does not exist")
    return path
