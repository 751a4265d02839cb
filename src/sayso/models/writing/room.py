"""Whether an answer fits into what a model can hold, said before anything is drawn."""

from __future__ import annotations

from collections.abc import Sequence

from sayso.errors import PreflightError
from sayso.models import Policy
from sayso.records import Prompt

_NAMED = 3


def has_room(policy: Policy, prompt: Prompt, num_tokens: int) -> bool:
    """Say whether a prompt leaves room for an answer of so many tokens."""
    return len(policy.encode_prompt(prompt)) + num_tokens <= policy.max_length


def check_room(policy: Policy, prompts: Sequence[Prompt], num_tokens: int) -> None:
    """Pass silently if every prompt leaves room for an answer of so many tokens.

    Raises:
        PreflightError: some do not; the first few are named.
    """
    crowded = [prompt.id for prompt in prompts if not has_room(policy, prompt, num_tokens)]
    if crowded:
        raise PreflightError(
            "{count} of {of} prompts leave no room for the {tokens} tokens of an answer in the model's context of {limit}: "
            "{prompts}; shorten or leave them out, or lower max_new_tokens of the method",
            count=len(crowded), of=len(prompts), tokens=num_tokens, limit=policy.max_length,
            prompts=", ".join(crowded[:_NAMED]) + (", ..." if crowded[_NAMED:] else ""),
        )  # fmt: skip
