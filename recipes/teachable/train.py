"""Train the embedded model from nothing: `python recipes/teachable/train.py --out DIR --tokens 5000000 --seed 0`.

Deterministic by steps; started again with the same arguments it goes on after its newest checkpoint. Afterwards
`install.py` writes the half-precision folder.
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from recipes.teachable.episodes import episodes
from recipes.teachable.learning import Write, example
from safetensors.torch import load_file
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

from sayso.batches import Row
from sayso.models import local
from sayso.text import tokenizer
from sayso.training import checkpoints
from sayso.training.optimizer import prepare
from sayso.training.run import keep
from sayso.training.settings import Train
from sayso.training.steps import steps

VOCABULARY = 2048
CONTEXT = 256
TOKENIZER_EPISODES = 20_000
ROWS_A_STEP = 16
SAID_EVERY = 20


def config(vocabulary: int) -> LlamaConfig:
    """Return the shape of the model: 2.6 million parameters, the output head tied to the embeddings."""
    return LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=192,
        num_hidden_layers=5,
        num_attention_heads=6,
        num_key_value_heads=6,
        head_dim=32,
        intermediate_size=512,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=1,
        rms_norm_eps=1e-5,
    )


def fresh(folder: Path, seed: int) -> None:
    """Write a model folder with random weights, and the tokenizer learnt from the seed's first episodes."""
    texts = (turn.content for episode in islice(episodes(seed), TOKENIZER_EPISODES) for turn in episode.messages)
    found = tokenizer.train(texts, folder, vocab_size=VOCABULARY, model_max_length=CONTEXT)
    torch.manual_seed(seed)
    shape = config(found)
    module = LlamaForCausalLM(shape)
    module.generation_config = GenerationConfig.from_model_config(shape)
    module.save_pretrained(str(folder))


def rows(policy: local.LocalModel, tokens: int, seed: int) -> list[Row]:
    """Return the first rows of the stream that hold as many tokens as asked for."""
    found: list[Row] = []
    stream = Write().rows((example(episode) for episode in episodes(seed)), policy)
    while tokens > 0:
        found.append(next(stream))
        tokens -= len(found[-1].ids)
    return found


def after(run: Path, folder: Path) -> None:
    """Write the newest checkpoint of another run as the model folder to start from."""
    found = checkpoints.newest(run / "checkpoints")
    if found is None:
        raise SystemExit(f"{run}: no checkpoint to go on after")
    model = local.load(run / "start")
    model.module.load_state_dict(load_file(found.folder / "weights.safetensors"), strict=False)
    model.save(folder)
    print(f"going on after step {found.step} of {run}", flush=True)


def main() -> None:
    """Train, and write progress to the terminal."""
    given = _arguments()
    torch.set_num_threads(given.threads)
    start = given.out / "start"
    if not (start / "model.safetensors").exists():
        after(given.after, start) if given.after else fresh(start, given.seed)
    settings = Train(
        learning_rate=given.learning_rate, num_train_epochs=1, per_device_train_batch_size=ROWS_A_STEP, max_tokens=4096,
        warmup_ratio=0.03, weight_decay=0.05, adam_beta2=0.99, lr_scheduler_type="linear", seed=given.seed, save_steps=200,
        use_lora=False,
    )  # fmt: skip
    policy = prepare(local.load(start), settings)
    learnt = rows(policy, given.tokens, given.seed)
    print(f"{policy.num_parameters():,} parameters; {len(learnt):,} rows; packed: {policy.packed}", flush=True)
    _train(policy, learnt, settings, given.out, stop=given.stop)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the run's folder; taken up again where it stopped")
    parser.add_argument("--tokens", type=int, default=5_000_000, help="how many tokens the schedule is laid out for")
    parser.add_argument("--stop", type=int, default=0, help="end early, after this step (a multiple of 200)")
    parser.add_argument("--after", type=Path, help="start from the newest checkpoint of this run, on rows of another seed")
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def _train(policy: local.LocalModel, learnt: list[Row], settings: Train, folder: Path, *, stop: int) -> None:
    run = steps(Write(), policy, learnt, settings, folder=folder, resume=True)
    tokens, loss, started = 0, 0.0, time.monotonic()
    for step in keep(run, folder, settings={"train": settings, "method": Write()}):
        if stop and step.step > stop:
            break
        tokens += step.tokens
        loss += step.loss
        if step.step % SAID_EVERY == 0:
            speed = tokens / (time.monotonic() - started)
            said = (
                f"step {step.step}/{step.num_steps} loss {loss / SAID_EVERY:.3f} {speed:,.0f} tokens/s {step.seconds:.0f} s"
            )
            print(said, flush=True)
            tokens, loss, started = 0, 0.0, time.monotonic()


if __name__ == "__main__":
    main()
