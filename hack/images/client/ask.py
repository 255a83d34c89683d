"""Ask a deployed model through the real ``openai`` package and print what came back as JSON.

Prints one object with the answer's structure, so that a test can look at it, and the answer itself.
A failed call prints ``{"ok": false, ...}`` with the error's kind and exits 1.
"""

import argparse
import json
import ssl
import sys
import time
from pathlib import Path
from typing import Any

import httpx2
import openai

DECISION = "Casemate-Decision"
"""Header that names the record of a request."""
APPROVAL, EXPIRES = "Casemate-Approval", "Casemate-Approval-Expires"
"""Headers about the approval of a held request; the first is the retry's too."""


def plain(client: openai.OpenAI, asked: dict[str, Any]) -> dict[str, Any]:
    """Ask for a whole answer."""
    response = client.chat.completions.with_raw_response.create(**asked)
    answer = response.parse()
    choice = answer.choices[0]
    return {
        "id": answer.id,
        "decision": response.headers.get(DECISION),
        "model": answer.model,
        "role": choice.message.role,
        "finish_reason": choice.finish_reason,
        "content": choice.message.content,
        "usage": answer.usage.model_dump(exclude_none=True) if answer.usage else None,
    }


def streamed(client: openai.OpenAI, asked: dict[str, Any]) -> dict[str, Any]:
    """Ask for an answer piece by piece and say when the first piece came."""
    begin = time.monotonic()
    first: float | None = None
    pieces: list[str] = []
    chunks, finish = 0, None
    response = client.chat.completions.with_raw_response.create(**asked, stream=True)
    for chunk in response.parse():
        chunks += 1
        for choice in chunk.choices:
            finish = choice.finish_reason or finish
            if choice.delta.content:
                first = time.monotonic() - begin if first is None else first
                pieces.append(choice.delta.content)
    return {
        "decision": response.headers.get(DECISION),
        "chunks": chunks,
        "finish_reason": finish,
        "content": "".join(pieces),
        "first_token_seconds": None if first is None else round(first, 3),
    }


def _asked(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the request; with an approval, it must be the one that was held, unchanged."""
    named = {"extra_headers": {APPROVAL: arguments.approval}} if arguments.approval else {}
    return {
        "model": arguments.model,
        "messages": [{"role": "user", "content": arguments.prompt}],
        "max_tokens": arguments.max_tokens,
        **named,
    }


def _refused(error: openai.APIStatusError) -> dict[str, Any]:
    """Return what is known of a refusal; of a held request, how to go on."""
    headers = error.response.headers
    body = error.body if isinstance(error.body, dict) else {}
    return {
        "ok": False,
        "error": type(error).__name__,
        "status": error.status_code,
        "body": error.body,
        "decision": headers.get(DECISION),
        "approval": body.get("approval"),
        "headers": {name: headers[name] for name in (APPROVAL, EXPIRES) if name in headers},
    }


def _key(file: str | None) -> str:
    """Read the token, for each client that is made: the kubelet replaces the file in time."""
    if file is None:
        return "none"
    return (sys.stdin.read() if file == "-" else Path(file).read_text()).strip()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--base-url", required=True, help="https://SERVICE.NAMESPACE.svc:8443/v1")
    parser.add_argument("--ca-file", help="PEM file with the CA of the gateway's certificate")
    parser.add_argument(
        "--token-file", help="file with the API key: the caller's token; - is stdin"
    )
    parser.add_argument("--model", required=True)
    parser.add_argument("--prompt", default="Say hello.")
    parser.add_argument("--max-tokens", type=int, default=16)
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds")
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--approval", help="name of the approval that people have given")
    return parser.parse_args()


def main() -> int:
    """Ask once; the exit code says whether an answer came."""
    arguments = _arguments()
    begin = time.monotonic()
    result: dict[str, Any]
    try:
        trust = ssl.create_default_context(cafile=arguments.ca_file)
        client = openai.OpenAI(
            base_url=arguments.base_url,
            api_key=_key(arguments.token_file),
            max_retries=0,
            timeout=arguments.timeout,
            http_client=httpx2.Client(verify=trust, trust_env=False),
        )
        ask = streamed if arguments.stream else plain
        answer = ask(client, _asked(arguments))
        result = {"ok": True, **answer}
    except openai.APIStatusError as error:
        result = _refused(error)
    except (openai.APIError, OSError) as error:
        result = {
            "ok": False,
            "error": type(error).__name__,
            "cause": repr(error.__cause__ or error),
        }
    result["seconds"] = round(time.monotonic() - begin, 3)
    print(json.dumps(result))
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
