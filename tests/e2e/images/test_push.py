import json
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from images.command import ImageError
from images.push import push
from images.steps import Built

CONFIG = """
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
    config = tmp_path / "config.yml"
    config.write_text(CONFIG.format(folder=tmp_path / "data", port=port))
    log = (tmp_path / "log").open("w")
    process = subprocess.Popen(["docker-registry", "serve", config], stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/v2/")
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
        log.close()


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            threading.Event().wait(0.05)
        else:
            return


def test_a_pushed_image_has_the_digest_that_was_announced(built: dict[str, Built], registry: str):
    push([built["client"]], registry, plain_http=True)
    digest = built["client"].digest
    url = f"http://{registry}/v2/casemate/client/manifests/{digest}"
    request = urllib.request.Request(
        url, headers={"Accept": "application/vnd.oci.image.manifest.v1+json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.headers["Docker-Content-Digest"] == digest
        manifest = json.load(answer)
    assert {layer["mediaType"] for layer in manifest["layers"]} == {
        "application/vnd.oci.image.layer.v1.tar"
    }


def test_a_registry_that_does_not_answer_fails_the_push(built: dict[str, Built]):
    with pytest.raises(ImageError, match="skopeo failed"):
        push([built["client"]], "127.0.0.1:1", plain_http=True)
