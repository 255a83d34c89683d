"""What the gateway costs: the engine alone, nginx before it, our gateway before it, in one run.

Usage: bench/gateway.py --out DIR [--quick]. Everything runs on loopback and Unix sockets. The
three targets take turns in short rounds, so that a noisy machine is noisy for all of them.
"Added" means the difference to the engine alone at the same percentile.
"""

import argparse
import asyncio
import contextlib
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvloop
from gateway_client import Link, Target, request
from gateway_setup import Process, cpu, make_bundle, memory, nginx_config

NAMES = ("direct", "nginx", "gateway")
QUANTILES = (50, 90, 99)
STREAMS = 64


def chat(prompt: str, *, stream: bool = False, size: int = 1024) -> bytes:
    message = {"role": "user", "content": prompt}
    body: dict[str, Any] = {"model": "m", "messages": [message], "temperature": 0.2}
    if stream:
        body["stream"] = True
    filler = size - len(json.dumps(body))
    body["messages"] = [{"role": "system", "content": "x" * max(1, filler - 40)}, message]
    return request(json.dumps(body).encode())


def quantile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


class Bench:
    def __init__(
        self, targets: list[Target], pids: dict[str, int], out: Path, *, quick: bool
    ) -> None:
        self.targets = targets
        self.pids = pids
        self.out = out
        self.rounds = 3 if quick else 12

    def record(self, name: str, value: float, unit: str, reference: str) -> None:
        line = json.dumps(
            {"name": name, "value": round(value, 4), "unit": unit, "reference": reference}
        )
        print(line, flush=True)
        with self.out.open("a") as file:
            file.write(line + "\n")

    def compare(self, name: str, samples: dict[str, list[float]]) -> None:
        for percent in QUANTILES:
            base = quantile(samples["direct"], percent)
            self.record(f"{name}_direct_p{percent}", base * 1e3, "ms", "engine alone")
            for target in NAMES[1:]:
                added = quantile(samples[target], percent) - base
                self.record(f"{name}_{target}_added_p{percent}", added * 1e3, "ms", "over direct")

    async def latency(self, workers: int, per_round: int) -> dict[str, list[float]]:
        samples: dict[str, list[float]] = {name: [] for name in NAMES}
        data = chat("hello")
        links = {
            target.name: [await Link.to(target) for _ in range(workers)] for target in self.targets
        }

        async def work(link: Link, into: list[float]) -> None:
            into += [await link.ask(data) for _ in range(per_round // workers)]

        for turn in range(self.rounds + 1):
            for name, group in links.items():
                into: list[float] = []
                await asyncio.gather(*(work(link, into) for link in group))
                if turn:  # the first round warms up
                    samples[name] += into
        for group in links.values():
            for link in group:
                link.close()
        return samples

    async def cost(self) -> None:
        """Measure processor time, which other work on the machine hardly changes."""
        count = 500 * self.rounds
        for name, pid in self.pids.items():
            link = await Link.to(next(target for target in self.targets if target.name == name))
            before = cpu(pid)
            for _ in range(count):
                await link.ask(chat("hello"))
            each = (cpu(pid) - before) / count
            self.record(f"cpu_per_request_{name}", each * 1e6, "us", f"of {count}, sequential")
            before = cpu(pid)
            await link.ask(chat(f"{count}/1", stream=True), streamed=True)
            each = (cpu(pid) - before) / count
            self.record(f"cpu_per_event_{name}", each * 1e6, "us", f"of {count}, 1 ms apart")
            link.close()

    async def first_token(self) -> dict[str, list[float]]:
        samples: dict[str, list[float]] = {name: [] for name in NAMES}
        data = chat("2/0", stream=True)
        for turn in range(self.rounds + 1):
            for target in self.targets:
                link = await Link.to(target)
                for _ in range(30):
                    await link.ask(data, streamed=True)
                    if turn:
                        samples[target.name].append(link.first - link.began)
                link.close()
        return samples

    async def chunks(self) -> dict[str, list[float]]:
        samples: dict[str, list[float]] = {name: [] for name in NAMES}
        for _ in range(self.rounds):
            for target in self.targets:
                link = await Link.to(target)
                await link.ask(chat("100/4", stream=True), streamed=True)
                samples[target.name] += link.gaps
                link.close()
        return samples

    async def streams(self, target: Target, prompt: str) -> tuple[float, list[float]]:
        links = [await Link.to(target) for _ in range(STREAMS)]
        data = chat(prompt, stream=True)
        began = time.monotonic()
        await asyncio.gather(*(link.ask(data, streamed=True) for link in links))
        took = time.monotonic() - began
        gaps = [gap for link in links for gap in link.gaps]
        for link in links:
            link.close()
        return len(gaps) / took, gaps

    async def throughput(self) -> None:
        turns = max(2, self.rounds // 4)
        for name, prompt in (("paced_50_per_s", "100/20"), ("unpaced", "300/0")):
            rates: dict[str, list[float]] = {target: [] for target in NAMES}
            gaps: dict[str, list[float]] = {target: [] for target in NAMES}
            for _ in range(turns):
                for target in self.targets:
                    rate, seen = await self.streams(target, prompt)
                    rates[target.name].append(rate)
                    gaps[target.name] += seen
            for target_name in NAMES:
                self.record(
                    f"streams_{STREAMS}_{name}_{target_name}",
                    statistics.median(rates[target_name]),
                    "events/s",
                    f"median of {turns} rounds",
                )
            if name != "unpaced":
                self.compare(f"streams_{STREAMS}_{name}_event", gaps)


def ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def wait_until_ready(port: int, process: Process) -> None:
    deadline = time.monotonic() + 20
    while not ready(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the gateway did not become ready")
        time.sleep(0.005)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def gateway_command(folder: Path, port: int, metrics: int) -> list[str]:
    return [
        *(sys.executable, "-m", "casemate", "gateway"),
        *("--listen", f"127.0.0.1:{port}", "--metrics", f"127.0.0.1:{metrics}"),
        *("--tls-bundle", str(folder / "bundle.pem"), "--engine", f"unix://{folder}/engine.sock"),
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
    took = []
    for _ in range(times):
        metrics = free_port()
        began = time.monotonic()
        with started(gateway_command(folder, free_port(), metrics)) as process:
            wait_until_ready(metrics, process)
            took.append(time.monotonic() - began)
    bench.record("gateway_cold_start", statistics.median(took), "s", f"median of {times}")


async def measure(bench: Bench) -> None:
    bench.compare("sequential_1kb", await bench.latency(1, 200))
    bench.compare("concurrent_16_1kb", await bench.latency(16, 480))
    bench.compare("sse_first_token", await bench.first_token())
    bench.compare("sse_event", await bench.chunks())
    await bench.throughput()
    await bench.cost()


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
        ports = {"nginx": free_port(), "gateway": free_port()}
        metrics = free_port()
        nginx = stack.enter_context(started(nginx_config(folder, ports["nginx"])))
        gateway = stack.enter_context(started(gateway_command(folder, ports["gateway"], metrics)))
        wait_until_ready(metrics, gateway)
        targets = [Target("direct", socket=str(folder / "engine.sock"))]
        targets += [Target(key, port=port, context=context) for key, port in ports.items()]
        pids = {"nginx": nginx.pid, "gateway": gateway.pid}
        bench = Bench(targets, pids, out, quick=given.quick)
        bench.record("gateway_rss_idle", memory(gateway.pid), "MiB", "before the first request")
        uvloop.run(measure(bench))
        bench.record("gateway_rss", memory(gateway.pid), "MiB", "after all loads")
        bench.record("nginx_rss", memory(nginx.pid), "MiB", "after all loads, master and worker")
        cold_starts(bench, folder, 3 if given.quick else 10)


if __name__ == "__main__":
    main()
