"""What the client of an API server does when it is sent away."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from enclave.kubeapi import ApiError, KubeApi
from enclave.pki import Authority, kubeconfig

AGAIN = {"Retry-After": "0"}


@contextmanager
def answering(
    folder: Path, *answers: tuple[int, dict[str, str]]
) -> Iterator[tuple[KubeApi, list[str]]]:
    """A server that gives these answers in turn, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status, headers = answers[len(asked)]
            asked.append(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Says nothing."""

    authority = Authority.at(folder, "ca")
    pair = authority.issue("server", hosts=["127.0.0.1"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*pair.write(folder, "server"))
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever)
        thread.start()
        address = f"https://127.0.0.1:{server.server_port}"
        yield KubeApi.load(kubeconfig(folder / "config", address, authority, pair)), asked
        server.shutdown()
        thread.join()


def test_a_request_that_was_sent_away_is_sent_again(tmp_path: Path) -> None:
    with answering(tmp_path, (429, AGAIN), (429, AGAIN), (201, {})) as (client, asked):
        assert client.request("POST", "/apis", {}) == {}
        assert asked == ["/apis"] * 3


@pytest.mark.parametrize("answer", [(429, {}), (500, AGAIN), (409, AGAIN)])
def test_an_answer_is_no_reason_to_send_it_again(
    tmp_path: Path, answer: tuple[int, dict[str, str]]
) -> None:
    with answering(tmp_path, answer, (201, {})) as (client, asked):
        with pytest.raises(ApiError, match=f"POST /apis answered {answer[0]}: "):
            client.request("POST", "/apis", {})
        assert asked == ["/apis"]
