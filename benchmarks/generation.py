"""How fast does our generation write, beside transformers' own at its best batch size, and do both write the same?

    python benchmarks/generation.py [--shape 15m 135m] [--int8] [--prompts 64] [--tokens 64] [--rounds 3] [--threads 2]
    python benchmarks/generation.py --model FOLDER [--stop] [--temperature 0.8]

Prompts are ragged (8 to 40 random tokens; with `--model`, words), greedy unless `--temperature` says otherwise, float32 on
both sides, every text as long as `--tokens` unless `--stop` lets the model end it. Our way runs at one batch size,
transformers' `generate` at each of `--peer-batches`, sorted by length as ours does, in turns; the peer's best counts. With
`--int8` our way in 8 bits runs beside them, and the share of tokens that come out otherwise is stated, and of first tokens
(after one token that differs, greedy texts go different ways).

Prints one JSON object a round and way, and last one with medians, minima, maxima, `speedup_vs_peer` and `equal_tokens`.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import torch

from sayso.models.local import LocalModel, load
from sayso.models.writing.generation import write
from sayso.models.writing.sampling import Sampling
from sayso.records import Message, Prompt
from train import SHAPES, write_model

THINGS = ["the sea", "a lost key", "my sister's birthday", "rain", "a new job", "breakfast", "an old dog", "the train"]
ASKS = ["Tell me about {}.", "What do you think of {}?", "I had to think of {} all day long, and then some more.", "{}?"]
Texts = list[list[int]]


def worded(model: LocalModel, number: int) -> Texts:
    """Return prompts of different lengths, in words."""
    texts = [f"{ask.format(thing)}{' Really!' * extra}" for extra in range(8) for ask in ASKS for thing in THINGS]
    return [model.encode_prompt(Prompt(messages=(Message(role="user", content=text),))) for text in texts[:number]]


def drawn(vocabulary: int, number: int) -> Texts:
    """Return prompts of 8 to 40 random tokens."""
    draw = random.Random(0)
    return [[draw.randrange(4, vocabulary) for _ in range(draw.randint(8, 40))] for _ in range(number)]


def ours(model: LocalModel, prompts: Texts, stop: frozenset[int], sampling: Sampling) -> Texts:
    """Write with sayso."""
    return write(model.inner, prompts, sampling, stop_ids=stop, max_length=model.max_length, by_position=model.packed)


def theirs(model: LocalModel, prompts: Texts, stop: frozenset[int], sampling: Sampling) -> Texts:
    """Write with transformers' generate, left-padded batches of like length."""
    how: dict[str, Any] = {"max_new_tokens": sampling.max_new_tokens, "pad_token_id": model.pad_id}
    warm = {"do_sample": True, "temperature": sampling.temperature, "top_k": 0, "top_p": 1.0}
    how |= warm if sampling.temperature else {"do_sample": False}
    how |= {"eos_token_id": sorted(stop)} if stop else {"eos_token_id": None}
    order = sorted(range(len(prompts)), key=lambda number: len(prompts[number]))
    found: Texts = [[] for _ in prompts]
    for first in range(0, len(order), sampling.batch_size):
        members = order[first : first + sampling.batch_size]
        width = max(len(prompts[number]) for number in members)
        ids = torch.tensor([[model.pad_id] * (width - len(prompts[n])) + prompts[n] for n in members])
        mask = torch.tensor([[0] * (width - len(prompts[n])) + [1] * len(prompts[n]) for n in members])
        with torch.inference_mode():
            out = model.inner.generate(input_ids=ids, attention_mask=mask, **how)[:, width:]
        for number, line in zip(members, out.tolist(), strict=True):
            end = next((place for place, token in enumerate(line) if token in stop), len(line))
            found[number] = line[:end]
    return found


def differ(one: Texts, other: Texts) -> dict[str, float]:
    """Return the share of tokens that differ, place by place, and of texts that differ in the first token."""
    pairs = [(a, b) for line, same in zip(one, other, strict=True) for a, b in zip(line, same, strict=False)]
    firsts = [line[:1] != same[:1] for line, same in zip(one, other, strict=True)]
    return {"tokens": sum(a != b for a, b in pairs) / max(1, len(pairs)), "first_tokens": sum(firsts) / len(firsts)}


def measure(folder: Path, asked: argparse.Namespace, name: str) -> dict[str, Any]:
    """Write in turns and return what came of it."""
    model, plain = load(folder, device="cpu"), load(folder, device="cpu")
    plain.inner.set_attn_implementation("sdpa")  # as transformers loads it
    prompts = worded(model, asked.prompts) if asked.model else drawn(SHAPES[name].vocab_size, asked.prompts)
    stop = model.chat.stop_ids if asked.stop else frozenset[int]()
    ways: dict[str, tuple[Callable[..., Texts], LocalModel, dict[str, Any]]] = {
        "ours": (ours, model, {"batch_size": asked.prompts})
    }
    if asked.int8:
        ways["ours_int8"] = (ours, model, {"batch_size": asked.prompts, "int8": True})
    ways |= {f"transformers_{size}": (theirs, plain, {"batch_size": size}) for size in asked.peer_batches}
    speeds: dict[str, list[float]] = {way: [] for way in ways}
    texts: dict[str, Texts] = {}
    for round_ in range(-1, asked.rounds):  # the first round warms up and is not counted
        for way, (engine, given, how) in ways.items():
            most = asked.tokens if round_ >= 0 else min(4, asked.tokens)
            sampling = Sampling(max_new_tokens=most, temperature=asked.temperature, seed=max(round_, 0), **how)
            start, before = perf_counter(), process_time()
            texts[way] = engine(given, prompts, stop, sampling)
            seconds = perf_counter() - start
            if round_ >= 0:
                speeds[way].append(sum(map(len, texts[way])) / seconds)
                said = {"tokens_per_second": speeds[way][-1], "processor_seconds": process_time() - before}
                print(json.dumps({"shape": name, "way": way, **said}), flush=True)
    return {"shape": name, **summary(speeds, texts, greedy=asked.temperature == 0)}


def summary(speeds: dict[str, list[float]], texts: dict[str, Texts], *, greedy: bool) -> dict[str, Any]:
    """Return medians, and ours over the peer's best."""
    middle = {way: {"median": median(all_), "least": min(all_), "most": max(all_)} for way, all_ in speeds.items()}
    best = max((way for way in speeds if way.startswith("transformers")), key=lambda way: middle[way]["median"])
    found: dict[str, Any] = {"tokens_per_second": middle, "best_peer": best}
    found["speedup_vs_peer"] = middle["ours"]["median"] / middle[best]["median"]
    if greedy:
        found["equal_tokens"] = texts["ours"] == texts[best]
        found["differ_from_peer"] = differ(texts["ours"], texts[best])
    if "ours_int8" in speeds:
        found["speedup_vs_peer_int8"] = middle["ours_int8"]["median"] / middle[best]["median"]
        found["changed_by_int8"] = differ(texts["ours_int8"], texts["ours"])
    return found


def main(given: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", nargs="+", choices=SHAPES, default=["15m", "135m"])
    parser.add_argument("--model", help="a folder with a model, instead of shapes with random weights")
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peer-batches", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--int8", action="store_true", help="write in 8 bits too")
    parser.add_argument("--stop", action="store_true", help="let the model end texts")
    asked = parser.parse_args(given)
    torch.set_num_threads(asked.threads)
    found = []
    with tempfile.TemporaryDirectory() as holder:
        for name in [asked.model] if asked.model else asked.shape:
            folder = Path(asked.model or holder) if asked.model else Path(holder) / name
            if not asked.model:
                write_model(SHAPES[name], folder)
            found.append(measure(folder, asked, name))
    print(json.dumps(found[0] if len(found) == 1 else {"shapes": found}))


if __name__ == "__main__":
    main()
