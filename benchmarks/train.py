"""How fast does fine-tuning go, and in how much memory, beside TRL on the same rows and the same weights?

    python benchmarks/train.py [--shape 15m|135m|tiny] [--ways ours trl trl-tuned ...] [--rounds N] [--steps N] [--threads 2]

Each way runs in a process of its own, in turns, `--rounds` times; every process first makes one step that is not timed. The
rows are ragged (median about 120 tokens, the loss on completions, 16 rows a step) and the same for all, in the same order.
`trl` is TRL's SFTTrainer as it comes (batches of 8 times 2, bfloat16 autocast, gradient checkpointing); `trl-tuned` is the
best found for it on processors: padding-free, float32, without checkpointing, and with the settings of OpenMP and of pages
that sayso's command line sets for itself (`sayso.cli.environment`); `trl` has those of the system; `trl-tuned-bf16` is
`trl-tuned` in bfloat16. `ours` takes bfloat16 where the processor has units for it, as `train.bf16` does when it is not set,
and with `--float32` it does not. Losses of the first step must agree: to 1 in 10,000, with bfloat16 to 1 in 100. Without
`--rounds` and `--steps` it takes some minutes: 3 rounds of 3 steps, at 135m 2 rounds of 1.

Prints one JSON object a run, and last one with medians, `speedup_vs_trl`, `memory_vs_trl`, and `of_ceiling`: useful
floating-point operations a second over what one large float32 matrix product reaches between the runs.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from sayso.cli.environment import settled

ROWS_A_STEP = 16
LEARNING_RATE = 1e-4


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """Sizes of a Llama with tied embeddings."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int

    def operations(self, rows: Sequence[tuple[list[int], int]]) -> float:
        """Return the useful floating-point operations of one forward and backward pass: matrices, attention, head."""
        head = self.hidden_size // self.num_attention_heads
        kept = self.num_key_value_heads * head
        layer = self.hidden_size * (2 * self.hidden_size + 2 * kept + 3 * self.intermediate_size)
        tokens = sum(len(ids) for ids, _ in rows)
        looked = sum(len(ids) * (len(ids) + 1) / 2 for ids, _ in rows)
        learnt = sum(len(ids) - start for ids, start in rows)
        products = tokens * layer + 2 * looked * self.hidden_size
        return 6 * (self.num_hidden_layers * products + learnt * self.vocab_size * self.hidden_size)


SHAPES = {
    "tiny": Shape(
        vocab_size=512, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2),
    "15m": Shape(
        vocab_size=32_000, hidden_size=288, intermediate_size=768, num_hidden_layers=6, num_attention_heads=6,
        num_key_value_heads=6),
    "135m": Shape(
        vocab_size=49_152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
        num_key_value_heads=3),
}  # fmt: skip


def rows_of(shape: Shape, steps: int) -> list[tuple[list[int], int]]:
    """Return rows of random tokens and where their completions begin; lengths are log-normal, median 120, 16 to 500."""
    draw = random.Random(0)
    rows = []
    for _ in range(steps * ROWS_A_STEP):
        length = min(500, max(16, round(120 * math.exp(draw.gauss(0, 0.7)))))
        rows.append(([draw.randrange(4, shape.vocab_size) for _ in range(length)], length // 2))
    return rows


def write_model(shape: Shape, folder: Path) -> None:
    """Write random weights and a tokenizer of as many words."""
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = ["<pad>", "<eos>", "<unk>", "<bos>", *(f"w{number}" for number in range(4, shape.vocab_size))]
    tokenizer = Tokenizer(WordLevel({word: place for place, word in enumerate(words)}, unk_token="<unk>"))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        **asdict(shape),
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=3,
    )
    LlamaForCausalLM(config).save_pretrained(folder)


def ours(folder: Path, rows: Sequence[tuple[list[int], int]], asked: argparse.Namespace) -> Iterator[float]:
    """Yield the loss after each step of sayso."""
    from sayso.batches import Row
    from sayso.methods.sft import Sft
    from sayso.models.local import load
    from sayso.training.engine.optimizer import prepare
    from sayso.training.settings import Train
    from sayso.training.steps import steps

    settings = Train(
        learning_rate=LEARNING_RATE, max_steps=asked.steps + 1, per_device_train_batch_size=ROWS_A_STEP, use_lora=asked.lora,
        max_tokens=asked.max_tokens, train_sampling_strategy="sequential", lr_scheduler_type="constant", warmup_ratio=0,
        torch_compile=asked.compile, gradient_checkpointing=asked.gradient_checkpointing,
        bf16=False if asked.float32 else None,
    )  # fmt: skip
    policy = prepare(load(folder, device="cpu"), settings)
    given = [Row(ids=ids, weights=[0.0] * start + [1.0] * (len(ids) - start)) for ids, start in rows]
    for step in steps(Sft(), policy, given, settings):
        yield step.loss


def trl(folder: Path, rows: Sequence[tuple[list[int], int]], asked: argparse.Namespace) -> Iterator[float]:
    """Yield the loss after each step of TRL; its trainer runs to its end, so the times come from a callback."""
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    best: dict[str, Any] = {
        "bf16": asked.way == "trl-tuned-bf16", "gradient_checkpointing": False, "padding_free": True, "max_length": None
    }  # fmt: skip
    moments: list[tuple[float, float]] = []

    class Moments(TrainerCallback):  # type: ignore[misc]
        def on_log(self, _args: Any, _state: Any, _control: Any, logs: Any = None, **_more: Any) -> None:
            if logs and "loss" in logs:
                moments.append((time.perf_counter(), logs["loss"]))

    with tempfile.TemporaryDirectory() as out:
        settings = SFTConfig(
            output_dir=out, use_cpu=True, max_steps=asked.steps + 1, per_device_train_batch_size=8,
            gradient_accumulation_steps=2, learning_rate=LEARNING_RATE, lr_scheduler_type="constant", logging_steps=1,
            save_strategy="no", report_to="none", disable_tqdm=True, train_sampling_strategy="sequential",
            completion_only_loss=True, **({} if asked.way == "trl" else best),
        )  # fmt: skip
        columns = {"input_ids": [ids for ids, _ in rows],
            "completion_mask": [[0] * start + [1] * (len(ids) - start) for ids, start in rows]}  # fmt: skip
        trainer = SFTTrainer(
            model=str(folder), args=settings, train_dataset=Dataset.from_dict(columns), callbacks=[Moments()],
            peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear") if asked.lora else None,
        )  # fmt: skip
        trainer.train()
    TOOK.extend(later - sooner for (sooner, _), (later, _) in itertools.pairwise(moments))
    yield from (loss for _, loss in moments)


TOOK: list[float] = []
WAYS: dict[str, Callable[..., Iterator[float]]] = {"ours": ours, "trl": trl, "trl-tuned": trl, "trl-tuned-bf16": trl}


def once(asked: argparse.Namespace) -> dict[str, Any]:
    """Train in this process and say what came of it."""
    import torch

    torch.set_num_threads(asked.threads)
    rows = rows_of(SHAPES[asked.shape], asked.steps + 1)
    losses, before = [], None
    for loss in WAYS[asked.way](Path(asked.folder), rows, asked):
        now = time.perf_counter()
        losses.append(loss)
        if before is not None and asked.way == "ours":
            TOOK.append(now - before)
        before = now
    timed = rows[ROWS_A_STEP:]
    seconds = sum(TOOK)
    return {
        "way": asked.way, "bf16": bf16(asked), "seconds": TOOK,
        "tokens_per_second": sum(len(ids) for ids, _ in timed) / seconds,
        "gflops": SHAPES[asked.shape].operations(timed) / seconds / 1e9, "losses": losses,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }  # fmt: skip


def bf16(asked: argparse.Namespace) -> bool:
    """Return whether a way multiplies in bfloat16."""
    import torch

    from sayso.training.engine.precision import has_units

    if asked.way != "ours":
        return asked.way != "trl-tuned"
    return not asked.float32 and asked.shape != "tiny" and has_units(torch.device("cpu"))


def ceiling(threads: int) -> float:
    """Return the billions of operations a second of a float32 matrix product, the quickest way this machine has."""
    import torch

    from sayso.models.arithmetic import quick_products

    torch.set_num_threads(threads)
    size = 2048
    left, right = torch.randn(size, size), torch.randn(size, size)
    took = []
    with quick_products():
        for _ in range(4):
            began = time.perf_counter()
            left @ right
            took.append(time.perf_counter() - began)
    return 2 * size**3 / min(took) / 1e9


def summary(found: Sequence[dict[str, Any]], highest: Sequence[float]) -> dict[str, Any]:
    """Return medians, and ours over each of the others."""
    ways = {run["way"]: [other for other in found if other["way"] == run["way"]] for run in found}
    middle = {
        way: {key: median(run[key] for run in runs) for key in ("tokens_per_second", "peak_gb", "gflops")}
        | {"least": min(run["tokens_per_second"] for run in runs), "most": max(run["tokens_per_second"] for run in runs)}
        for way, runs in ways.items()
    }
    out: dict[str, Any] = {"ways": middle, "ceiling_gflops": median(highest)}
    if own := middle.get("ours"):
        out["of_ceiling"] = own["gflops"] / median(highest)
        for way, of in middle.items():
            if way != "ours":
                name = way.replace("-", "_")
                out[f"speedup_vs_{name}"] = own["tokens_per_second"] / of["tokens_per_second"]
                out[f"memory_vs_{name}"] = own["peak_gb"] / of["peak_gb"]
                first = ways["ours"][0]["losses"][0], ways[way][0]["losses"][0]
                out[f"first_loss_{name}"] = {"ours": first[0], "theirs": first[1]}
                apart = abs(first[0] - first[1]) / first[0]
                rounded = way != "trl-tuned" or any(run["bf16"] for run in ways["ours"])
                assert apart < (1e-2 if rounded else 1e-4), f"{way} does not compute the same loss: {first}"
    return out


def main() -> None:
    """Run every way in turns and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="15m")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=["ours", "trl", "trl-tuned"])
    parser.add_argument("--rounds", type=int, help="default: 3, at 135m 2")
    parser.add_argument("--steps", type=int, help="default: 3, at 135m 1")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--max-tokens", type=int, default=1024)
    parser.add_argument("--lora", action="store_true", help="train a low-rank adapter, not all weights")
    parser.add_argument("--compile", action="store_true", help="ours with train.torch_compile")
    parser.add_argument("--gradient-checkpointing", action="store_true", help="ours with train.gradient_checkpointing")
    parser.add_argument("--float32", action="store_true", help="ours with train.bf16=false")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    large = asked.shape == "135m"
    asked.rounds, asked.steps = asked.rounds or (2 if large else 3), asked.steps or (1 if large else 3)
    if asked.way:
        print(json.dumps(once(asked)))
        return
    found, highest = [], []
    with tempfile.TemporaryDirectory() as folder:
        write_model(SHAPES[asked.shape], Path(folder))
        for _ in range(asked.rounds):
            for way in asked.ways:
                highest.append(ceiling(asked.threads))
                command = [sys.executable, __file__, *sys.argv[1:], "--way", way, "--folder", folder]
                environment = {**os.environ, **({} if way == "trl" else settled(os.environ))}
                said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
                found.append(json.loads(said.strip().splitlines()[-1]))
                print(json.dumps(found[-1]), flush=True)
    print(json.dumps(summary(found, highest)))


if __name__ == "__main__":
    main()
