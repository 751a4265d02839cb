"""How a prompt becomes the source of a model with an encoder, and an answer its target.

A prompt of one turn is its words alone; the turns of a longer one stand under each other with their speakers' names. Both
sides get the special tokens that the tokenizer puts around a text, and both end with the end token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sayso.models.forms.chat import ends_of, plain, touched
from sayso.models.forms.places import character_places
from sayso.records import Message, Prompt

_PROBE = "What is probed?"


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceTarget:
    """A tokenizer with what stands around a source and around a target."""

    tokenizer: Any
    stop_ids: frozenset[int]
    end: int
    """Ends a source, and an answer."""
    before: tuple[int, ...]
    """What stands before a source."""
    lead: tuple[int, ...]
    """What stands before a target."""

    def encode_prompt(self, prompt: Prompt) -> list[int]:
        """Return the ids of a source, its end included."""
        return [*self.before, *_ids(self.tokenizer, self.read(prompt)), self.end]

    def read(self, prompt: Prompt) -> tuple[Message, ...] | str:
        """Return the words of a source."""
        messages = prompt.messages
        return messages[0].content if len(messages) == 1 else plain(messages)

    def encode_response(self, text: str) -> list[int]:
        """Return the ids of a target, its end included."""
        return [*self.lead, *self._target(text), self.end]

    def token_spans(self, text: str, spans: Sequence[tuple[int, int]]) -> list[range]:
        """Return, for each half-open span of characters of `text`, which tokens of `encode_response(text)` hold any of it.

        Raises:
            ModelError: the tokenizer cannot tell where its tokens stand in the text.
        """
        shift = len(self.lead)
        places = [(0, 0)] * shift + character_places(self.tokenizer, text)
        return [touched(places, start, end) for start, end in spans]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the words of a target."""
        kept = [token for token in ids if token not in self.stop_ids]
        text: str = self.tokenizer.decode(kept, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def _target(self, text: str) -> list[int]:
        return list(self.tokenizer(text_target=text, add_special_tokens=False).input_ids)


def words_of(tokenizer: Any, stop_ids: Sequence[int] = ()) -> SourceTarget:
    """Find out what a tokenizer puts around a source and a target; `stop_ids` are end tokens the model's settings name.

    Raises:
        ModelError: the tokenizer has no token that could end an answer.
    """
    ends = ends_of(tokenizer, stop_ids)
    end = tokenizer.eos_token_id if tokenizer.eos_token_id is not None else min(ends)
    before = _before(tokenizer(_PROBE).input_ids, _ids(tokenizer, _PROBE))
    lead = _before(
        tokenizer(text_target=_PROBE).input_ids, tokenizer(text_target=_PROBE, add_special_tokens=False).input_ids
    )
    return SourceTarget(tokenizer=tokenizer, stop_ids=ends, end=int(end), before=before, lead=lead)


def _before(whole: Sequence[int], words: Sequence[int]) -> tuple[int, ...]:
    """Return what a tokenizer puts before a text's own ids."""
    number = next((n for n in range(len(whole)) if list(whole[n : n + len(words)]) == list(words)), 0)
    return tuple(whole[:number])


def _ids(tokenizer: Any, text: Any) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False).input_ids)
