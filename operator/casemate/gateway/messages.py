"""The shape of chat messages and tools: roles, text content, tool calls, nothing else."""

from typing import Any

from casemate.gateway.errors import bad_shape
from casemate.gateway.settings import Limits

ROLES = ("system", "developer", "user", "assistant", "tool")
KEYS = ("role", "content", "name", "refusal", "tool_calls", "tool_call_id")
# Each part type with the one field that holds its text.
PARTS = {"text": "text", "refusal": "refusal"}
MAX_TOOLS = 128


def check_messages(name: str, value: Any, limits: Limits) -> None:
    """Check the list of messages.

    Raises:
        Refusal: 400, with the path of the offending field as ``param``.
    """
    if type(value) is not list or not 1 <= len(value) <= limits.max_messages:
        raise bad_shape(name, f"{name!r} must be a list of 1 to {limits.max_messages} messages.")
    for index, message in enumerate(value):
        _check_message(f"{name}[{index}]", message)


def check_tools(name: str, value: Any, _limits: Limits) -> None:
    """Check the list of tools: functions with a name; their schemas are free-form JSON."""
    if type(value) is not list or len(value) > MAX_TOOLS:
        raise bad_shape(name, f"{name!r} must be a list of at most {MAX_TOOLS} tools.")
    for index, tool in enumerate(value):
        path = f"{name}[{index}]"
        _check_function(path, tool, ("type", "function"))
        _only_keys(
            f"{path}.function", tool["function"], ("name", "description", "parameters", "strict")
        )


def _check_message(path: str, message: Any) -> None:
    _only_keys(path, message, KEYS)
    role = message.get("role")
    if type(role) is not str or role not in ROLES:
        raise bad_shape(f"{path}.role", f"'role' must be one of: {', '.join(ROLES)}.")
    for key in ("name", "refusal", "tool_call_id"):
        if type(message.get(key, "")) is not str and message[key] is not None:
            raise bad_shape(f"{path}.{key}", f"{key!r} must be a string.")
    calls = message.get("tool_calls")
    _check_content(f"{path}.content", message.get("content"), optional=role == "assistant")
    if calls is not None:
        _check_calls(f"{path}.tool_calls", calls, role)


def _check_content(path: str, content: Any, *, optional: bool) -> None:
    if type(content) is str or (content is None and optional):
        return
    if type(content) is not list or not content:
        raise bad_shape(path, "'content' must be a string or a list of content parts.")
    for index, part in enumerate(content):
        _check_part(f"{path}[{index}]", part)


def _check_part(path: str, part: Any) -> None:
    kind = part.get("type") if type(part) is dict else None
    field = PARTS.get(kind) if type(kind) is str else None
    if field is None:
        raise bad_shape(
            f"{path}.type",
            f"Content part type not accepted; accepted: {', '.join(PARTS)}. "
            "Images, audio and files cannot be checked here.",
        )
    _only_keys(path, part, ("type", field))
    if type(part.get(field)) is not str:
        raise bad_shape(f"{path}.{field}", f"{field!r} must be a string.")


def _check_calls(path: str, calls: Any, role: str) -> None:
    if role != "assistant":
        raise bad_shape(path, "'tool_calls' is accepted only in messages of role assistant.")
    if type(calls) is not list or len(calls) > MAX_TOOLS:
        raise bad_shape(path, f"'tool_calls' must be a list of at most {MAX_TOOLS} calls.")
    for index, call in enumerate(calls):
        where = f"{path}[{index}]"
        _check_function(where, call, ("id", "type", "function"))
        if type(call.get("id")) is not str:
            raise bad_shape(f"{where}.id", "'id' must be a string.")
        _only_keys(f"{where}.function", call["function"], ("name", "arguments"))
        if type(call["function"].get("arguments")) is not str:
            raise bad_shape(f"{where}.function.arguments", "'arguments' must be a string.")


def _check_function(path: str, value: Any, keys: tuple[str, ...]) -> None:
    _only_keys(path, value, keys)
    if value.get("type") != "function":
        raise bad_shape(f"{path}.type", "'type' must be 'function'.")
    function = value.get("function")
    if type(function) is not dict or type(function.get("name")) is not str:
        raise bad_shape(f"{path}.function.name", "'function' must be an object with a 'name'.")


def _only_keys(path: str, value: Any, keys: tuple[str, ...]) -> None:
    if type(value) is not dict:
        raise bad_shape(path, f"{path} must be an object.")
    for key in value:
        if key not in keys:
            raise bad_shape(
                f"{path}.{key[:64]}",
                f"Unknown field {key[:64]!r} in {path}; accepted: {', '.join(keys)}.",
            )
