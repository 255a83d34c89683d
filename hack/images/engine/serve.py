"""Serve one GGUF model on a Unix socket, OpenAI-compatible, with llama.cpp through xllamacpp.

Runs as the engine container of a ModelDeployment. Settings come from the environment only:

==================================  ==========================================================
``CASEMATE_MODEL_PATH``             the model file, or a folder that holds exactly one ``*.gguf``
``CASEMATE_ENGINE_SOCKET``          socket to listen on; must end in ``.sock``
``CASEMATE_MODEL_NAME``             name that clients use (default ``model``)
``CASEMATE_ENGINE_CONTEXT``         tokens of context per request (default 2048)
``CASEMATE_ENGINE_SLOTS``           requests served at once (default 1)
``CASEMATE_ENGINE_THREADS``         CPU threads (default: what the container may use)
``CASEMATE_ENGINE_DRAIN_SECONDS``   longest wait for running requests at SIGTERM (default 20)
==================================  ==========================================================
"""

import math
import os
import re
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import xllamacpp

LINGER_SECONDS = 2.0  # after SIGTERM new requests still arrive until endpoints are updated
POLL_SECONDS = 0.1
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
        context=_number(env, "CASEMATE_ENGINE_CONTEXT", 2048, 64, 1 << 20),
        slots=_number(env, "CASEMATE_ENGINE_SLOTS", 1, 1, 256),
        threads=_number(env, "CASEMATE_ENGINE_THREADS", usable_cpus(), 1, 1024),
        drain_seconds=_number(env, "CASEMATE_ENGINE_DRAIN_SECONDS", 20, 0, 3600),
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


def _parameters(settings: Settings) -> xllamacpp.CommonParams:
    params = xllamacpp.CommonParams()
    params.model.path = str(settings.model)
    params.model_alias = {settings.name}  # else the id would be the file's path
    params.hostnames = [str(settings.socket)]
    params.n_ctx = settings.context * settings.slots
    params.n_parallel = settings.slots
    params.cpuparams.n_threads = settings.threads
    params.cpuparams_batch.n_threads = settings.threads
    params.cache_ram_mib = 0  # keep no prompts once their request is over, and no 8 GiB for them
    params.endpoint_slots = False  # would show other callers' prompts
    params.endpoint_props = False
    params.endpoint_metrics = True  # counts running requests, which a clean stop needs
    params.ui = False
    params.offline = True
    return params


def _running(server: xllamacpp.Server) -> int:
    """Count requests that are being served or wait."""
    counts = re.findall(
        r"^llamacpp:requests_(?:processing|deferred) ([0-9.]+)$",
        server.handle_metrics(),
        re.MULTILINE,
    )
    return sum(int(float(count)) for count in counts)


def _drain(server: xllamacpp.Server, drain_seconds: int) -> bool:
    """Wait until nothing runs; say whether that was so before the time was up."""
    begin = time.monotonic()
    while time.monotonic() - begin < drain_seconds:
        if time.monotonic() - begin >= LINGER_SECONDS and not _running(server):
            return True
        time.sleep(POLL_SECONDS)
    return not _running(server)


def main() -> int:
    """Serve until SIGTERM or SIGINT, then finish what runs."""
    stops = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)  # before threads start: they inherit it
    try:
        settings = read_settings(os.environ)
    except SettingError as error:
        print(f"engine: {error}", file=sys.stderr)
        return 2
    settings.socket.unlink(missing_ok=True)  # left by a container that was killed
    os.umask(0o007)  # the gateway shares our group, nobody else may connect
    server = xllamacpp.Server(_parameters(settings))
    print(f"engine: serving {settings.name} from {settings.model} on {settings.socket}", flush=True)
    stop = signal.sigwait(stops)
    print(f"engine: {signal.Signals(stop).name}, finishing running requests", flush=True)
    drained = _drain(server, settings.drain_seconds)
    settings.socket.unlink(missing_ok=True)
    if not drained:
        print(f"engine: cut off what still ran after {settings.drain_seconds} s", flush=True)
        os._exit(1)  # the server's own stop would wait half a minute more for them
    del server
    return 0


if __name__ == "__main__":
    sys.exit(main())
