"""How fast are preference pairs and self-distillation, and in how much memory, beside TRL on the same rows and weights?

    python benchmarks/two_contexts.py [--what dpo hindsight sdpo] [--shape 15m|tiny] [--rounds 2] [--steps 2] [--threads 2]

Each way runs in a process of its own, in turns, `--rounds` times; every process first makes one step that is not timed.

dpo        8 ragged pairs a step (prompt and answer together of median 120 tokens, 16 to 500): `ours` is refine_dpo without
           its likelihood term, `trl` TRL's DPOTrainer as it comes (bfloat16 autocast, gradient checkpointing), `trl-alike`
           the same in float32 without checkpointing; nobody has the reference computed beforehand.
hindsight  16 rows a step: `ours`, offline hindsight, beside `sft`, our SFT on the same rows, which takes bfloat16 where the
           processor has units for it, and `sft-alike`, the same in float32, as hindsight always is.
sdpo       16 answers a step, 8 to a prompt, drawn beforehand: `ours`, hindsight on them as answers drawn at this step,
           `trl` TRL's SDPOTrainer as it comes (its teacher a moving average), `trl-alike` in float32 without checkpointing
           and with the teacher that ours has, the model before training.

Both sides must find the same losses: those of all steps for what is alike, of the first within 5 % for bfloat16. What ours
takes in a second epoch over the same rows, when nothing has to be asked of the reference, stands beside as `again`.

Prints one JSON object a run, and last one with medians and, for each of the three, `speedup_vs_…` and `memory_vs_…`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from train import SHAPES, Shape, write_model

RATE = 1e-4
PAIRS_A_STEP, ROWS_A_STEP, ANSWERS_A_PROMPT = 8, 16, 8
EOS = 1
ALIKE: dict[str, Any] = {"bf16": False, "gradient_checkpointing": False}


@dataclass(frozen=True, kw_only=True, slots=True)
class Texts:
    """A prompt, what is said of its answers, and the answers, in ids."""

    prompt: list[int]
    comment: list[int]
    answers: list[list[int]]


def texts_of(shape: Shape, what: str, steps: int) -> list[Texts]:
    """Return random texts for some steps."""
    draw = random.Random(0)

    def words(number: int) -> list[int]:
        return [draw.randrange(4, shape.vocab_size) for _ in range(number)]

    def length() -> int:  # of prompt or answer: median 60
        return min(250, max(8, round(60 * math.exp(draw.gauss(0, 0.7)))))

    answers, number = {"dpo": (2, PAIRS_A_STEP), "hindsight": (1, ROWS_A_STEP), "sdpo": (8, 2)}[what]
    return [
        Texts(prompt=words(length()), comment=words(15), answers=[[*words(length()), EOS] for _ in range(answers)])
        for _ in range(steps * number)
    ]


def write_start(shape: Shape, folder: Path) -> None:
    """Write random weights, and a tokenizer whose words are parted by white space."""
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from transformers import AutoTokenizer

    write_model(shape, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.backend_tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.save_pretrained(folder)


def spelt(ids: Sequence[int]) -> str:
    """Return the words of ids, each after a space."""
    return "".join(f" w{number}" for number in ids if number != EOS)


class Given:
    """Answers that were drawn beforehand, as a method that draws gives them; its loss is hindsight's."""

    def __init__(self, method: Any, rows: Sequence[Any]) -> None:
        self.method, self.made = method, rows
        self.group, self.uses_reference, self.learning_rate = method.group, method.uses_reference, method.learning_rate
        self.loss = method.loss

    def draw(self, _policy: Any, tasks: Sequence[int], *, step: int, seed: int) -> Any:
        """Return the rows of some answers."""
        from sayso.batches import Drawn

        chosen = [row for place in tasks for row in self.made[2 * place : 2 * place + 2]]
        return Drawn(rows=tuple(chosen), answers=len(tasks))

    def __repr__(self) -> str:
        return "given"


def ours(texts: Sequence[Texts], asked: argparse.Namespace) -> Iterator[float]:
    """Yield the loss after each step of sayso."""
    from sayso.batches import row
    from sayso.methods.hindsight import Hindsight
    from sayso.methods.refine_dpo import RefineDpo
    from sayso.methods.sft import Sft
    from sayso.models.local import load
    from sayso.training.engine.drawing import Drawing
    from sayso.training.engine.optimizer import prepare
    from sayso.training.settings import Train
    from sayso.training.steps import steps

    size = PAIRS_A_STEP if asked.on == "dpo" else ROWS_A_STEP
    epochs = 1 if asked.on == "sdpo" else 2
    settings = Train(
        bf16=False if asked.way == "sft-alike" else None, learning_rate=RATE, max_steps=epochs * (asked.steps + 1),
        per_device_train_batch_size=size, use_lora=False, max_tokens=asked.max_tokens, train_sampling_strategy="sequential",
        lr_scheduler_type="constant", warmup_ratio=0,
    )  # fmt: skip
    policy = prepare(load(asked.folder, device="cpu"), settings)
    plain = [row(item.prompt, answer) for item in texts for answer in item.answers]
    told = [replace(row([*item.prompt, *item.comment], answer), read_only=True) for item in texts for answer in item.answers]
    both = [one for pair in zip(plain, told, strict=True) for one in pair]
    hindsight = Hindsight(clip=None, skip_first=0) if asked.on == "sdpo" else Hindsight()
    method, rows = {
        "dpo": (RefineDpo(sft_weight=0), plain),
        "hindsight": (Sft(), plain) if asked.way.startswith("sft") else (hindsight, both),
        "sdpo": (hindsight, both),
    }[asked.on]
    given: Any = rows
    if asked.on == "sdpo":
        method = Given(method, rows)
        given = Drawing(method=method, tasks=tuple(range(len(plain))))
    for step in steps(method, policy, given, settings):
        yield step.loss


def trl(texts: Sequence[Texts], asked: argparse.Namespace) -> Iterator[float]:
    """Yield the loss after each step of TRL; its trainers run to their end, so the times come from a callback."""
    from datasets import Dataset
    from transformers import TrainerCallback

    moments: list[tuple[float, float]] = []

    class Moments(TrainerCallback):  # type: ignore[misc]
        def on_log(self, _args: Any, _state: Any, _control: Any, logs: Any = None, **_more: Any) -> None:
            if logs and "loss" in logs:
                moments.append((time.perf_counter(), logs["loss"]))

    with tempfile.TemporaryDirectory() as out:
        settings = {
            "output_dir": out, "use_cpu": True, "max_steps": asked.steps + 1, "learning_rate": RATE, "logging_steps": 1,
            "per_device_train_batch_size": 8, "lr_scheduler_type": "constant", "save_strategy": "no", "report_to": "none",
            "disable_tqdm": True, **(ALIKE if asked.way == "trl-alike" else {}),
        }  # fmt: skip
        trainer = (trl_dpo if asked.on == "dpo" else trl_sdpo)(texts, settings, asked, Dataset.from_list, [Moments()])
        trainer.train()
    TOOK.extend(later - sooner for (sooner, _), (later, _) in itertools.pairwise(moments))
    yield from (loss for _, loss in moments)


def trl_dpo(texts: Sequence[Texts], settings: dict[str, Any], asked: argparse.Namespace, made: Any, said: Any) -> Any:
    """Return TRL's trainer for pairs."""
    from trl import DPOConfig, DPOTrainer

    pairs = [
        {"prompt": spelt(item.prompt), "chosen": spelt(item.answers[0]), "rejected": spelt(item.answers[1])}
        for item in texts
    ]
    return DPOTrainer(
        model=asked.folder, args=DPOConfig(**settings, train_sampling_strategy="sequential"), train_dataset=made(pairs),
        callbacks=said,
    )  # fmt: skip


def trl_sdpo(texts: Sequence[Texts], settings: dict[str, Any], asked: argparse.Namespace, made: Any, said: Any) -> Any:
    """Return TRL's trainer for self-distillation; what it would draw was drawn beforehand."""
    from trl.experimental.sdpo import SDPOConfig, SDPOTrainer

    answers = {tuple(item.prompt): item.answers for item in texts}
    wanted = SDPOConfig(
        **settings, gradient_accumulation_steps=ROWS_A_STEP // 8, num_generations=ANSWERS_A_PROMPT, shuffle_dataset=False,
        include_environment_feedback=True, reprompt_template="{prompt}{solution}{feedback}",
        feedback_template="{feedback_raw}", teacher_model_kind="base" if asked.way == "trl-alike" else "ema",
    )  # fmt: skip
    asks = [{"prompt": spelt(item.prompt), "privileged_context": spelt(item.comment)} for item in texts]
    trainer = SDPOTrainer(
        model=asked.folder, reward_funcs=lambda completions, **_more: [0.0] * len(completions), args=wanted,
        train_dataset=made(asks), callbacks=said,
    )  # fmt: skip

    def drawn(prompts: list[list[int]]) -> tuple[list[list[int]], list[list[int]]]:
        taken = {key: iter(value) for key, value in answers.items()}
        return prompts, [next(taken[tuple(prompt)]) for prompt in prompts]

    trainer._generate_transformers = drawn
    return trainer


TOOK: list[float] = []
WAYS: dict[str, dict[str, Callable[..., Iterator[float]]]] = {
    "dpo": {"ours": ours, "trl": trl, "trl-alike": trl},
    "hindsight": {"ours": ours, "sft": ours, "sft-alike": ours},
    "sdpo": {"ours": ours, "trl": trl, "trl-alike": trl},
}


def once(asked: argparse.Namespace) -> dict[str, Any]:
    """Train in this process and say what came of it."""
    import torch

    torch.set_num_threads(asked.threads)
    texts = texts_of(SHAPES[asked.shape], asked.on, asked.steps + 1)
    losses, before = [], None
    own = asked.way in ("ours", "sft", "sft-alike")
    for loss in WAYS[asked.on][asked.way](texts, asked):
        now = time.perf_counter()
        losses.append(loss)
        if before is not None and own:
            TOOK.append(now - before)
        before = now
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    timed = texts[len(texts) // (asked.steps + 1) :]
    tokens = sum(len(item.prompt) + len(answer) for item in timed for answer in item.answers)
    seconds = sum(TOOK[: asked.steps])
    return {
        "on": asked.on, "way": asked.way, "tokens_per_second": tokens / seconds, "seconds": TOOK[: asked.steps],
        "again_per_second": tokens / sum(TOOK[asked.steps + 1 :]) if own and asked.on != "sdpo" else None,
        "losses": losses[: asked.steps + 1], "peak_gb": peak / 1e6,
    }  # fmt: skip


def summary(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return, for each question, the medians, and ours over each of the others."""
    out: dict[str, Any] = {}
    for on in {run["on"]: None for run in found}:
        runs = {way: [run for run in found if (run["on"], run["way"]) == (on, way)] for way in WAYS[on]}
        out[on] = {"ways": {way: _middle(of) for way, of in runs.items()}}
        own = out[on]["ways"]["ours"]
        for way, of in out[on]["ways"].items():
            if way == "ours":
                continue
            name = way.replace("-", "_")
            out[on][f"speedup_vs_{name}"] = own["tokens_per_second"] / of["tokens_per_second"]
            out[on][f"memory_vs_{name}"] = own["peak_gb"] / of["peak_gb"]
            if own["again"]:
                out[on][f"speedup_again_vs_{name}"] = own["again"] / (of["again"] or of["tokens_per_second"])
            if way.startswith("sft"):
                out[on][f"times_of_{name}"] = of["tokens_per_second"] / own["tokens_per_second"]
                out[on][f"times_of_{name}_again"] = of["again"] / own["again"]
            else:
                out[on][f"same_losses_{name}"] = _same(runs["ours"][0]["losses"], runs[way][0]["losses"], way)
    return out


def _middle(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    speeds = [run["tokens_per_second"] for run in runs]
    again = [run["again_per_second"] for run in runs if run["again_per_second"]]
    return {
        "tokens_per_second": median(speeds), "least": min(speeds), "most": max(speeds),
        "again": median(again) if again else None, "peak_gb": median(run["peak_gb"] for run in runs),
    }  # fmt: skip


def _same(own: Sequence[float], theirs: Sequence[float], way: str) -> bool:
    """Whether both sides computed the same: every step's loss alike, the first of bfloat16 within 5 %."""
    if way == "trl":
        return math.isclose(own[0], theirs[0], rel_tol=0.05)
    return all(math.isclose(one, other, rel_tol=1e-3, abs_tol=1e-4) for one, other in zip(own, theirs, strict=True))


def main() -> None:
    """Run every way in turns and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--shape", choices=SHAPES, default="15m")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--max-tokens", type=int, default=1024)
    parser.add_argument("--on", help=argparse.SUPPRESS)
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.way:
        print(json.dumps(once(asked)))
        return
    found = []
    with tempfile.TemporaryDirectory() as folder:
        write_start(SHAPES[asked.shape], Path(folder))
        for _, on in itertools.product(range(asked.rounds), asked.what):
            for way in WAYS[on]:
                command = [sys.executable, __file__, *sys.argv[1:], "--on", on, "--way", way, "--folder", folder]
                said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
                found.append(json.loads(said.strip().splitlines()[-1]))
                print(json.dumps(found[-1]), flush=True)
    print(json.dumps(summary(found)))


if __name__ == "__main__":
    main()
