import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import openai
import pytest

NOBODY = 65532
Unpack = Callable[[str], Path]


class Engine:
    """The engine image's program in its own root, as its unprivileged user."""

    def __init__(self, root: Path, model: str = "/models") -> None:
        self.socket = root / "run/engine/engine.sock"
        chroot = ["/usr/sbin/chroot", f"--userspec={NOBODY}:{NOBODY}", str(root)]
        self.process = subprocess.Popen(
            [*chroot, "/usr/bin/python3.11", "-m", "casemate_engine.serve"],
            env={
                "PYTHONSAFEPATH": "1",
                "CASEMATE_MODEL_PATH": model,
                "CASEMATE_MODEL_NAME": "smollm2",
                "CASEMATE_ENGINE_SOCKET": "/run/engine/engine.sock",
                "ENGINE_DRAIN_SECONDS": "60",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.http = httpx2.Client(
            transport=httpx2.HTTPTransport(uds=str(self.socket)),
            base_url="http://engine",
            timeout=60,
        )
        self.client = openai.OpenAI(
            base_url="http://engine/v1", api_key="none", http_client=self.http, max_retries=0
        )

    def wait_ready(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:  # ends when the program does; the test has a time limit
            if "engine: serving" in line:  # the server logs into the same pipe, mid-line too
                break
        assert self.process.poll() is None
        assert self.http.get("/health").status_code == 200

    def ask(self, max_tokens: int, *, stream: bool):
        return self.client.chat.completions.create(
            model="smollm2",
            messages=[{"role": "user", "content": "Count to fifty."}],
            max_tokens=max_tokens,
            stream=stream,
        )

    def close(self) -> None:
        self.http.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def root(unpack: Unpack) -> Path:
    root = unpack("engine-xllamacpp")
    (root / "models").mkdir()
    shutil.copy(unpack("model-smollm2") / "model.gguf", root / "models/model.gguf")
    (root / "run/engine").mkdir()
    os.chown(root / "run/engine", NOBODY, NOBODY)
    return root


@pytest.fixture
def engine(root: Path) -> Iterator[Engine]:
    (root / "run/engine/engine.sock").touch()  # as a killed container leaves one behind
    engine = Engine(root)
    try:
        engine.wait_ready()
        yield engine
    finally:
        engine.close()


def test_a_real_model_answers_on_the_socket_whole_and_piece_by_piece(engine: Engine):
    assert [model.id for model in engine.client.models.list().data] == ["smollm2"]
    answer = engine.ask(8, stream=False)
    assert answer.model == "smollm2"
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content
    assert 1 <= answer.usage.completion_tokens <= 8
    chunks = list(engine.ask(8, stream=True))
    assert len(chunks) > 2
    assert chunks[-1].choices[0].finish_reason in {"length", "stop"}


def test_the_socket_is_closed_to_other_users(engine: Engine):
    assert engine.socket.is_socket()
    assert engine.socket.stat().st_uid == NOBODY
    assert engine.socket.stat().st_mode & 0o007 == 0


def test_other_callers_prompts_cannot_be_read(engine: Engine):
    assert engine.http.get("/health").status_code == 200
    assert engine.http.get("/slots").status_code == 501


def test_a_running_answer_is_finished_after_sigterm(engine: Engine):
    stream = engine.ask(64, stream=True)
    first = next(iter(stream))
    engine.process.send_signal(signal.SIGTERM)
    rest = list(stream)
    assert first.model == "smollm2"
    assert rest[-1].choices[0].finish_reason in {"length", "stop"}
    assert engine.process.wait(30) == 0
    assert not engine.socket.exists()


def test_a_missing_model_is_named_and_ends_the_program(root: Path):
    engine = Engine(root, model="/run/engine")
    try:
        output, _ = engine.process.communicate(timeout=30)
    finally:
        engine.close()
    assert engine.process.returncode == 2
    assert "/run/engine must hold exactly one .gguf file, found: none" in output
