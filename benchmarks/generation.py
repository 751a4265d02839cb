"""How fast does our generation write, beside transformers' own? Prints tokens a second and their ratio.

    python benchmarks/generation.py MODEL_FOLDER [--prompts 64] [--tokens 40] [--rounds 3] [--stop]

Both write the same number of tokens in float32 on the same prompts, sampled at temperature 0.8, in turns.
Without --stop nothing ends a text early, so both do the same work; with it, texts end where the model ends them, and tokens
of finished lines count for neither.
"""

from __future__ import annotations

import argparse
from statistics import median
from time import perf_counter
from typing import Any

import torch

from sayso.models.local import LocalModel, load
from sayso.models.writing.generation import write
from sayso.models.writing.sampling import Sampling
from sayso.records import Message, Prompt

THINGS = ["the sea", "a lost key", "my sister's birthday", "rain", "a new job", "breakfast", "an old dog", "the train"]
ASKS = ["Tell me about {}.", "What do you think of {}?", "I had to think of {} all day long, and then some more.", "{}?"]


def prompts(number: int) -> list[Prompt]:
    """Return prompts of different lengths."""
    texts = [f"{ask.format(thing)}{' Really!' * extra}" for extra in range(8) for ask in ASKS for thing in THINGS]
    return [Prompt(messages=(Message(role="user", content=text),)) for text in texts[:number]]


def ours(model: LocalModel, encoded: list[list[int]], sampling: Sampling, stop: frozenset[int]) -> int:
    """Write with sayso; return how many tokens were written."""
    return sum(map(len, write(model.inner, encoded, sampling, stop_ids=stop, max_length=model.max_length)))


def theirs(model: LocalModel, encoded: list[list[int]], sampling: Sampling, stop: frozenset[int]) -> int:
    """Write with transformers' generate, one left-padded batch; return how many tokens were written before the end token."""
    width = max(map(len, encoded))
    ids = torch.tensor([[model.pad_id] * (width - len(line)) + line for line in encoded])
    mask = torch.tensor([[0] * (width - len(line)) + [1] * len(line) for line in encoded])
    how: dict[str, Any] = {"do_sample": True, "temperature": sampling.temperature, "top_k": 0, "top_p": 1.0}
    how |= {"max_new_tokens": sampling.max_new_tokens, "pad_token_id": model.pad_id}
    how |= {"eos_token_id": sorted(stop)} if stop else {"min_new_tokens": sampling.max_new_tokens}
    with torch.inference_mode():
        out = model.inner.generate(input_ids=ids, attention_mask=mask, **how)[:, width:]
    return sum(next((n for n, token in enumerate(line) if token in stop), len(line)) for line in out.tolist())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--stop", action="store_true")
    asked = parser.parse_args()
    model = load(asked.model, device="cpu")
    encoded = [model.encode_prompt(prompt) for prompt in prompts(asked.prompts)]
    stop = model.chat.stop_ids if asked.stop else frozenset[int]()
    speeds: dict[str, list[float]] = {"ours": [], "theirs": []}
    for round_ in range(-1, asked.rounds):  # the first round warms up and is not counted
        for name, engine in (("ours", ours), ("theirs", theirs)):
            sampling = Sampling(max_new_tokens=asked.tokens, seed=max(round_, 0), batch_size=asked.prompts)
            start = perf_counter()
            written = engine(model, encoded, sampling, stop)
            if round_ >= 0:
                speeds[name].append(written / (perf_counter() - start))
    ratios = [mine / other for mine, other in zip(speeds["ours"], speeds["theirs"], strict=True)]
    for name, found in speeds.items():
        print(f"{name:7} tokens/s: {', '.join(f'{speed:.0f}' for speed in found)}  median {median(found):.0f}")
    print(f"ratio ours/theirs: {', '.join(f'{ratio:.2f}' for ratio in ratios)}  median {median(ratios):.2f}")


if __name__ == "__main__":
    main()
