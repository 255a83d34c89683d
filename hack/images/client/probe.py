"""Try one connection and print what happened as JSON.

``open`` means that the other side answered: a TCP handshake, an HTTP status, or a UDP reply. Every
other result is a name for how it failed, so that "blocked" (``timeout``) is told from "nobody
there" (``refused``).
"""

import argparse
import json
import socket
import ssl
import sys
import time
import urllib.error
import urllib.request


def tcp(host: str, port: int, seconds: float) -> str:
    """Open and close a TCP connection."""
    with socket.create_connection((host, port), timeout=seconds):
        return "connected"


def udp(host: str, port: int, seconds: float) -> str:
    """Send one datagram and wait for any reply."""
    family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind) as probe:
        probe.settimeout(seconds)
        probe.connect(address)
        probe.send(b"probe\n")
        return f"{len(probe.recv(2048))} bytes"


def http(url: str, seconds: float, ca_file: str | None) -> str:
    """Fetch a URL; any HTTP status counts as an answer."""
    trust = ssl.create_default_context(cafile=ca_file)
    if ca_file is None:
        trust.check_hostname = False  # a probe asks whether something answers, not who
        trust.verify_mode = ssl.CERT_NONE
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=trust),
    )
    try:
        with opener.open(url, timeout=seconds) as answer:
            return str(answer.status)
    except urllib.error.HTTPError as error:
        return str(error.code)


def classify(error: OSError) -> str:
    """Name how a connection failed."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    match cause:
        case TimeoutError():
            return "timeout"
        case ConnectionRefusedError():
            return "refused"
        case ssl.SSLError():
            return "tls"
        case socket.gaierror():
            return "no-such-name"
        case _:
            return "unreachable"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--timeout", type=float, default=2.0, help="seconds")
    parser.add_argument("--ca-file", help="PEM file; without it no certificate is checked")
    parser.add_argument("kind", choices=["tcp", "udp", "http"])
    parser.add_argument("target", help="HOST:PORT, or a URL for http")
    return parser.parse_args()


def main() -> int:
    """Probe once; the exit code is 0 when the other side answered."""
    arguments = _arguments()
    begin = time.monotonic()
    try:
        if arguments.kind == "http":
            detail = http(arguments.target, arguments.timeout, arguments.ca_file)
        else:
            host, _, port = arguments.target.rpartition(":")
            probe = tcp if arguments.kind == "tcp" else udp
            detail = probe(host.strip("[]"), int(port), arguments.timeout)
        result = "open"
    except OSError as error:
        result, detail = classify(error), str(error)
    print(
        json.dumps(
            {
                "kind": arguments.kind,
                "target": arguments.target,
                "result": result,
                "detail": detail,
                "seconds": round(time.monotonic() - begin, 3),
            },
        ),
    )
    return 0 if result == "open" else 1


if __name__ == "__main__":
    sys.exit(main())
