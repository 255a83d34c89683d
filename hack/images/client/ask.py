"""Ask a deployed model through the real ``openai`` package and print what came back as JSON.

Prints one object with the answer's structure, so that a test can look at it, and the answer itself.
A failed call prints ``{"ok": false, ...}`` with the error's kind and exits 1.
"""

import argparse
import json
import os
import ssl
import sys
import time
from typing import Any

import httpx2
import openai


def plain(client: openai.OpenAI, model: str, prompt: str, max_tokens: int) -> dict[str, Any]:
    """Ask for a whole answer."""
    answer = client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": prompt}],
        max_tokens=max_tokens,
    )
    choice = answer.choices[0]
    return {
        "id": answer.id,
        "model": answer.model,
        "role": choice.message.role,
        "finish_reason": choice.finish_reason,
        "content": choice.message.content,
        "usage": answer.usage.model_dump(exclude_none=True) if answer.usage else None,
    }


def streamed(client: openai.OpenAI, model: str, prompt: str, max_tokens: int) -> dict[str, Any]:
    """Ask for an answer piece by piece and say when the first piece came."""
    begin = time.monotonic()
    first: float | None = None
    pieces: list[str] = []
    chunks, finish = 0, None
    for chunk in client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": prompt}],
        max_tokens=max_tokens,
        stream=True,
    ):
        chunks += 1
        for choice in chunk.choices:
            finish = choice.finish_reason or finish
            if choice.delta.content:
                first = time.monotonic() - begin if first is None else first
                pieces.append(choice.delta.content)
    return {
        "chunks": chunks,
        "finish_reason": finish,
        "content": "".join(pieces),
        "first_token_seconds": None if first is None else round(first, 3),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--base-url", required=True, help="https://SERVICE.NAMESPACE.svc:8443/v1")
    parser.add_argument("--ca-file", help="PEM file with the CA of the gateway's certificate")
    parser.add_argument("--model", required=True)
    parser.add_argument("--prompt", default="Say hello.")
    parser.add_argument("--max-tokens", type=int, default=16)
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds")
    parser.add_argument("--stream", action="store_true")
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
            api_key=os.environ.get("OPENAI_API_KEY") or "none",
            max_retries=0,
            timeout=arguments.timeout,
            http_client=httpx2.Client(verify=trust, trust_env=False),
        )
        ask = streamed if arguments.stream else plain
        answer = ask(client, arguments.model, arguments.prompt, arguments.max_tokens)
        result = {"ok": True, **answer}
    except openai.APIStatusError as error:
        result = {"ok": False, "error": type(error).__name__, "status": error.status_code}
        result["body"] = error.body
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
