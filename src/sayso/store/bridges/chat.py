"""How tools write what was asked and what was answered: a text, a list of messages, or either within an object."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sayso.errors import RecordError
from sayso.i18n import gettext as _
from sayso.records import Message, Prompt, Role, ask
from sayso.store.rules import wrong

PROMPT_NAMES = ("prompt", "messages", "question", "instruction", "input", "query", "conversation", "user_input")
"""What people call the field that holds what was asked, likeliest first."""
RESPONSE_NAMES = ("response", "answer", "output", "completion", "generation", "prediction", "model_output", "text")
"""What people call the field that holds what the model wrote, likeliest first."""
BETTER_NAMES = ("refinement", "correct", "rewrite", "edit", "improve", "better", "fixed", "revis", "suggested")
"""Parts of the names of questions that ask for a better response."""
_ROLES: dict[str, Role] = {
    "system": "system", "developer": "system", "user": "user", "human": "user", "assistant": "assistant", "gpt": "assistant",
    "ai": "assistant", "model": "assistant", "bot": "assistant",
}  # fmt: skip
_WRAPPERS = ("messages", "conversations", "conversation", "chat", "input", "prompt", "query", "question", "text", "content")
_ANSWERS = ("content", "output", "response", "answer", "completion", "text", "message", "messages", "choices", "value")


def message_of(value: Any, field: str) -> Message:
    """Return one turn, as `{"role", "content"}` or `{"from", "value"}`."""
    if not isinstance(value, Mapping):
        raise wrong(field, value, _("a message with its role and content"))
    role = value.get("role", value.get("from"))
    if not isinstance(role, str) or role.lower() not in _ROLES:
        raise wrong(f"{field}.role", role, _("system, user or assistant"))
    content = value.get("content", value.get("value"))
    return Message(role=_ROLES[role.lower()], content=_content(content, f"{field}.content"))


def messages_of(value: Any, field: str) -> tuple[Message, ...]:
    """Return the turns of a list of messages."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise wrong(field, value, _("a list of messages"))
    return tuple(message_of(item, f"{field}[{number}]") for number, item in enumerate(value))


def prompt_of(value: Any, field: str, *, system: str = "") -> Prompt:
    """Return the prompt that a text, a list of messages, an object around either, or any of these as JSON text gives."""
    before = (Message(role="system", content=system),) if system else ()
    value = _opened(value, _WRAPPERS)
    if isinstance(value, str):
        return Prompt(messages=(*before, *ask(value).messages))
    return Prompt(messages=before + messages_of(value, field))


def answer_of(value: Any, field: str) -> str:
    """Return the text of an answer in any of its shapes: a text, a message, a list that ends in one, an object around it."""
    value = _opened(value, _ANSWERS)
    while isinstance(value, list) and value:
        value = _opened(value[-1], _ANSWERS)
    if not isinstance(value, str):
        raise wrong(field, value, _("text"))
    return value


def split_turns(turns: Sequence[Message], field: str) -> tuple[Prompt, str]:
    """Return the prompt and the answer of a conversation that ends with the model's turn."""
    if len(turns) < 2 or turns[-1].role != "assistant":
        raise wrong(field, turns[-1].role if turns else [], _("a question, and the assistant's answer last"))
    return Prompt(messages=tuple(turns[:-1])), turns[-1].content


def asked(value: Any, field: str) -> Prompt:
    """Return the prompt that `asked_form` gave: a text is taken as it stands, a list as messages."""
    return ask(value) if isinstance(value, str) else Prompt(messages=messages_of(value, field))


def asked_form(prompt: Prompt) -> Any:
    """Return a prompt as a text where it is a single turn of the user, else as a list of messages."""
    if len(prompt.messages) == 1 and prompt.messages[0].role == "user":
        return prompt.messages[0].content
    return turns_form(prompt)


def turns_form(prompt: Prompt, answer: str | None = None) -> list[dict[str, str]]:
    """Return a prompt, and the answer to it where given, as messages."""
    turns = [{"role": message.role, "content": message.content} for message in prompt.messages]
    return turns if answer is None else [*turns, {"role": "assistant", "content": answer}]


def transcript(prompt: Prompt) -> str:
    """Return a prompt as one text to read: a single turn as it is, several with who speaks."""
    if len(prompt.messages) == 1:
        return prompt.text
    return "\n\n".join(f"{message.role}: {message.content}" for message in prompt.messages)


def kind_by(polarity: float | None) -> Any:
    """Return the kind of a comment by its writer's liking: praise is to be kept, all else to be fixed."""
    return "keep" if polarity is not None and polarity > 0 else "fix"


def _opened(value: Any, names: Sequence[str]) -> Any:
    """Take the object, or the JSON text of one, from around what it holds under one of the names."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        value = _from_json(value, names)
    while isinstance(value, Mapping) and not ("role" in value and "content" in value and names is _WRAPPERS):
        inside = next((value[name] for name in names if value.get(name) is not None), None)
        if inside is None:
            return value
        value = inside
    return [value] if isinstance(value, Mapping) else value


def _from_json(text: str, names: Sequence[str]) -> Any:
    """Return what JSON text holds, where it is a conversation; else the text itself, which is an answer in JSON."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    first = found[0] if isinstance(found, list) and found else found
    if isinstance(first, Mapping) and ("role" in first or any(name in first for name in names)):
        return found
    return text


def _content(value: Any, field: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        parts = [part.get("text") if isinstance(part, Mapping) else part for part in value]
        if all(isinstance(part, str) for part in parts):
            return "".join(str(part) for part in parts)
        raise RecordError("{field}: found something other than text (a picture, a tool call); expected text", field=field)
    raise wrong(field, value, _("text"))
