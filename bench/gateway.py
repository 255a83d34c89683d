"""What the gateway and its guard cost, in one run: the engine alone, nginx, and three gateways.

Usage: bench/gateway.py --out DIR [--quick]. Everything runs on loopback and Unix sockets. The
gateways are `empty` (no checks), `linear` (the guard without its sentence encoder) and `guard`
(all of it, as it ships). Texts are new each time, since the guard remembers what it has judged;
the load `repeated` sends one conversation again and again, as chats do.
"""

import argparse
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import uvloop
from gateway_client import Target
from gateway_loads import SEEDS, Bench, chat, conversation
from gateway_setup import Process, cpu, make_bundle, memory, nginx_config

GATEWAYS = ("empty", "linear", "guard")


def ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def wait_until_ready(port: int, process: Process) -> None:
    deadline = time.monotonic() + 120
    while not ready(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the gateway did not become ready")
        time.sleep(0.02)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def gateway_command(kind: str, folder: Path, port: int, metrics: int) -> list[str]:
    subject = [str(Path(__file__).with_name("gateway_subject.py")), kind]
    return [
        *(sys.executable, *(["-m", "casemate", "gateway"] if kind == "guard" else subject)),
        *("--listen", f"127.0.0.1:{port}", "--metrics", f"127.0.0.1:{metrics}"),
        *("--tls-bundle", str(folder / "bundle.pem"), "--engine", f"unix://{folder}/engine.sock"),
        *("--identity", "anonymous"),  # what names cost is the warden's; see the cache's own test
    ]


@contextlib.contextmanager
def started(command: list[str]) -> Iterator[Process]:
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(15)


def cold_starts(bench: Bench, folder: Path, times: int) -> None:
    took: dict[str, list[float]] = {kind: [] for kind in GATEWAYS}
    busy: dict[str, list[float]] = {kind: [] for kind in GATEWAYS}
    for kind in GATEWAYS * times:
        metrics = free_port()
        began = time.monotonic()
        with started(gateway_command(kind, folder, free_port(), metrics)) as process:
            wait_until_ready(metrics, process)
            took[kind].append(time.monotonic() - began)
            busy[kind].append(cpu(process.pid))
    for kind in GATEWAYS:
        told = f"median of {times}; of it {statistics.median(busy[kind]):.2f} s of processor time"
        bench.record(f"cold_start_{kind}", statistics.median(took[kind]), "s", told)


async def measure(bench: Bench, *, quick: bool) -> None:
    bench.compare("sequential_1kb", await bench.sequential(15), "one after the other")
    seconds = 2 if quick else 5
    for rate in (5, 50):
        samples = await bench.at_rate(rate, seconds, lambda: chat("60/0", next(SEEDS)))
        bench.compare(f"rate_{rate}_1kb", samples, f"{rate} requests/s")
    again = conversation()
    bench.compare("repeated_50", await bench.at_rate(50, seconds, lambda: again), "50 requests/s")
    await bench.reading()
    await bench.throughput("paced_10_per_s", "60/100")
    await bench.throughput("paced_50_per_s", "100/20")
    await bench.cost(50 if quick else 200)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for gateway.jsonl")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    out = given.out / "gateway.jsonl"
    out.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        context = make_bundle(folder)
        engine = [sys.executable, str(Path(__file__).with_name("gateway_engine.py"))]
        stack.enter_context(started([*engine, str(folder / "engine.sock")]))
        ports = {each: free_port() for each in ("nginx", *GATEWAYS)}
        pids = {"nginx": stack.enter_context(started(nginx_config(folder, ports["nginx"]))).pid}
        targets = [Target("direct", socket=str(folder / "engine.sock"))]
        targets += [Target(each, port=port, context=context) for each, port in ports.items()]
        bench = Bench(targets, pids, out, 2 if given.quick else 5)
        for kind in GATEWAYS:
            metrics = free_port()
            command = gateway_command(kind, folder, ports[kind], metrics)
            process = stack.enter_context(started(command))
            wait_until_ready(metrics, process)
            pids[kind] = process.pid
            bench.record(f"rss_idle_{kind}", memory(process.pid), "MiB", "before any request")
        bench.record("load_before", os.getloadavg()[0], "runnable", "others' work, 1 minute")
        uvloop.run(measure(bench, quick=given.quick))
        for each, pid in pids.items():
            bench.record(f"rss_{each}", memory(pid), "MiB", "after all loads")
        cold_starts(bench, folder, 3 if given.quick else 10)


if __name__ == "__main__":
    main()
