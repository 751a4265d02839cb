"""The recipe in small: the sizes of the model, what of an episode is learnt, and a run put into a folder that opens."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from recipes.teachable import install, learn, stream
from recipes.teachable.episodes import conditional, mark, paired, plain, refine
from recipes.teachable.world import Triple

from sayso.batches import Row, collate
from sayso.methods.sft import conversation
from sayso.models import local
from sayso.models.writing.sampling import Sampling
from sayso.records import ask
from sayso.text import corpus, tokenizer
from sayso.training import finetuning, fitting

ROOT = Path(__file__).resolve().parents[2]
MAKE = ROOT / "recipes" / "teachable" / "make.sh"
MOVE = Triple("note", "friend", "move")


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of two thin layers with a vocabulary of the grammar, and a few episodes beside it."""
    from sayso.models.fresh import fresh

    folder = tmp_path_factory.mktemp("recipe")
    stream.write(folder / "episodes.jsonl", 60, 0)
    texts = (text for item in corpus.documents([folder / "episodes.jsonl"]) for text in item.texts())
    tokenizer.train(texts, folder / "tokenizer", vocab_size=600, model_max_length=256)
    keys = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    fresh("llama", {**keys, "tie_word_embeddings": True}, folder / "tokenizer", seed=0).save(folder / "model")
    return folder


@pytest.fixture(scope="module")
def model(start: Path) -> local.LocalModel:
    return local.load(start / "model")


def quiet(**_seen: object) -> None:
    """Watch nothing."""


@pytest.fixture
def task(start: Path):
    few = ["train.use_lora=false", "train.max_steps=4", "train.save_steps=2", "train.learning_rate=0.003"]
    settings = finetuning.settings_of([], few)
    return learn.task(str(start / "model"), start / "episodes.jsonl", settings)


@pytest.mark.parametrize(("make", "answers"), [(plain, 1), (conditional, 1), (refine, 2)])
def test_every_answer_of_an_episode_is_learnt_and_nothing_else(model, make, answers):
    episode = make(MOVE, Random(1))
    row = conversation(episode.messages, model)
    learnt = [token for token, weight in zip(row.ids, row.weights, strict=True) if weight]
    said = [turn.content for turn in episode.messages if turn.role == "assistant"]
    assert len(said) == answers
    assert model.tokenizer.decode(learnt) == "".join(f"{text}<|end|>" for text in said)
    context = model.tokenizer.decode([token for token, weight in zip(row.ids, row.weights, strict=True) if not weight])
    assert all(turn.content in context for turn in episode.messages if turn.role != "assistant")


@pytest.mark.parametrize(("make", "seed"), [(conditional, 1), (paired, 2), (mark, 1), (refine, 1)])
def test_marks_are_learnt_where_a_turn_ends_and_deciding_tokens_weigh_more(start, model, tmp_path, make, seed):
    episode = make(MOVE, Random(seed))
    (tmp_path / "one.jsonl").write_text(json.dumps(stream.line(episode)) + "\n", encoding="utf-8")
    (lesson,) = learn.lessons([tmp_path / "one.jsonl"])
    (encoded,) = learn.Marked(model, longest=900)(lesson)
    plain_row = Row(ids=tuple(encoded.ids), weights=tuple(map(float, encoded.learnt)))
    found = learn.Marks(yes=1, no=2).corrupted(plain_row, None)
    marks = [place for place, weight in enumerate(found.weights) if weight == learn.MARKED]
    assert [found.labels[place] == 1 for place in marks] == [mark for mark in episode.applies if mark is not None]
    assert {found.ids[place] for place in marks} <= {model.tokenizer.eos_token_id}
    said = [(place, weight) for place, weight in enumerate(found.weights) if weight in (1.0, learn.DECIDES)]
    assert all(found.labels[place] == found.ids[place + 1] for place, _weight in said)
    texts = [turn.content for turn in episode.messages if turn.role == "assistant"]
    learnt = model.tokenizer.decode([found.labels[place] for place, _weight in said])
    assert learnt == "".join(f"{text}<|end|>" for text in texts)
    parts = [text != other for text, other in zip(texts, episode.otherwise, strict=False) if other]
    assert sum(weight == learn.DECIDES for _place, weight in said) == sum(parts)


def test_a_lesson_is_read_as_the_model_is_asked(model):
    episode = conditional(MOVE, Random(1))
    lesson = learn.Lesson(where="", messages=episode.messages, applies=(None,), otherwise=("",))
    (encoded,) = learn.Marked(model, longest=900)(lesson)
    row = conversation(episode.messages, model)
    assert (tuple(encoded.ids), tuple(map(float, encoded.learnt))) == (row.ids, row.weights)
    assert not list(learn.Marked(model, longest=10)(lesson))


def test_a_finished_run_is_installed_in_half_precision_and_answers_alike(task, tmp_path):
    fitting.fit(task, tmp_path / "run", quiet)
    assert install.install(tmp_path / "run", tmp_path / "installed") == "the end"
    trained, installed = local.load(tmp_path / "run" / "model"), local.load(tmp_path / "installed")
    batch = collate([conversation(plain(MOVE, Random(1)).messages, trained)], packed=True)
    assert installed.token_logprobs(batch).sum().item() == pytest.approx(
        trained.token_logprobs(batch).sum().item(), rel=2e-3
    )
    assert isinstance(installed.generate([ask("Write a note.")], Sampling(max_new_tokens=4))[0], str)
    assert json.loads((tmp_path / "installed" / "config.json").read_text(encoding="utf-8"))["dtype"] == "float16"


def test_of_a_run_that_is_not_done_the_newest_checkpoint_is_installed(task, tmp_path):
    fitting.fit(task, tmp_path / "run", quiet)
    shutil.rmtree(tmp_path / "run" / "model")
    shutil.rmtree(tmp_path / "run" / "checkpoints" / "step-00000004")
    assert install.install(tmp_path / "run", tmp_path / "installed") == "step 2"
    assert local.load(tmp_path / "installed").num_parameters() == task.policy.num_parameters()


def test_a_run_without_a_checkpoint_says_what_to_do(tmp_path):
    with pytest.raises(SystemExit, match="train first"):
        install.install(tmp_path, tmp_path / "installed")


def test_the_recipe_makes_a_model_of_three_million_weights_that_fits_the_package():
    keys = {key: int(value) for key, value in re.findall(r"model\.(\w+)=(\d+)", MAKE.read_text(encoding="utf-8"))}
    dim, layers, wide = keys["hidden_size"], keys["num_hidden_layers"], keys["intermediate_size"]
    assert dim == keys["num_attention_heads"] * keys["head_dim"]
    weights = 2048 * dim + layers * (4 * dim * dim + 3 * dim * wide)
    assert 2_500_000 < weights < 3_500_000
    assert 2 * weights < install.LIMIT_BYTES


@pytest.mark.slow
def test_the_whole_recipe_runs_in_small_and_a_second_time_does_nothing_again(tmp_path):
    environment = {
        **os.environ, "RUN": str(tmp_path), "EPISODES": "200", "TEXTS": "200", "BF16": "false", "PYTHON": sys.executable,
        "SAYSO": str(Path(sys.executable).with_name("sayso")), "SAYSO_LANG": "en",
    }  # fmt: skip
    first = subprocess.run([MAKE], env=environment, capture_output=True, text=True)
    assert first.returncode == 0, first.stderr
    report = json.loads((tmp_path / "finetune" / "report.json").read_text(encoding="utf-8"))
    assert report["steps"] >= 4
    again = subprocess.run([MAKE], env=environment, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("done before") == 2
    metrics = [json.loads(line) for line in (tmp_path / "finetune" / "metrics.jsonl").read_text().splitlines()]
    assert metrics[-1]["loss"] < metrics[0]["loss"]
