"""How a conversation becomes token ids: the model's own chat template, or a plain one where it has none.

What stands before and after an answer is read off the template by rendering a probe conversation, so that a prompt's ids
followed by an answer's ids are the ids of the whole conversation, while the two are never tokenised together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from jinja2 import TemplateError

from sayso.errors import ModelError
from sayso.models.forms.places import character_places
from sayso.records import Message, Prompt

_SPEAKERS = {"system": "System", "user": "User", "assistant": "Assistant"}
_PROBES = {"system": "Kindly mind the probe.", "user": "What is probed?", "assistant": "A probe is probed."}


@dataclass(frozen=True, kw_only=True, slots=True)
class Chat:
    """A tokenizer with what it takes to put a conversation into its form."""

    tokenizer: Any
    folds_system: bool
    """The template ignores or rejects system turns: their words go before the first user turn."""
    before: str
    """What the template writes between the generation prompt and the answer's first word."""
    after: str
    """What it writes after an answer, up to and including the end-of-answer token."""
    stop_ids: frozenset[int]
    """Any of these ends an answer."""

    def encode_prompt(self, prompt: Prompt) -> list[int]:
        """Return the ids of a conversation, up to where the answer begins.

        Raises:
            ModelError: the model's chat template refuses these turns.
        """
        messages = _folded(prompt.messages) if self.folds_system else prompt.messages
        if not self.tokenizer.chat_template:
            return _without_end(self.tokenizer(plain(messages)).input_ids, self.tokenizer.eos_token_id)
        try:
            text = _render(self.tokenizer, messages)
        except TemplateError as error:
            raise ModelError(
                "prompt {prompt!r}: the model's chat template refuses its turns ({roles}): {reason}; "
                "expected turns of user and assistant in alternation, a user turn first",
                prompt=prompt.id,
                roles=", ".join(message.role for message in messages),
                reason=str(error),
            ) from error
        return _ids(self.tokenizer, text)

    def read(self, prompt: Prompt) -> tuple[Message, ...] | str:
        """Return a conversation as the turns its template is given, or as one text where there is no template."""
        messages = _folded(prompt.messages) if self.folds_system else prompt.messages
        return tuple(messages) if self.tokenizer.chat_template else plain(messages)

    def encode_response(self, text: str) -> list[int]:
        """Return the ids of an answer, the end-of-answer token included; never joined with the prompt's text."""
        return _ids(self.tokenizer, self.before + text + self.after)

    def token_spans(self, text: str, spans: Sequence[tuple[int, int]]) -> list[range]:
        """Return, for each half-open span of characters of `text`, which tokens of `encode_response(text)` hold any of it.

        A character that several tokens share belongs to all of them; a token that a span cuts belongs to it whole.

        Raises:
            ModelError: the tokenizer cannot tell where its tokens stand in the text.
        """
        places = character_places(self.tokenizer, self.before + text + self.after)
        shift = len(self.before)
        return [touched(places, start + shift, end + shift) for start, end in spans]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the words of an answer, without what the template puts around them."""
        kept = list(ids)
        while kept and kept[-1] in self.stop_ids:
            kept.pop()
        text: str = self.tokenizer.decode(kept, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        if self.before and text.startswith(self.before):
            return text[len(self.before) :]
        return text.removeprefix(self.before.lstrip()) if self.before.strip() else text


def chat_of(tokenizer: Any, stop_ids: Sequence[int] = ()) -> Chat:
    """Find out how `tokenizer` writes a conversation; `stop_ids` are end tokens the model's own settings name.

    Raises:
        ModelError: the tokenizer has no token that could end an answer.
    """
    ends = ends_of(tokenizer, stop_ids)
    make = partial(Chat, tokenizer=tokenizer)
    eos = tokenizer.eos_token or tokenizer.convert_ids_to_tokens(min(ends))
    if not tokenizer.chat_template:
        before = "" if _writes_space_itself(tokenizer) else " "
        return make(folds_system=False, before=before, after=eos, stop_ids=ends)
    before, rest = _around_answer(tokenizer)
    end, after = _end_of_answer(tokenizer, rest)
    if end is None:
        return make(folds_system=_loses_system(tokenizer), before=before, after=rest + eos, stop_ids=ends)
    return make(folds_system=_loses_system(tokenizer), before=before, after=after, stop_ids=ends | {end})


def ends_of(tokenizer: Any, stop_ids: Sequence[int] = ()) -> frozenset[int]:
    """Return the tokens that end an answer: the tokenizer's own, and those the model's settings name.

    Raises:
        ModelError: there is none.
    """
    ends = {*stop_ids} | ({tokenizer.eos_token_id} if tokenizer.eos_token_id is not None else set())
    if not ends:
        raise ModelError(
            "the tokenizer of {name!r} names no end-of-sequence token; expected eos_token in tokenizer_config.json",
            name=tokenizer.name_or_path,
        )
    return frozenset(ends)


def _render(tokenizer: Any, messages: Sequence[Message], *, answering: bool = True) -> str:
    turns = [{"role": message.role, "content": message.content} for message in messages]
    return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=answering))


def _probe(*roles: str) -> tuple[Message, ...]:
    return tuple(Message(role=role, content=_PROBES[role]) for role in roles)  # type: ignore[arg-type]


def _around_answer(tokenizer: Any) -> tuple[str, str]:
    """Return what the template writes before and after the words of the last answer."""
    prompt = _render(tokenizer, _probe("user"))
    whole = _render(tokenizer, _probe("user", "assistant"), answering=False)
    answer = _PROBES["assistant"]
    if not whole.startswith(prompt) or answer not in whole[len(prompt) :]:
        return "", ""
    before, _, after = whole[len(prompt) :].partition(answer)
    return before, after


def _end_of_answer(tokenizer: Any, rest: str) -> tuple[int | None, str]:
    """Return the first special token of `rest` and the text up to and including it."""
    special = sorted((rest.find(token), token) for token in tokenizer.all_special_tokens if token in rest)
    if not special:
        return None, rest
    place, token = special[0]
    return tokenizer.convert_tokens_to_ids(token), rest[: place + len(token)]


def _loses_system(tokenizer: Any) -> bool:
    try:
        return _PROBES["system"] not in _render(tokenizer, _probe("system", "user"))
    except TemplateError:
        return True


def _folded(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Put the words of system turns before the first user turn's."""
    said = [message.content for message in messages if message.role == "system"]
    rest = [message for message in messages if message.role != "system"]
    if not said:
        return tuple(rest)
    first = next((number for number, message in enumerate(rest) if message.role == "user"), None)
    if first is None:
        return (Message(role="user", content="\n\n".join(said)), *rest)
    rest[first] = Message(role="user", content="\n\n".join([*said, rest[first].content]))
    return tuple(rest)


def plain(messages: Sequence[Message]) -> str:
    """Return a conversation as one text, up to where the answer begins."""
    lines = [f"{_SPEAKERS[message.role]}: {message.content}\n" for message in messages]
    return "".join([*lines, "Assistant:"])


def _ids(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False, verbose=False).input_ids)


def _without_end(ids: Sequence[int], eos: int | None) -> list[int]:
    """Drop the end token some tokenizers put after every text."""
    return list(ids[:-1]) if len(ids) > 1 and ids[-1] == eos else list(ids)


def _writes_space_itself(tokenizer: Any) -> bool:
    """Whether a text's first word is tokenised as if a space stood before it (SentencePiece's dummy prefix)."""
    return _ids(tokenizer, "probe") != _ids(tokenizer, " probe") and tokenizer.tokenize("probe")[0].startswith("▁")


def touched(places: Sequence[tuple[int, int]], start: int, end: int) -> range:
    """Return which places hold a character from `start` to before `end`; places are in order."""
    held = [number for number, (first, last) in enumerate(places) if first < end and start < last]
    return range(held[0], held[-1] + 1) if held else range(0)
