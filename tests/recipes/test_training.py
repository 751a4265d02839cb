"""The recipe in small: rows of episodes, a few steps from nothing, taken up again, and put into a folder that opens."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from recipes.teachable import install, train
from recipes.teachable.episodes import conditional, plain, refine
from recipes.teachable.learning import Write, example
from recipes.teachable.world import Triple

from sayso.batches import collate
from sayso.models import local
from sayso.models.sampling import Sampling
from sayso.records import ask
from sayso.training.optimizer import prepare
from sayso.training.settings import Train
from sayso.training.steps import steps

MOVE = Triple("note", "friend", "move")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with a fresh model of the recipe's shape, its vocabulary learnt from few episodes."""
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "TOKENIZER_EPISODES", 100)
        train.fresh(folder / "start", seed=0)
    return folder


@pytest.fixture(scope="module")
def model(run: Path) -> local.LocalModel:
    return local.load(run / "start")


def test_the_fresh_model_has_the_size_of_the_card_and_packs_its_rows(model):
    shape = train.config(2048)
    assert shape.hidden_size % shape.num_attention_heads == 0
    assert shape.hidden_size // shape.num_attention_heads == 32
    assert model.packed, model.packed_reason
    assert model.max_length == 256


@pytest.mark.parametrize(("make", "answers"), [(plain, 1), (conditional, 1), (refine, 2)])
def test_every_answer_of_an_episode_is_learnt_and_nothing_else(model, make, answers):
    episode = make(MOVE, Random(1))
    (row,) = Write().rows([example(episode)], model)
    learnt = [token for token, weight in zip(row.ids, row.weights, strict=True) if weight]
    said = [turn.content for turn in episode.messages if turn.role == "assistant"]
    assert len(said) == answers
    assert model.tokenizer.decode(learnt) == "".join(f"{text}<|end|>" for text in said)
    context = model.tokenizer.decode([token for token, weight in zip(row.ids, row.weights, strict=True) if not weight])
    assert all(turn.content in context for turn in episode.messages if turn.role != "assistant")


def test_a_conversation_longer_than_the_context_is_left_out(model):
    episode = refine(MOVE, Random(1))
    whole = example(episode)
    long = type(whole)(prompt=ask("Write " * 300), refinement=whole.refinement)
    assert len(list(Write().rows([long, whole], model))) == 1


def test_the_stream_gives_as_many_tokens_as_asked_for(model):
    rows = train.rows(model, 2000, 0)
    assert 2000 <= sum(len(row.ids) for row in rows) < 2000 + 256
    assert rows == train.rows(model, 2000, 0) != train.rows(model, 2000, 1)


def test_a_fresh_model_is_the_same_for_the_same_seed(run, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "TOKENIZER_EPISODES", 100)
    train.fresh(tmp_path, seed=0)
    for name in ("model.safetensors", "tokenizer.json"):
        assert (tmp_path / name).read_bytes() == (run / "start" / name).read_bytes()


def test_a_few_steps_lower_the_loss_and_the_run_can_be_installed_and_gone_on_from(run, tmp_path):
    settings = Train(max_steps=6, per_device_train_batch_size=4, learning_rate=3e-3, save_steps=0, use_lora=False)
    policy = prepare(local.load(run / "start"), settings)
    rows = train.rows(policy, 1500, 0)
    found = list(steps(Write(), policy, rows, settings, folder=tmp_path))
    assert found[-1].loss < found[0].loss
    (tmp_path / "start").symlink_to(run / "start")
    assert install.install(tmp_path, tmp_path / "installed") == 6
    installed = local.load(tmp_path / "installed")
    batch = collate(rows[:2], packed=True)
    assert installed.token_logprobs(batch).sum().item() == pytest.approx(policy.token_logprobs(batch).sum().item(), rel=2e-3)
    train.after(tmp_path, tmp_path / "next")
    assert local.load(tmp_path / "next").token_logprobs(batch).equal(policy.token_logprobs(batch))
    assert isinstance(installed.generate([ask("Write a note.")], Sampling(max_new_tokens=4))[0], str)


def test_a_run_without_a_checkpoint_says_what_to_do(tmp_path):
    with pytest.raises(SystemExit, match="train first"):
        install.install(tmp_path, tmp_path / "installed")
    with pytest.raises(SystemExit, match="no checkpoint"):
        train.after(tmp_path, tmp_path / "next")
