"""What the judgement of a large text needed goes back to the system: a pod has a limit."""

import subprocess
import sys

import pytest

LARGE = """
import sys, threading
from casemate.gateway import allocator
from casemate.guard.views import views

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20

def judge():
    global most
    views("A word and another one.")
    before = resident()
    for size in (300_000, 600_000, 900_000, 1_200_000, 1_900_000, 1_900_000):
        views("A word and another one. " * (size // 24))
        most = max(most, resident() - before)

if sys.argv[1] == "bounded":
    allocator.give_back()
most = 0.0
thread = threading.Thread(target=judge)
thread.start()
thread.join()
print(most)
"""
MIB = 30
"""What may stay at any time, once a text of up to 2 MB is judged."""


def left(how: str) -> float:
    command = [sys.executable, "-c", LARGE, how]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc alone keeps memory in this way")
def test_little_stays_of_a_large_text() -> None:
    assert left("bounded") < MIB
    assert left("as it is") > MIB, "control: without a bound much of it stays"
