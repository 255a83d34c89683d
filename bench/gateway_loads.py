"""The loads of the gateway's benchmark. The targets take turns in short rounds, so that a noisy
machine is noisy for all of them. Texts are new each time unless a load says otherwise."""

import asyncio
import itertools
import json
import statistics
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

from gateway_client import Link, RefusedError, Target, request
from gateway_setup import cpu
from gateway_texts import text

QUANTILES = (50, 95, 99)
STREAMS = 64
Samples = dict[str, list[float]]
SEEDS = itertools.count(1)


def chat(answer: str, seed: int, *, stream: bool = False, size: int = 1024) -> bytes:
    """Return a request of ``size`` bytes; ``answer`` is COUNT/PAUSE of what the engine says."""
    prompt = f"{text(seed, size - 160)} Keep to {answer}/{seed}."
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": prompt}]}
    return request(json.dumps(body | ({"stream": True} if stream else {})).encode())


def conversation(turns: int = 6) -> bytes:
    """Return one that was seen before, as chats are: all turns are sent again each time."""
    roles = ("user", "assistant")
    messages = [{"role": roles[n % 2], "content": text(n, 250)} for n in range(turns)]
    messages.append({"role": "user", "content": "Keep to 60/0/1."})
    return request(json.dumps({"model": "m", "messages": messages}).encode())


def quantile(values: Sequence[float], percent: int) -> float:
    if len(values) < 2:
        return values[0] if values else float("nan")
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


class Bench:
    def __init__(self, targets: list[Target], pids: dict[str, int], out: Path, rounds: int) -> None:
        self.targets, self.pids, self.out, self.rounds = targets, pids, out, rounds
        self.refused: dict[str, int] = {}

    def record(self, name: str, value: float, unit: str, reference: str) -> None:
        line = {"name": name, "value": round(value, 4), "unit": unit, "reference": reference}
        print(json.dumps(line), flush=True)
        with self.out.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def compare(self, name: str, samples: Samples, told: str) -> None:
        for target, values in samples.items():
            for percent in QUANTILES:
                value = quantile(values, percent) * 1e3
                self.record(f"{name}_{target}_p{percent}", value, "ms", f"{told}; {len(values)}")
            if refused := self.refused.pop(target, 0):
                self.record(f"{name}_{target}_refused", refused, "requests", told)

    async def ask(self, target: Target, link: Link, data: bytes, *, streamed: bool) -> float | None:
        try:
            return await link.ask(data, streamed=streamed)
        except (RefusedError, OSError, TimeoutError) as error:
            if not self.refused.get(target.name):
                print(f"# {target.name}: {error}", flush=True)
            self.refused[target.name] = self.refused.get(target.name, 0) + 1
            return None

    def samples(self) -> Samples:
        return {target.name: [] for target in self.targets}

    def turns(self, rounds: int) -> Iterator[tuple[int, Target]]:
        return itertools.product(range(rounds), self.targets)

    async def sequential(self, per_round: int) -> Samples:
        samples = self.samples()
        for turn, target in self.turns(self.rounds + 1):
            link = await Link.to(target)
            for _ in range(per_round):
                took = await self.ask(target, link, chat("60/0", next(SEEDS)), streamed=False)
                if took is not None and turn:  # the first round warms up
                    samples[target.name].append(took)
            link.close()
        return samples

    async def at_rate(self, rate: float, seconds: float, make: Callable[[], bytes]) -> Samples:
        """Send requests on the clock, whether or not earlier ones are answered."""
        samples = self.samples()

        async def one(target: Target, free: list[Link]) -> None:
            link = free.pop() if free else await Link.to(target)
            took = await self.ask(target, link, make(), streamed=False)
            if took is None:
                link.close()
            else:
                samples[target.name].append(took)
                free.append(link)

        for _, target in self.turns(self.rounds):
            free: list[Link] = []
            await on_the_clock(rate, seconds, lambda: one(target, free))  # noqa: B023  awaited here
            for link in free:
                link.close()
        return samples

    async def streams(
        self, target: Target, answer: str, count: int
    ) -> tuple[float, list[list[tuple[float, float]]], list[float]]:
        """Run streams at once; return the seconds, each one's arrivals and times to the first."""
        links = [await Link.to(target) for _ in range(count)]
        data = [chat(answer, next(SEEDS), stream=True, size=400) for _ in links]
        began = time.monotonic()
        asked = [
            self.ask(target, link, each, streamed=True)
            for link, each in zip(links, data, strict=True)
        ]
        await asyncio.gather(*asked)
        took = time.monotonic() - began
        arrivals = [link.arrivals for link in links if link.arrivals]
        first = [link.arrivals[0][1] - link.began for link in links if link.arrivals]
        for link in links:
            link.close()
        return took, arrivals, first

    async def reading(self) -> None:
        """Measure what one reader sees, at 20 words a second."""
        first, held, cost = (self.samples() for _ in range(3))
        for _, target in self.turns(self.rounds):
            _, arrivals, began = await self.streams(target, "80/50", 3)
            first[target.name] += began
            for each in arrivals:
                held[target.name] += [came - written for written, came in each]
                cost[target.name] += release_costs(each)
        told = "3 streams of 80 words, 50 ms apart"
        self.compare("stream_first_event", first, told)
        self.compare("stream_held_back", held, told + ": from written to received")
        self.compare("stream_release", cost, told + ": from the last word before a release to it")

    async def throughput(self, name: str, answer: str) -> None:
        rates = self.samples()
        for _, target in self.turns(self.rounds):
            took, arrivals, _ = await self.streams(target, answer, STREAMS)
            rates[target.name].append(sum(map(len, arrivals)) / took)
        for target_name, seen in rates.items():
            median = statistics.median(seen)
            share = 100 * median / statistics.median(rates["direct"])
            refused = self.refused.pop(target_name, 0)
            told = f"{share:.1f} % of direct; {len(seen)} rounds, {refused} streams refused"
            self.record(f"streams_{STREAMS}_{name}_{target_name}", median, "events/s", told)

    async def cost(self, count: int) -> None:
        """Measure processor time, which other work on the machine hardly changes."""
        again = conversation()
        for target in self.targets:
            if target.name not in self.pids:
                continue
            link = await Link.to(target)
            new = [chat("60/0", next(SEEDS)) for _ in range(count)]
            events = [chat(f"{5 * count}/2", next(SEEDS), stream=True)]
            for name, asked, units in (
                ("request", new, count),
                ("repeated_request", [again] * count, count),
                ("event", events, 5 * count),
            ):
                before = cpu(self.pids[target.name])
                for data in asked:
                    await self.ask(target, link, data, streamed=name == "event")
                each = (cpu(self.pids[target.name]) - before) / units
                self.record(f"cpu_per_{name}_{target.name}", each * 1e3, "ms", f"of {units}")
            link.close()


async def on_the_clock(
    rate: float, seconds: float, start: Callable[[], Coroutine[Any, Any, None]]
) -> None:
    began, tasks = time.monotonic(), []
    for n in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, began + n / rate - time.monotonic()))
        tasks.append(asyncio.create_task(start()))
    await asyncio.gather(*tasks)


def release_costs(arrivals: list[tuple[float, float]]) -> list[float]:
    """Return for each moment at which events came how long after the newest of all written ones.

    That one made the gateway judge; what it let out may be older.
    """
    written = sorted(stamp for stamp, _ in arrivals)
    moments = sorted({came for _, came in arrivals})
    newest, costs = 0, []
    for moment in moments:
        while newest + 1 < len(written) and written[newest + 1] <= moment:
            newest += 1
        costs.append(moment - written[newest])
    return costs
