"""Is what `sayso plan` foresees what a training then takes?

    python benchmarks/planning.py [--settings NAMES] [--steps 10] [--threads 2]

Five settings: shapes, all weights or an adapter, likelihood or pairs, short rows or long ones, micro-batches small
and large. Each is planned in a process of its own, from a trial of a few seconds, and then really trained in another, which
says how long its steps and checkpoints took and the most memory it had. Rows are random tokens, ragged.

Prints one JSON object a setting with predicted and measured seconds and bytes and their ratios (predicted over measured), a
table, and last one object with all ratios and how many lie within 20 % and within the band that was said.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from train import SHAPES, write_model

TOLERANCE = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """A training."""

    shape: str
    use_lora: bool
    pairs: bool
    median: int
    """Tokens of a row."""
    max_tokens: int
    groups: int
    """A step."""


SETTINGS = {
    "full-short": Setting(shape="15m", use_lora=False, pairs=False, median=120, max_tokens=1024, groups=16),
    "lora-long": Setting(shape="15m", use_lora=True, pairs=False, median=300, max_tokens=2048, groups=8),
    "full-pairs": Setting(shape="15m", use_lora=False, pairs=True, median=120, max_tokens=2048, groups=8),
    "lora-pairs-long": Setting(shape="15m", use_lora=True, pairs=True, median=300, max_tokens=1024, groups=4),
    "tiny-large": Setting(shape="tiny", use_lora=False, pairs=False, median=120, max_tokens=4096, groups=64),
}
"""What is planned and trained; `tiny` makes five times as many steps."""


def rows_of(setting: Setting) -> list[Any]:
    """Return two hundred groups of random rows; their lengths are log-normal, up to 1,000."""
    from sayso.batches import row

    draw, vocabulary, rows = random.Random(0), SHAPES[setting.shape].vocab_size, []
    for _ in range(200):
        length = min(1000, max(16, round(setting.median * math.exp(draw.gauss(0, 0.7)))))
        prompt = [draw.randrange(4, vocabulary) for _ in range(length // 2)]
        for _side in range(2 if setting.pairs else 1):
            rows.append(row(prompt, [draw.randrange(4, vocabulary) for _ in range(length - length // 2)]))
    return rows


def parts_of(setting: Setting, folder: Path, steps: int) -> tuple[Any, Any, list[Any], Any]:
    """Return the method, the model made ready, the rows and the settings."""
    from sayso.methods.refine_dpo import RefineDpo
    from sayso.methods.sft import Sft
    from sayso.models.local import load
    from sayso.training.engine.optimizer import prepare
    from sayso.training.settings import Train

    train = Train(
        learning_rate=1e-4, max_steps=steps * (5 if setting.shape == "tiny" else 1), use_lora=setting.use_lora,
        max_tokens=setting.max_tokens, per_device_train_batch_size=setting.groups, warmup_ratio=0, save_steps=0,
    )  # fmt: skip
    policy = prepare(load(folder, device="cpu"), train)
    return (RefineDpo() if setting.pairs else Sft()), policy, rows_of(setting), train


def plan(setting: Setting, folder: Path, steps: int) -> dict[str, Any]:
    """Return what is foreseen."""
    from sayso.training.engine.guard import Anchors
    from sayso.training.foresight.forecast import foresee
    from sayso.training.foresight.lesson import Lesson

    method, policy, rows, train = parts_of(setting, folder, steps)
    found = foresee(Lesson(method=method, policy=policy, rows=rows, train=train, anchors=Anchors()))
    return {
        "seconds": found.seconds.value, "seconds_low": found.seconds.low, "seconds_high": found.seconds.high,
        "memory": found.memory.value, "memory_low": found.memory.low, "memory_high": found.memory.high,
        "seconds_tried": found.seconds_tried, "tried": found.tried,
    }  # fmt: skip


def train(setting: Setting, folder: Path, steps: int) -> dict[str, Any]:
    """Train, and return what it took."""
    import resource

    from sayso.training.steps import steps as training

    method, policy, rows, settings = parts_of(setting, folder, steps)
    with tempfile.TemporaryDirectory() as kept:
        began = time.perf_counter()
        done = sum(1 for _ in training(method, policy, rows, settings, folder=Path(kept)))
        seconds = time.perf_counter() - began
    scale = 1 if sys.platform == "darwin" else 1024
    return {"seconds": seconds, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale, "steps": done}


def alone(name: str, what: str, folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """Return what a process of its own found."""
    words = [sys.executable, __file__, "--settings", name, "--only", what, "--folder", str(folder)]
    words += ["--steps", str(asked.steps), "--threads", str(asked.threads)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def compared(name: str, folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """Plan a setting, train it, and return both."""
    foreseen, measured = (alone(name, what, folder, asked) for what in ("plan", "train"))
    form = {"setting": name, "predicted": foreseen, "measured": measured}
    for kind in ("seconds", "memory"):
        form[f"{kind}_ratio"] = round(foreseen[kind] / measured[kind], 3)
        form[f"{kind}_in_band"] = foreseen[f"{kind}_low"] <= measured[kind] <= foreseen[f"{kind}_high"]
    return form


def summary(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the ratios of all settings, and how many are good."""
    form: dict[str, Any] = {"settings": len(found)}
    for kind in ("seconds", "memory"):
        ratios = [item[f"{kind}_ratio"] for item in found]
        form[f"{kind}_ratios"] = {item["setting"]: item[f"{kind}_ratio"] for item in found}
        form[f"{kind}_within_20_percent"] = sum(abs(ratio - 1) <= TOLERANCE for ratio in ratios)
        form[f"{kind}_in_band"] = sum(item[f"{kind}_in_band"] for item in found)
        form[f"{kind}_worst"] = max(ratios, key=lambda ratio: abs(math.log(ratio)))
    return form


def table(found: list[dict[str, Any]]) -> str:
    """Return the settings as lines of text."""
    lines = [
        f"{'setting':16} {'predicted':>10} {'measured':>10} {'ratio':>6}   {'predicted':>11} {'measured':>11} {'ratio':>6}"
    ]
    for item in found:
        before, after = item["predicted"], item["measured"]
        lines.append(
            f"{item['setting']:16} {before['seconds']:>8.1f} s {after['seconds']:>8.1f} s {item['seconds_ratio']:>6.2f}   "
            f"{before['memory'] / 1e6:>8.0f} MB {after['memory'] / 1e6:>8.0f} MB {item['memory_ratio']:>6.2f}"
        )
    return "\n".join(lines)


def main() -> None:
    """Do what the command line asks."""
    reading = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reading.add_argument("--settings", nargs="+", choices=sorted(SETTINGS), default=list(SETTINGS))
    reading.add_argument("--steps", type=int, default=10)
    reading.add_argument("--threads", type=int, default=2)
    reading.add_argument("--only", choices=("plan", "train"), help=argparse.SUPPRESS)
    reading.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = reading.parse_args()
    if asked.only:
        import torch

        torch.set_num_threads(asked.threads)
        do = plan if asked.only == "plan" else train
        print(json.dumps(do(SETTINGS[asked.settings[0]], asked.folder, asked.steps)))
        return
    found = []
    with tempfile.TemporaryDirectory() as place:
        for name in asked.settings:
            folder = Path(place) / SETTINGS[name].shape
            if not folder.exists():
                write_model(SHAPES[SETTINGS[name].shape], folder)
            found.append(compared(name, folder, asked))
            print(json.dumps(found[-1]), flush=True)
    print(table(found))
    print(json.dumps(summary(found)))


if __name__ == "__main__":
    main()
