"""Tell Prometheus which pods to scrape: `python -m enclave.discovery`, HTTP service discovery.

Debian builds Prometheus without its Kubernetes discovery. Pods choose to be scraped with the usual
annotations `prometheus.io/scrape`, `port`, `path` and `scheme`.
"""

import argparse
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from enclave.errors import EnclaveError
from enclave.kubeapi import KubeApi

PORT = 9091
_PODS = "/api/v1/pods?fieldSelector=status.phase%3DRunning"
_PREFIX = "prometheus.io/"

Json = dict[str, Any]


def target(pod: Json) -> Json | None:
    """Return the scrape target of a pod, or None if it asks for none or has no address yet."""
    metadata = pod["metadata"]
    annotations = metadata.get("annotations", {})
    port = annotations.get(f"{_PREFIX}port", "")
    address = pod["status"].get("podIP")
    if annotations.get(f"{_PREFIX}scrape") != "true" or not port.isdecimal() or not address:
        return None
    return {
        "targets": [f"{address}:{port}"],
        "labels": {
            "__metrics_path__": annotations.get(f"{_PREFIX}path", "/metrics"),
            "__scheme__": annotations.get(f"{_PREFIX}scheme", "http"),
            "namespace": metadata["namespace"],
            "pod": metadata["name"],
        },
    }


def targets(api: KubeApi) -> list[Json]:
    """Return the scrape targets of all running pods."""
    found = (target(pod) for pod in api.request("GET", _PODS)["items"])
    return [each for each in found if each]


class _Handler(BaseHTTPRequestHandler):
    api: KubeApi

    def do_GET(self) -> None:
        try:
            status, answer = 200, json.dumps(targets(self.api))
        except (EnclaveError, OSError) as error:
            # Prometheus keeps its last targets when it gets no good answer.
            status, answer = 503, str(error)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log failures only: there is a request every few seconds."""
        if str(code) != "200":
            super().log_request(code, size)


def main() -> None:
    """Answer until killed."""
    parser = argparse.ArgumentParser(prog="python -m enclave.discovery", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--address", required=True, help="where to listen")
    options = parser.parse_args()
    _Handler.api = KubeApi.load(options.kubeconfig)
    ThreadingHTTPServer((options.address, PORT), _Handler).serve_forever()


if __name__ == "__main__":
    main()
