"""Where each token of a text stands in its characters, for every kind of tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from sayso.errors import ModelError


def character_places(tokenizer: Any, text: str) -> list[tuple[int, int]]:
    """Return the half-open character span in `text` of each of its tokens, in order and without gaps.

    Tokens that are parts of one character (bytes of a Chinese one, say) all have its span; white space that a tokenizer
    counts to no token is counted to the next one.

    Raises:
        ModelError: the tokenizer neither says where its tokens stand nor gives the text back.
    """
    if not tokenizer.is_fast:
        return _by_decoding(tokenizer, text)
    found = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True).offset_mapping
    return _without_gaps(found, len(text))


def _without_gaps(places: Sequence[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    closed: list[tuple[int, int]] = []
    reached = 0
    for start, end in places:
        closed.append((min(start, reached), end))
        reached = max(reached, end)
    if closed and closed[-1][1] < length:  # a tokenizer that drops what stands at the end
        closed[-1] = (closed[-1][0], length)
    return closed


def _by_decoding(tokenizer: Any, text: str) -> list[tuple[int, int]]:
    """Read the places off how much of the text more and more tokens give back."""
    ids = list(tokenizer(text, add_special_tokens=False).input_ids)
    read = [tokenizer.decode(ids[:count], clean_up_tokenization_spaces=False) for count in range(len(ids) + 1)]
    if read[-1] != text:
        raise ModelError(
            "the tokenizer of {name!r} cannot tell where its tokens stand in a text, so spans of comments cannot be learnt "
            "from; use its fast version (tokenizer.json), or settings that do not read spans",
            name=tokenizer.name_or_path,
        )
    ends = [_common(text, part) for part in read]
    return [(start, max(end, start + 1)) for start, end in pairwise(ends)]


def _common(text: str, part: str) -> int:
    """Return how many first characters two texts share; half a character at the end is shown as another one."""
    same = (number for number, (one, other) in enumerate(zip(text, part, strict=False)) if one != other)
    return next(same, min(len(text), len(part)))
