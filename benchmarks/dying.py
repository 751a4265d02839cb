"""Does a training that is killed, damaged or out of disk end where it would have ended?

    python benchmarks/dying.py [--times 30] [--seed 0] [--steps 12]

A tiny model is fine-tuned on a few conversations, with a checkpoint after every step. Then, `--times` times each:

- the same training is killed with SIGKILL at a random moment and started again: its weights, its losses and what was
  measured must be those of the training that nobody disturbed, bit for bit;
- the newest of its checkpoints is cut, bent, emptied or left half-written: it must be skipped, that must be said, and the
  training must end alike;
- from a random step on no file may grow beyond a random size, as on a disk that fills: it must stop with a message of ours,
  its checkpoints whole, and end alike when there is room again.

Prints one JSON object a trial, and last one with how many were right; leaves 1 unless all were.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import logging
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TEMPLATE = (
    "{% for m in messages %}{% if m['role'] == 'user' %}<|user|>{{ m['content'] }}{% elif m['role'] == 'assistant' %}"
    "<|assistant|>{{ m['content'] }}<|end|>{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SPECIAL = ("<|pad|>", "<|end|>", "<|user|>", "<|assistant|>")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A training that may die: where its parts are, and what it comes to when nobody disturbs it."""

    place: Path
    steps: int

    def train(self, folder: Path, watch: Callable[..., None] = lambda **_seen: None) -> None:
        """Train into a folder, to the end or on to the end."""
        from sayso.training import finetuning, fitting

        given = [f"train.max_steps={self.steps}", "train.save_steps=1", "train.save_total_limit=3", "train.lora_dropout=0.3",
            "train.per_device_train_batch_size=4", "train.learning_rate=0.01", "data.eval_steps=5",
            "data.validation_share=0.1"]  # fmt: skip
        task = finetuning.task(str(self.place / "model"), [self.place / "chats.jsonl"], finetuning.settings_of([], given))
        fitting.fit(task, folder, watch)


def write_parts(place: Path) -> None:
    """Write a tiny model with a byte tokenizer, and conversations."""
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = [*SPECIAL, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE(vocab={word: number for number, word in enumerate(words)}, merges=[]))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(word, special=True, normalized=False) for word in SPECIAL])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|end|>", pad_token="<|pad|>", chat_template=TEMPLATE, model_max_length=256
    ).save_pretrained(place / "model")
    torch.manual_seed(0)
    LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=256, bos_token_id=None, eos_token_id=1, pad_token_id=0,
        )
    ).save_pretrained(place / "model")  # fmt: skip
    turns = [[{"role": "user", "content": f"Say {n}."}, {"role": "assistant", "content": f"It is {n}."}] for n in range(90)]
    lines = [json.dumps({"messages": said}) + "\n" for said in turns]
    (place / "chats.jsonl").write_text("".join(lines), encoding="utf-8")


def outcome(folder: Path) -> dict[str, Any]:
    """Return what a training came to: its weights by their hash, its losses, and what was measured."""
    digest = hashlib.sha256()
    for path in sorted((folder / "model").glob("*.safetensors")):
        digest.update(path.read_bytes())
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    measured = (folder / "validation.jsonl").read_text(encoding="utf-8")
    return {"weights": digest.hexdigest(), "losses": [line["loss"] for line in lines], "measured": measured}


def forked(work: Callable[[], None]) -> int:
    """Do a work in a process of its own, which begins as a copy of this one, and return its id."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        work()
        code = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(code)


def ended(pid: int) -> int:
    """Wait for a process and return its exit code; a signal's number is negative."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def rubbish(folder: Path) -> list[str]:
    """Return what is half-written among the checkpoints."""
    return sorted(path.name for path in (folder / "checkpoints").glob(".writing-*"))


def killed(trial: Trial, expected: dict[str, Any], seconds: float, draw: random.Random) -> dict[str, Any]:
    """Kill a training at a random moment, start it again, and say what came of it."""
    while True:
        folder = Path(tempfile.mkdtemp(dir=trial.place))
        pid, moment = forked(lambda folder=folder: trial.train(folder)), draw.uniform(0, seconds)
        time.sleep(moment)
        os.kill(pid, signal.SIGKILL)
        if ended(pid) == -signal.SIGKILL:  # else it had ended before: draw again
            break
    found = {"trial": "killed", "after_seconds": round(moment, 3), "checkpoints": len(_steps(folder)),
        "half_written": rubbish(folder)}  # fmt: skip
    return {**found, **again(trial, folder, expected)}


def again(trial: Trial, folder: Path, expected: dict[str, Any]) -> dict[str, Any]:
    """Start a training again and say whether it ends where it would have ended, leaving nothing half-written."""
    code = ended(forked(lambda: trial.train(folder)))
    same = code == 0 and outcome(folder) == expected
    clean = code == 0 and not rubbish(folder)
    shutil.rmtree(folder)
    return {"equal": same, "clean": clean, "right": same and clean}


def damaged(trial: Trial, expected: dict[str, Any], whole: Path, draw: random.Random) -> dict[str, Any]:
    """Damage the newest checkpoint of a training that stopped, start it again, and say what came of it."""
    from sayso.training.engine import checkpoints

    folder = Path(tempfile.mkdtemp(dir=trial.place)) / "run"
    shutil.copytree(whole, folder)
    for name in ("model", "report.json"):  # as if it had ended before its model was written
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    newest, before = _steps(folder)[-1], _steps(folder)[-2]
    how = draw.choice(sorted(WAYS))
    hurt = WAYS[how](newest, draw)
    with heard() as warnings:
        found = checkpoints.newest(folder / "checkpoints")
    skipped = found is not None and found.folder == before
    said = any(str(hurt) in warning for warning in warnings)
    after = again(trial, folder, expected)
    return {"trial": "damaged", "how": how, "skipped": skipped, "said": said, **after,
        "right": after["right"] and skipped and said}  # fmt: skip


def _cut(path: Path, draw: random.Random) -> Path:
    file = draw.choice(sorted(path.iterdir()))
    os.truncate(file, draw.randrange(file.stat().st_size))
    return path


def _bend(path: Path, draw: random.Random) -> Path:
    file = draw.choice(sorted(item for item in path.iterdir() if item.name != "manifest.json"))
    content = bytearray(file.read_bytes())
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    file.write_bytes(content)
    return path


def _lose(path: Path, draw: random.Random) -> Path:
    draw.choice(sorted(path.iterdir())).unlink()
    return path


def _clear(path: Path, draw: random.Random) -> Path:
    file = draw.choice(sorted(path.iterdir()))
    file.write_bytes(bytes(file.stat().st_size))
    return path


def _half_write(path: Path, draw: random.Random) -> Path:
    writing = path.with_name(f".writing-{path.name.removeprefix('step-')}")
    path.rename(writing)
    return _lose(writing, draw)


WAYS: dict[str, Callable[[Path, random.Random], Path]] = {
    "cut": _cut, "a bit": _bend, "a file is missing": _lose, "zeros": _clear, "half-written": _half_write,
}  # fmt: skip


@contextlib.contextmanager
def heard() -> Iterator[list[str]]:
    """Collect what is warned of."""
    said: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    ear, ours = Ear(), logging.getLogger("sayso")
    ours.addHandler(ear)
    try:
        yield said
    finally:
        ours.removeHandler(ear)


def full(trial: Trial, expected: dict[str, Any], largest: int, draw: random.Random) -> dict[str, Any]:
    """Train where from some step on no file may grow beyond a random size, then where it may, and say what came of it."""
    folder, size, step = Path(tempfile.mkdtemp(dir=trial.place)), draw.randrange(1, largest), draw.randrange(1, trial.steps)
    story = trial.place / "story.txt"
    story.unlink(missing_ok=True)

    def fill(*, note: str, **_seen: object) -> None:
        if note.startswith(f"step {step} of"):
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def cramped() -> None:
        from sayso.errors import SaysoError

        try:
            trial.train(folder, fill)
        except SaysoError as error:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            story.write_text(f"{type(error).__name__}: {error}", encoding="utf-8")

    code = ended(forked(cramped))
    said = story.read_text(encoding="utf-8") if story.exists() else ""
    clean = code == 0 and not rubbish(folder)
    found = {"trial": "full", "step": step, "bytes": size, "said": said[:300], "checkpoints": len(_steps(folder)),
        "stopped": clean}  # fmt: skip
    after = again(trial, folder, expected)
    return {**found, **after, "right": after["right"] and clean and bool(said)}


def _steps(folder: Path) -> list[Path]:
    return sorted((folder / "checkpoints").glob("step-*"))


def main() -> int:
    """Do the trials."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--times", type=int, default=30)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--steps", type=int, default=12)
    given = asked.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # before torch: a process that is copied must have no threads
    draw, right, done = random.Random(given.seed), Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as place:
        import sayso.training.finetuning  # noqa: F401 - once, here: every process is a copy of this one

        trial = Trial(place=Path(place), steps=given.steps)
        write_parts(trial.place)
        whole = trial.place / "whole"
        ended(forked(lambda: trial.train(trial.place / "warm")))
        began = time.perf_counter()
        assert ended(forked(lambda: trial.train(whole))) == 0
        seconds = time.perf_counter() - began
        expected = outcome(whole)
        largest = max(path.stat().st_size for path in _steps(whole)[-1].iterdir())
        for _ in range(given.times):
            for found in (
                killed(trial, expected, seconds, draw), damaged(trial, expected, whole, draw),
                full(trial, expected, largest, draw),
            ):  # fmt: skip
                done[found["trial"]] += 1
                right[found["trial"]] += found["right"]
                print(json.dumps(found), flush=True)
    last = {name: f"{right[name]} of {count}" for name, count in done.items()}
    print(json.dumps({"benchmark": "dying", **last, "seed": given.seed, "steps": given.steps}))
    return 0 if right == done else 1


if __name__ == "__main__":
    sys.exit(main())
