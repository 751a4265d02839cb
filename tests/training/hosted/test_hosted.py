"""A fine-tuning on another machine: sent once, started once, followed until the model has a name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.training.hosted.host import KEY, Host, hosting

from sayso.cli.main import group
from sayso.errors import ModelError, PreflightError, RecordError, SettingsError
from sayso.training.hosted import jobs, orders
from sayso.training.hosted.jobs import Hosted

TALK = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello there."}]}
PAIR = {"prompt": [{"role": "user", "content": "Hi"}], "chosen": [{"role": "assistant", "content": "Hello."}],
    "rejected": [{"role": "assistant", "content": "What?"}]}  # fmt: skip


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("SAYSO_LANG", "en")
    with hosting() as found:
        yield found


def written(folder: Path, *lines: Any, name: str = "talk.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return path


def tuned(host: Host, folder: Path, *lines: Any, held: Any = None, **settings: Any) -> jobs.State:
    order = orders.read([written(folder, *(lines or (TALK, TALK)))])
    other = orders.read([written(folder, held, name="held.jsonl")]) if held else None
    given = Hosted(base_url=host.address, poll_seconds=0.001, **settings)
    return jobs.tune("base", order, given, folder / "run", lambda **_seen: None, held=other, sleep=lambda _seconds: None)


def test_conversations_are_sent_and_the_model_that_came_of_them_is_named(host: Host, tmp_path: Path) -> None:
    found = tuned(host, tmp_path, held=TALK, suffix="polite", n_epochs=2, seed=5)
    assert (found.status, found.fine_tuned_model, found.trained_tokens) == ("succeeded", "ft:base:org:polite:1", 1234)
    assert [json.loads(line) for line in host.files["file-1"].splitlines()] == [TALK, TALK]
    asked = host.jobs["ftjob-1"]["asked_for"]
    assert asked["method"] == {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}}
    assert (asked["training_file"], asked["validation_file"], asked["seed"]) == ("file-1", "file-2", 5)


def test_pairs_are_sent_in_the_form_of_preferences(host: Host, tmp_path: Path) -> None:
    tuned(host, tmp_path, PAIR, beta=0.2)
    assert json.loads(host.files["file-1"]) == {
        "input": {"messages": [{"role": "user", "content": "Hi"}]},
        "preferred_output": [{"role": "assistant", "content": "Hello."}],
        "non_preferred_output": [{"role": "assistant", "content": "What?"}],
    }
    assert host.jobs["ftjob-1"]["asked_for"]["method"] == {"type": "dpo", "dpo": {"hyperparameters": {"beta": 0.2}}}


@pytest.mark.parametrize(
    "line",
    [
        PAIR,
        {"prompt": "Hi", "chosen": "Hello.", "rejected": "What?"},
        {"prompt": PAIR["prompt"], "chosen": [*PAIR["prompt"], *PAIR["chosen"]], "rejected": PAIR["rejected"]},
        {
            "input": {"messages": PAIR["prompt"]},
            "preferred_output": PAIR["chosen"],
            "non_preferred_output": PAIR["rejected"],
        },
    ],
)  # fmt: skip
def test_a_pair_may_be_written_in_every_usual_way(tmp_path: Path, line: Any) -> None:
    assert orders.read([written(tmp_path, line)]).lines == orders.read([written(tmp_path, PAIR)]).lines


def test_a_finished_job_is_not_asked_for_again(host: Host, tmp_path: Path) -> None:
    first = tuned(host, tmp_path)
    before = len(host.asked)
    assert tuned(host, tmp_path) == first
    assert len(host.asked) == before


def test_who_was_stopped_while_following_goes_on_with_the_same_job(host: Host, tmp_path: Path) -> None:
    order = orders.read([written(tmp_path, TALK)])

    def stop(_seconds: float) -> None:
        raise KeyboardInterrupt

    given = Hosted(base_url=host.address)
    with pytest.raises(KeyboardInterrupt):
        jobs.tune("base", order, given, tmp_path / "run", lambda **_seen: None, held=None, sleep=stop)
    assert tuned(host, tmp_path, TALK).job == "ftjob-1"
    assert len(host.files) == len(host.jobs) == 1


def test_a_start_whose_answer_was_lost_is_found_and_not_paid_twice(host: Host, tmp_path: Path) -> None:
    host.swallow_starts = 1
    with pytest.raises(ModelError, match="cannot be reached"):
        tuned(host, tmp_path)
    assert tuned(host, tmp_path).status == "succeeded"
    assert len(host.jobs) == 1


def test_a_failed_job_says_why_and_is_started_anew_without_sending_again(host: Host, tmp_path: Path) -> None:
    host.course = ["running", "failed"]
    with pytest.raises(ModelError, match=r"ftjob-1 at .* is failed: Line 7 has no assistant"):
        tuned(host, tmp_path)
    host.course = ["succeeded"]
    assert tuned(host, tmp_path).job == "ftjob-2"
    assert len(host.files) == 1


def test_a_host_that_is_busy_is_asked_again(host: Host, tmp_path: Path) -> None:
    host.refuse["/files"] = [(429, "slow down"), (500, "oops")]
    assert tuned(host, tmp_path).status == "succeeded"


def test_what_the_host_refuses_is_said_in_its_words(host: Host, tmp_path: Path) -> None:
    host.refuse["/fine_tuning/jobs"] = [(400, "Model base cannot be fine-tuned.")]
    with pytest.raises(ModelError, match=r"refused \(400\): Model base cannot be fine-tuned"):
        tuned(host, tmp_path)


def test_a_wrong_key_is_said_and_no_key_is_ever_written(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tuned(host, tmp_path)
    kept = [path.read_text(encoding="utf-8") for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert kept
    assert not any(KEY in text for text in kept)
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.setenv("OPENAI_API_KEY", "wrong")
    with pytest.raises(ModelError, match="refuses the key: Incorrect API key provided"):
        tuned(host, other)
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(SettingsError, match="OPENAI_API_KEY is empty"):
        tuned(host, other)


def test_a_folder_keeps_to_its_job(host: Host, tmp_path: Path) -> None:
    tuned(host, tmp_path)
    with pytest.raises(SettingsError, match="holds the job of another model, other lines or other settings"):
        tuned(host, tmp_path, n_epochs=9)


@pytest.mark.parametrize(
    ("lines", "kind", "message"),
    [
        ([TALK, PAIR], RecordError, r"talk.jsonl:2: is a pair of answers, but .*talk.jsonl:1 is a conversation"),
        ([{"text": "a"}], RecordError, "found the keys text; expected messages, or prompt with chosen and rejected"),
        ([{"messages": TALK["messages"][:1]}], RecordError, "the last turn is of 'user'"),
        ([{**PAIR, "rejected": PAIR["chosen"]}], PreflightError, "talk.jsonl:1: the chosen and the rejected answer are"),
        ([{**PAIR, "rejected": None}], RecordError, "rejected: messages: found None"),
        ([{**PAIR, "chosen": PAIR["prompt"]}], RecordError, "chosen: found 0 turns; expected one of the assistant"),
        ([], PreflightError, "hold nothing to learn from"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_refused_before_anything_is_sent(
    tmp_path: Path, lines: list[Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        orders.read([written(tmp_path, *lines)])


def test_the_cost_is_estimated_before_anything_is_sent(tmp_path: Path) -> None:
    order = orders.read([written(tmp_path, TALK)])
    assert order.tokens == 2 * 4 + round(2 / 4) + 3
    found = jobs.estimate(order, Hosted(n_epochs=3, price_per_million_tokens=8.0))
    assert found.cost == pytest.approx(order.tokens * 3 * 8 / 1e6)
    assert jobs.estimate(order, Hosted(n_epochs=3)).cost is None


def test_chinese_characters_count_as_a_token_each() -> None:
    assert orders.tokens_of("你好，世界") == 4
    assert orders.tokens_of("a" * 40) == 10


@pytest.mark.parametrize("given", [{"n_epochs": -1}, {"poll_seconds": 0}, {"base_url": "api.example.org"}])
def test_a_wrong_setting_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(given))):
        Hosted(**given)


def test_the_command_says_what_it_would_cost_and_then_does_it(host: Host, tmp_path: Path) -> None:
    path = written(tmp_path, TALK, TALK)
    line = ["finetune", "base", str(path), "--backend", "hosted", "--out", str(tmp_path / "run"),
        "--set", f"base_url={host.address}", "--set", "poll_seconds=0.01", "--set", "n_epochs=2",
        "--set", "price_per_million_tokens=3"]  # fmt: skip
    foreseen = CliRunner().invoke(group, [*line, "--dry-run", "--json"])
    assert foreseen.exit_code == 0, foreseen.output
    assert json.loads(foreseen.stdout)["lines"] == 2
    assert not host.asked
    done = CliRunner().invoke(group, [*line, "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["fine_tuned_model"].startswith("ft:base")
    shown = CliRunner().invoke(group, line)
    assert "The model is called ft:base" in shown.stdout
    assert "2 conversations, about" in shown.stdout
