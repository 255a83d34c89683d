"""Serve one GGUF model on a Unix socket, OpenAI-compatible, with llama.cpp through xllamacpp.

Runs as the engine container of a ModelDeployment. Settings come from the environment only:

==================================  ==========================================================
``CASEMATE_MODEL_PATH``             the model file, or a folder that holds exactly one ``*.gguf``
``CASEMATE_ENGINE_SOCKET``          socket to listen on; must end in ``.sock``
``CASEMATE_MODEL_NAME``             name that clients use (default ``model``)
``ENGINE_CONTEXT``                  tokens of context per request (default 2048)
``ENGINE_SLOTS``                    requests served at once (default 1)
``ENGINE_THREADS``                  CPU threads (default: what the container may use)
``ENGINE_DRAIN_SECONDS``            longest wait for running requests at SIGTERM (default 20)
==================================  ==========================================================
"""

import os
import re
import signal
import sys
import time

import xllamacpp

from .settings import SettingError, Settings, read_settings

LINGER_SECONDS = 2.0  # after SIGTERM new requests still arrive until endpoints are updated
POLL_SECONDS = 0.1


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
