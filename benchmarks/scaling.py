"""Does the cost grow only as the work grows? Fine-tuning on ever more rows, each size in a process of its own, in turns.

    python benchmarks/scaling.py [--rows 1000 20000 200000 1000000] [--steps 20] [--rounds 2] [--shape small|15m]
                                 [--way finetune|learn] [--threads 2]

`finetune` is `sayso finetune` on a JSONL file of so many conversations; `learn` is what `sayso learn` does with as many
refined responses once they are read from the workspace. However many rows there are, the same number of steps is done.
Measured are the seconds until the first step is done (`start_seconds`, reading, encoding and the checks before training
included, starting Python and the model's libraries not), tokens a second after it, and the most memory the process took.

The rows are ragged (median about 120 tokens, of whole words). Where rows are encoded when a step asks for them, the losses
are compared with those of a run that encodes all of them first, on the smallest size.

Prints one JSON object a run, and last one with the medians of each size, and `tokens_per_second_range`, `memory_range` (the
largest over the smallest) and `start_seconds` of the largest.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

ROWS_A_STEP = 16
TEMPLATE = (
    "{% for m in messages %}{% if m['role'] == 'user' %}<user> {{ m['content'] }}{% elif m['role'] == 'assistant' %}"
    "<assistant> {{ m['content'] }}<end>{% endif %}{% endfor %}{% if add_generation_prompt %}<assistant> {% endif %}"
)
SPECIAL = ("<pad>", "<end>", "<unk>", "<user>", "<assistant>")
SHAPES: dict[str, dict[str, int]] = {
    "small": {"hidden_size": 64, "intermediate_size": 192, "num_hidden_layers": 4, "num_attention_heads": 4},
    "15m": {"hidden_size": 288, "intermediate_size": 768, "num_hidden_layers": 6, "num_attention_heads": 6},
}
NUM_WORDS = {"small": 2000, "15m": 32_000}


def words_of(shape: str) -> list[str]:
    """Return the vocabulary: words of three to eight letters."""
    draw = random.Random(0)
    found = {"".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(3, 8))) for _ in range(3 * NUM_WORDS[shape])}
    return sorted(found)[: NUM_WORDS[shape]]


def write_model(folder: Path, shape: str) -> None:
    """Write random weights and a tokenizer of whole words."""
    import torch
    from tokenizers import Tokenizer, pre_tokenizers
    from tokenizers.models import WordLevel
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = [*SPECIAL, *words_of(shape)]
    tokenizer = Tokenizer(WordLevel({word: place for place, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<end>", unk_token="<unk>", chat_template=TEMPLATE,
        additional_special_tokens=["<user>", "<assistant>"], model_max_length=2048,
    ).save_pretrained(folder)  # fmt: skip
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(words), max_position_embeddings=2048, tie_word_embeddings=True, pad_token_id=0, eos_token_id=1,
        bos_token_id=None, **SHAPES[shape],
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)


def pairs(shape: str, count: int) -> Any:
    """Yield prompts and answers; their lengths together are log-normal, median 120 words, 16 to 500."""
    draw = random.Random(1)
    words = words_of(shape)
    pool = " ".join(draw.choice(words) for _ in range(50_000)).split(" ")
    for _ in range(count):
        length = min(500, max(16, round(120 * math.exp(draw.gauss(0, 0.7)))))
        first = draw.randrange(len(pool) - length)
        yield " ".join(pool[first : first + length // 2]), " ".join(pool[first + length // 2 : first + length])


def write_rows(path: Path, shape: str, count: int) -> None:
    """Write conversations, a line each."""
    with path.open("w", encoding="utf-8") as file:
        for asked, answer in pairs(shape, count):
            turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
            file.write(json.dumps({"messages": turns}) + "\n")


def finetune(place: Path, asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Fine-tune as `sayso finetune` does and return when its steps were done."""
    from sayso.training import finetuning, fitting

    given = [f"train.max_steps={asked.steps}", "train.use_lora=false", f"train.per_device_train_batch_size={ROWS_A_STEP}",
        "train.save_steps=0", "data.eval_steps=0", "data.samples=0", "train.warmup_ratio=0", "train.learning_rate=1e-4",
        "data.validation_tokens=5000", *asked.set]  # fmt: skip
    marks: list[float] = []

    def watch(*, stage: str, **_seen: object) -> None:
        if stage == finetuning.VERB:
            marks.append(time.perf_counter())

    began = time.perf_counter()
    task = finetuning.task(str(place / "model"), [place / f"{asked.count}.jsonl"], finetuning.settings_of([], given))
    fitting.fit(task, folder, watch)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return _measured(began, marks, [line["tokens"] for line in lines], [line["loss"] for line in lines])


def learn(place: Path, asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Learn from refined responses as `sayso learn` does once they are read, and return when its steps were done."""
    from sayso.batches import sharing
    from sayso.methods.refine_sft import RefineSft
    from sayso.models import local
    from sayso.records import Comment, Example, Message, Prompt, Refinement, Response
    from sayso.training import preflight
    from sayso.training.engine.optimizer import prepare
    from sayso.training.run import keep
    from sayso.training.settings import Train
    from sayso.training.steps import steps

    comment = Comment(text="Say it in other words.", author="a")
    examples = []
    for said, answer in pairs(asked.shape, asked.count):
        prompt = Prompt(messages=(Message(role="user", content=said),))
        response = Response(prompt=prompt, text=answer[: len(answer) // 2], version="base")
        better = Refinement(response=response, text=answer, addresses=(comment.id,))
        examples.append(Example(prompt=prompt, response=response, comments=(comment,), refinement=better))
    settings = Train(
        max_steps=asked.steps, use_lora=False, per_device_train_batch_size=ROWS_A_STEP, save_steps=0, warmup_ratio=0,
        learning_rate=1e-4,
    )  # fmt: skip
    method, marks, tokens, losses = RefineSft(), [], [], []
    began = time.perf_counter()
    policy = prepare(local.load(place / "model", device="cpu"), settings)
    rows = list(sharing(method.rows(examples, policy)))
    preflight.examine(method, policy, examples, rows)
    for step in keep(steps(method, policy, rows, settings, folder=folder), folder):
        marks.append(time.perf_counter())
        tokens.append(step.tokens)
        losses.append(step.loss)
    return _measured(began, marks, tokens, losses)


def _measured(began: float, marks: list[float], tokens: list[int], losses: list[float]) -> dict[str, Any]:
    return {
        "start_seconds": round(marks[0] - began, 2), "tokens_per_second": round(sum(tokens[1:]) / (marks[-1] - marks[0]), 1),
        "peak_megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1), "losses": losses,
    }  # fmt: skip


WAYS = {"finetune": finetune, "learn": learn}


def one(asked: argparse.Namespace) -> None:
    """Do one run in this process."""
    import torch
    import transformers  # noqa: F401 - what every start takes, whatever the number of rows

    torch.set_num_threads(asked.threads)
    with tempfile.TemporaryDirectory(dir=asked.place) as folder:
        print(json.dumps(WAYS[asked.way](asked.place, asked, Path(folder) / "run")))


def run(asked: argparse.Namespace, place: Path, count: int, *more: str) -> dict[str, Any]:
    """Do one run in a process of its own."""
    command = [sys.executable, __file__, "--place", str(place), "--count", str(count), "--way", asked.way, "--shape",
        asked.shape, "--steps", str(asked.steps), "--threads", str(asked.threads), *more]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": str(asked.threads)})
    if done.returncode:
        sys.exit(done.stderr)
    return {"way": asked.way, "rows": count, **json.loads(done.stdout.splitlines()[-1])}


def main() -> int:
    """Do the runs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 20_000, 200_000, 1_000_000])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--shape", choices=SHAPES, default="small")
    parser.add_argument("--way", choices=WAYS, default="finetune")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--set", action="append", default=[], help=argparse.SUPPRESS)
    parser.add_argument("--place", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.place:
        one(asked)
        return 0
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        write_model(place / "model", asked.shape)
        for count in asked.rows if asked.way == "finetune" else ():
            write_rows(place / f"{count}.jsonl", asked.shape, count)
        print(json.dumps(summary(asked, place)))
    return 0


def summary(asked: argparse.Namespace, place: Path) -> dict[str, Any]:
    """Do the runs in turns and return the medians."""
    found: dict[int, list[dict[str, Any]]] = {count: [] for count in asked.rows}
    same: dict[str, Any] = {}
    if asked.way == "finetune":
        least = min(asked.rows)
        ways = [run(asked, place, least, "--set", f"data.encode_first_bytes={size}") for size in (0, 10**12)]
        same = {"same_losses": ways[0]["losses"] == ways[1]["losses"]}
        assert same["same_losses"], "the rows differ"
    for _ in range(asked.rounds):
        for count in asked.rows:
            result = run(asked, place, count)
            found[count].append(result)
            print(json.dumps({key: value for key, value in result.items() if key != "losses"}), flush=True)
    keys = ("start_seconds", "tokens_per_second", "peak_megabytes")
    sizes = {count: {key: median(result[key] for result in results) for key in keys} for count, results in found.items()}

    def spread(key: str) -> float:
        values = [size[key] for size in sizes.values()]
        return round(max(values) / min(values), 3)

    return {"benchmark": "scaling", "way": asked.way, "shape": asked.shape, "steps": asked.steps, "rounds": asked.rounds,
        "sizes": sizes, "tokens_per_second_range": spread("tokens_per_second"), "memory_range": spread("peak_megabytes"),
        "start_seconds": sizes[max(sizes)]["start_seconds"], **same}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
