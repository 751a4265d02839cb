"""How fast are texts scored, beside lm-eval's own loop on the same ids and weights?

    python benchmarks/scoring.py [--shape 15m] [--texts 64] [--rounds 3] [--threads 2] [--peer-batches 1 4 16]

The log-probability of every token of ragged texts (median about 120 tokens) given those before it: ours in packed lines,
lm-eval's `HFLM` at each batch size, in turns. Where `lm_eval` cannot be imported, its loop is re-enacted from its published
description (longest first, right-padded, all logits, log-softmax, gather and arg-max) and the result says so. To have it
beside, in an environment of its own that sees this one's packages:

    python -m venv BESIDE && python -c 'import torch, pathlib; print(pathlib.Path(torch.__file__).parents[1])' \\
        > BESIDE/lib/python3.11/site-packages/beside.pth && BESIDE/bin/pip install lm-eval
    PYTHONPATH=src BESIDE/bin/python benchmarks/scoring.py

Prints one JSON object a round and way, and last one with medians, minima, maxima, `speedup_vs_peer` (at its best batch),
`speedup_vs_peer_16`, and how far apart the sums are.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import random
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch

from sayso.models import textmodel
from train import SHAPES, write_model

START = 3
APART = 1e-4
"""How far (relative) two sums of a text may lie apart."""


def texts_of(vocabulary: int, number: int) -> list[list[int]]:
    """Return texts as ids; lengths are log-normal, median 120, 16 to 500."""
    draw = random.Random(0)
    lengths = [min(500, max(16, round(120 * math.exp(draw.gauss(0, 0.7))))) for _ in range(number)]
    return [[START, *(draw.randrange(4, vocabulary) for _ in range(length))] for length in lengths]


def harness(folder: Path, threads: int) -> Callable[[list[list[int]], int], list[float]] | None:
    """Return lm-eval's own loop; None where it is not installed."""
    if importlib.util.find_spec("lm_eval") is None:
        return None
    from lm_eval.models.huggingface import HFLM

    model = HFLM(pretrained=str(folder), device="cpu", dtype="float32", batch_size=16, max_length=1024)
    torch.set_num_threads(threads)

    def score(rows: list[list[int]], size: int) -> list[float]:
        model.batch_size_per_gpu = size
        asked = [(("", str(number)), ids[:1], ids[1:]) for number, ids in enumerate(rows)]
        return [value for value, _greedy in model._loglikelihood_tokens(asked, disable_tqdm=True)]

    return score


def reenacted(folder: Path) -> Callable[[list[list[int]], int], list[float]]:
    """Return a loop like lm-eval's."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    def score(rows: list[list[int]], size: int) -> list[float]:
        order = sorted(range(len(rows)), key=lambda number: -len(rows[number]))
        found = [0.0] * len(rows)
        for first in range(0, len(order), size):
            members = order[first : first + size]
            width = max(len(rows[number]) for number in members) - 1
            lines = [rows[number][:-1] + [0] * (width - len(rows[number]) + 1) for number in members]
            with torch.no_grad():
                table = torch.log_softmax(model(torch.tensor(lines)).logits, dim=-1)
            for number, line in zip(members, table, strict=True):
                wanted = torch.tensor(rows[number][1:])
                logits = line[: len(wanted)]
                _greedy = bool((logits.argmax(dim=-1) == wanted).all())
                found[number] = float(logits.gather(1, wanted[:, None]).sum())
        return found

    return score


def measure(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Score in turns and return what came of it."""
    rows = texts_of(SHAPES[asked.shape].vocab_size, asked.texts)
    tokens = sum(len(ids) - 1 for ids in rows)
    own = textmodel.load(folder, device="cpu")
    real = harness(folder, asked.threads)
    peer = real or reenacted(folder)
    ways: dict[str, Callable[[list[list[int]]], list[float]]] = {
        "ours": lambda lines: [float(part.sum()) for part in own.logprobs(lines)]
    }
    ways |= {f"peer_{size}": lambda lines, size=size: peer(lines, size) for size in asked.peer_batches}
    speeds: dict[str, list[float]] = {way: [] for way in ways}
    sums: dict[str, list[float]] = {}
    for round_ in range(-1, asked.rounds):  # the first round warms up, on a few texts
        for way, score in ways.items():
            lines = rows if round_ >= 0 else rows[:4]
            began = perf_counter()
            sums[way] = score(lines)
            seconds = perf_counter() - began
            if round_ >= 0:
                speeds[way].append(tokens / seconds)
                print(json.dumps({"way": way, "tokens_per_second": speeds[way][-1]}), flush=True)
    return {"shape": asked.shape, "peer": "lm-eval" if real else "lm-eval's loop, re-enacted", **summary(speeds, sums)}


def summary(speeds: dict[str, list[float]], sums: dict[str, list[float]]) -> dict[str, Any]:
    """Return medians, ours over the peer's, and the largest relative difference between sums of a text."""
    middle = {way: {"median": median(all_), "least": min(all_), "most": max(all_)} for way, all_ in speeds.items()}
    best = max((way for way in speeds if way != "ours"), key=lambda way: middle[way]["median"])
    apart = max(abs(a - b) / abs(b) for way in sums for a, b in zip(sums["ours"], sums[way], strict=True))
    found: dict[str, Any] = {"tokens_per_second": middle, "best_peer": best, "apart": apart, "equal_sums": apart <= APART}
    found["speedup_vs_peer"] = middle["ours"]["median"] / middle[best]["median"]
    return found | {
        f"speedup_vs_{way}": middle["ours"]["median"] / of["median"] for way, of in middle.items() if way != "ours"
    }


def main(given: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="15m")
    parser.add_argument("--texts", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peer-batches", type=int, nargs="+", default=[1, 4, 16])
    asked = parser.parse_args(given)
    torch.set_num_threads(asked.threads)
    with tempfile.TemporaryDirectory() as folder:
        write_model(SHAPES[asked.shape], Path(folder))
        print(json.dumps(measure(asked, Path(folder))))


if __name__ == "__main__":
    main()
