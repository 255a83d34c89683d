import json
import socket
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

import images

SCRIPTS = Path(images.__file__).parent / "client"
CHUNK = '{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[%s]}'


HELD = (("Casemate-Approval", "held-1"), ("Casemate-Approval-Expires", "soon"))


class Engine(BaseHTTPRequestHandler):
    """Answers like an OpenAI server, and nothing more."""

    keys: ClassVar[list[str]] = []
    """What was presented to it, newest last."""
    approvals: ClassVar[list[str | None]] = []
    """Which approvals were named to it, newest last."""

    def do_GET(self):
        self.answer(404, "text/plain", b"no such page")

    def do_POST(self):
        self.keys.append(self.headers["Authorization"])
        self.approvals.append(self.headers["Casemate-Approval"])
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if body["model"] == "held" and not self.approvals[-1]:
            approval = {"name": "held-1", "expires": "soon", "approvers": 2}
            error = {"error": {"code": "human_approval_required", "approval": approval}}
            self.answer(403, "application/json", json.dumps(error).encode(), HELD)
        elif body["model"] not in {"m", "held"}:
            error = {"error": {"code": "model_not_found", "message": "no such model"}}
            self.answer(404, "application/json", json.dumps(error).encode())
        elif body.get("stream"):
            pieces = [
                '{"index":0,"delta":{"content":"he"}}',
                '{"index":0,"delta":{"content":"llo"},"finish_reason":"stop"}',
            ]
            events = [CHUNK % piece for piece in pieces] + ["[DONE]"]
            data = "".join(f"data: {event}\n\n" for event in events)
            self.answer(200, "text/event-stream", data.encode())
        else:
            message = {"role": "assistant", "content": "hello"}
            answer = {
                **json.loads(CHUNK % ""),
                "object": "chat.completion",
                "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            }
            self.answer(200, "application/json", json.dumps(answer).encode())

    def answer(
        self, status: int, kind: str, data: bytes, headers: tuple[tuple[str, str], ...] = ()
    ):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_arguments: object):
        pass


@pytest.fixture
def port():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Engine)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def udp_echo():
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)

        def echo() -> None:
            data, peer = server.recvfrom(100)
            server.sendto(data, peer)

        thread = threading.Thread(target=echo)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


@pytest.fixture
def unused_port():
    with closing(socket.socket()) as holder:
        holder.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        yield holder.getsockname()[1]


def run(script: str, *arguments: str, stdin: str = "") -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / script), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_tcp_probe_tells_open_from_refused(port: int, unused_port: int):
    code, found = run("probe.py", "tcp", f"127.0.0.1:{port}")
    assert (code, found["result"]) == (0, "open")
    code, found = run("probe.py", "tcp", f"127.0.0.1:{unused_port}")
    assert (code, found["result"]) == (1, "refused")


def test_an_http_probe_takes_any_status_for_an_answer(port: int, unused_port: int):
    code, found = run("probe.py", "http", f"http://127.0.0.1:{port}/x")
    assert (code, found["result"], found["detail"]) == (0, "open", "404")
    code, found = run("probe.py", "http", f"http://127.0.0.1:{unused_port}/x")
    assert (code, found["result"]) == (1, "refused")


def test_a_udp_probe_is_open_only_when_something_replies():
    with udp_echo() as port:
        code, found = run("probe.py", "udp", f"127.0.0.1:{port}")
        assert (code, found["result"], found["detail"]) == (0, "open", "6 bytes")
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as silent:
        silent.bind(("127.0.0.1", 0))
        target = f"127.0.0.1:{silent.getsockname()[1]}"
        code, found = run("probe.py", "--timeout", "0.2", "udp", target)
        assert (code, found["result"]) == (1, "timeout")


def test_a_client_shows_the_structure_of_a_plain_answer(port: int):
    code, found = run("ask.py", "--base-url", f"http://127.0.0.1:{port}/v1", "--model", "m")
    assert (code, found["ok"], found["role"]) == (0, True, "assistant")
    assert (found["content"], found["finish_reason"]) == ("hello", "stop")


def test_a_client_shows_the_structure_of_a_stream(port: int):
    url = f"http://127.0.0.1:{port}/v1"
    code, found = run("ask.py", "--base-url", url, "--model", "m", "--stream")
    assert (code, found["chunks"], found["content"]) == (0, 2, "hello")
    assert found["first_token_seconds"] > 0


def test_a_client_presents_the_token_of_its_file_or_of_its_input(port: int, tmp_path: Path):
    (tmp_path / "token").write_text("of-the-pod\n")
    for file, key in ((tmp_path / "token", "of-the-pod"), ("-", "of-a-person")):
        given = ("--base-url", f"http://127.0.0.1:{port}/v1", "--model", "m")
        code, _ = run("ask.py", *given, "--token-file", str(file), stdin="of-a-person\n")
        assert (code, Engine.keys[-1]) == (0, f"Bearer {key}")


def test_a_client_reports_that_a_request_is_held_and_names_its_approval(port: int):
    given = ("--base-url", f"http://127.0.0.1:{port}/v1", "--model", "held")
    code, found = run("ask.py", *given)
    assert (code, found["status"], Engine.approvals[-1]) == (1, 403, None)
    assert found["body"]["code"] == "human_approval_required"
    assert found["approval"] == {"name": "held-1", "expires": "soon", "approvers": 2}
    assert found["headers"] == dict(HELD)
    for more in ((), ("--stream",)):
        code, found = run("ask.py", *given, "--approval", "held-1", *more)
        assert (code, found["content"], Engine.approvals[-1]) == (0, "hello", "held-1")


def test_a_client_reports_a_refusal_and_an_unreachable_server(port: int, unused_port: int):
    code, found = run("ask.py", "--base-url", f"http://127.0.0.1:{port}/v1", "--model", "other")
    assert (code, found["ok"], found["status"]) == (1, False, 404)
    assert found["body"]["code"] == "model_not_found"
    code, found = run("ask.py", "--base-url", f"http://127.0.0.1:{unused_port}/v1", "--model", "m")
    assert (code, found["ok"], found["error"]) == (1, False, "APIConnectionError")
