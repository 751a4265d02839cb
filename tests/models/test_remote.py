"""A model behind an address writes like any other, as long as its engine speaks the common protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.models.engine import Engine, running

from sayso.cli.main import group
from sayso.errors import ModelError, SettingsError
from sayso.loop.workspace import Workspace
from sayso.models import remote
from sayso.models.writing.sampling import Sampling
from sayso.records import Message, Prompt, ask


@pytest.fixture
def engine() -> Iterator[Engine]:
    with running() as found:
        yield found


def test_answers_come_back_in_the_order_of_the_prompts(engine: Engine) -> None:
    model = remote.load(f"{engine.address}#parrot", concurrency=4)
    found = model.generate([ask(f"word {number}") for number in range(12)], Sampling())
    assert found == [f"word {number}"[::-1] for number in range(12)]
    assert 1 < engine.most <= 4


def test_the_engine_is_asked_as_the_settings_say(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYSO_API_KEY", "mine")
    prompt = Prompt(messages=(Message(role="system", content="Be brief."), Message(role="user", content="Hi")))
    sampling = Sampling(max_new_tokens=7, temperature=0.5, top_p=0.9, top_k=3, seed=2)
    remote.load(f"{engine.address}#parrot").generate([prompt, prompt], sampling)
    first, second = sorted(engine.asked, key=lambda form: form["seed"])
    assert first["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    assert (first["model"], first["max_tokens"], first["temperature"], first["top_p"]) == ("parrot", 7, 0.5, 0.9)
    assert (first["top_k"], first["key"], first["path"]) == (3, "Bearer mine", "/v1/chat/completions")
    assert 0 <= first["seed"] < second["seed"] < 2**31


def test_a_prompt_has_the_same_seed_whatever_else_is_asked(engine: Engine) -> None:
    model = remote.load(f"{engine.address}#parrot")
    prompts = [ask("one"), ask("two"), ask("two"), ask("three")]
    seeds = []
    for some, seed in ((prompts, 5), (prompts[1:], 5), (prompts, 6)):
        engine.asked.clear()
        model.generate(some, Sampling(seed=seed))
        seeds.append({(form["messages"][0]["content"], form["seed"]) for form in engine.asked})
    assert len(seeds[0]) == 4
    assert seeds[1] < seeds[0]
    assert not seeds[0] & seeds[2]


def test_an_engine_that_does_not_answer_in_time_is_asked_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_SECONDS", 0.25)
    engine.delays = [1.0]
    assert remote.load(f"{engine.address}#parrot").generate([ask("abc")], Sampling()) == ["cba"]
    assert len(engine.asked) == 2


def test_what_was_answered_before_a_failure_comes_first_and_the_rest_is_not_asked(engine: Engine) -> None:
    engine.refused = {"word 7"}
    prompts = [ask(f"word {number}") for number in range(40)]
    came: list[tuple[int, str]] = []
    with pytest.raises(ModelError, match=r"refused \(400\)"):
        for one in remote.load(f"{engine.address}#parrot", concurrency=2).arriving(prompts, Sampling()):
            came.append(one)
    assert {number for number, _text in came} >= {0, 1, 2, 3, 4, 5, 6}
    assert all(text == f"word {number}"[::-1] for number, text in came)
    assert len(came) == len(engine.asked) - 1 < 20


def test_who_stops_listening_stops_the_asking(engine: Engine) -> None:
    arriving = remote.load(f"{engine.address}#parrot", concurrency=2).arriving([ask(str(n)) for n in range(40)], Sampling())
    next(arriving)
    arriving.close()
    assert len(engine.asked) < 20


def test_eight_bits_are_for_models_that_are_here(engine: Engine) -> None:
    with pytest.raises(ModelError, match="its engine decides"):
        remote.load(f"{engine.address}#parrot").generate([ask("abc")], Sampling(int8=True))


def test_a_busy_engine_is_asked_again(engine: Engine) -> None:
    engine.failures = [429, 503]
    assert remote.load(f"{engine.address}#parrot").generate([ask("abc")], Sampling()) == ["cba"]
    assert len(engine.asked) == 3


def test_what_the_engine_refuses_is_said_in_its_words(engine: Engine) -> None:
    engine.failures = [404]
    with pytest.raises(ModelError, match=r"refused \(404\): The model is not loaded"):
        remote.load(f"{engine.address}#parrot").generate([ask("abc")], Sampling())


def test_an_address_where_nobody_listens_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_RETRIES", 0)
    with pytest.raises(ModelError, match=r"http://127.0.0.1:9/v1 cannot be reached .*check the address"):
        remote.load("http://127.0.0.1:9/v1#any").generate([ask("abc")], Sampling())


@pytest.mark.parametrize("name", ["http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1#", "somewhere#parrot"])
def test_an_address_without_a_model_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="which model is meant"):
        remote.load(name)


def test_a_workspace_collects_answers_from_an_engine_and_says_that_its_weights_are_elsewhere(
    engine: Engine, tmp_path: Path
) -> None:
    workspace = Workspace.init(tmp_path / "work", model=f"{engine.address}#parrot")
    assert workspace.generate([ask("abc"), ask("xyz")]) == 2
    assert sorted(response.text for response in workspace.store.responses()) == ["cba", "zyx"]
    with pytest.raises(ModelError, match="the weights of base are not here"):
        workspace.model()
    workspace.close()


def test_what_an_engine_answered_is_kept_when_the_rest_fails_and_only_the_rest_is_asked_again(
    engine: Engine, tmp_path: Path
) -> None:
    workspace = Workspace.init(tmp_path / "work", model=f"{engine.address}#parrot")
    prompts = [ask(f"word {number}") for number in range(30)]
    engine.refused = {"word 20"}
    with pytest.raises(ModelError, match="refused"):
        workspace.generate(prompts)
    kept = len(workspace.store.responses())
    assert 0 < kept < 30
    engine.refused = set()
    engine.asked.clear()
    told: list[int] = []
    assert workspace.generate(prompts, watch=lambda progress: told.append(progress.done)) == 30 - kept
    assert len(engine.asked) == 30 - kept
    assert told == list(range(1, 31 - kept))
    assert len(workspace.store.responses()) == 30
    workspace.close()


def test_an_engine_is_measured_on_a_task(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps({"en": "tac", "de": "cat"}) + "\n", encoding="utf-8")
    line = ["evaluate", "--task", "translate", f"{engine.address}#parrot", str(path), "--json"]
    done = CliRunner().invoke(group, line)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["standings"][0]["metrics"][0]["name"] == "BLEU"
    assert len(engine.asked) == 1
