"""`tokenizer`, `pretrain` and `finetune` on the command line: what they print, and what is wrong on the way in."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from tests.cli.conftest import Call, prints_of

from sayso.cli import failures

SMALL = ("--set", "model.hidden_size=32", "--set", "model.num_hidden_layers=1", "--set", "model.num_attention_heads=2",
    "--set", "model.intermediate_size=64")  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with texts and conversations, good and wrong."""
    monkeypatch.chdir(tmp_path)
    texts = [{"text": f"The cat number {number} ran far away."} for number in range(24)]
    chats = [
        {"messages": [{"role": "user", "content": f"Say {n}."}, {"role": "assistant", "content": f"{n}!"}]}
        for n in range(24)
    ]
    for name, found in (("texts", texts), ("chats", chats)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in found), encoding="utf-8")
    (tmp_path / "broken.jsonl").write_text('{"text": "a"}\n{"text": \n', encoding="utf-8")
    (tmp_path / "empty.jsonl").write_text("", encoding="utf-8")
    (tmp_path / "mute.jsonl").write_text('{"messages": [{"role": "user", "content": "Hi."}]}\n', encoding="utf-8")
    long = {"messages": [{"role": "user", "content": "x" * 300}, {"role": "assistant", "content": "y"}]}
    (tmp_path / "long.jsonl").write_text(json.dumps(long) + "\n", encoding="utf-8")
    return tmp_path


def test_from_a_text_to_a_model_that_was_fine_tuned(sayso: Call, here: Path) -> None:
    made = sayso(
        "tokenizer", "train", "texts.jsonl", "chats.jsonl", "--out", "tok", "--vocab-size", 300, "--context", 64, "--json"
    )
    assert made.json == {"tokenizer": "tok", "entries": made.json["entries"]}
    assert 261 <= made.json["entries"] <= 300
    pretrained = sayso("pretrain", "texts.jsonl", "--out", "pre", "--tokenizer", "tok", *SMALL, "--json")
    assert (pretrained.code, pretrained.json["model"]) == (0, "pre/model")
    tuned = sayso("finetune", "pre/model", "chats.jsonl", "--out", "fine", "--set", "train.max_steps=2", "--json")
    assert (tuned.code, tuned.json["steps"]) == (0, 2)
    again = sayso("finetune", "pre/model", "chats.jsonl", "--out", "fine", "--set", "train.max_steps=2")
    assert "done before" in again.out
    assert f"{tuned.json['parameters']:,} weights, 2 steps" in again.out


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(sayso: Call, here: Path, tiny_folder: Path) -> None:
    before = prints_of(here)
    said = sayso("finetune", tiny_folder, "chats.jsonl", "--out", "fine", "--tokens", 500, "--dry-run")
    assert said.code == 0
    assert "rows of" in said.out
    assert "minutes" in said.out
    assert prints_of(here) == before


def test_a_file_of_settings_lies_under_what_is_set(sayso: Call, here: Path, tiny_folder: Path) -> None:
    (here / "fine.yaml").write_text("train: {max_steps: 7, use_lora: false}\nlast_turn_only: true\n", encoding="utf-8")
    words = ("finetune", tiny_folder, "chats.jsonl", "--out", "fine", "--config", "fine.yaml", "--dry-run", "--json")
    assert sayso(*words).json["steps"] == 7
    assert sayso(*words, "--set", "train.max_steps=3").json["steps"] == 3


def test_tokens_are_shown_and_compared(sayso: Call, here: Path, tiny_folder: Path) -> None:
    shown = sayso("tokenizer", "show", tiny_folder, "cat", "--json").json
    assert [token["text"] for token in shown["tokens"]] == ["c", "a", "t"]
    assert "'c':" in sayso("tokenizer", "show", tiny_folder, "cat").out
    (found,) = sayso("tokenizer", "compare", "texts.jsonl", "--tokenizer", tiny_folder, "--json").json["compared"]
    assert found["tokens_per_byte"] == 1.0
    assert "1.0000" in sayso("tokenizer", "compare", "texts.jsonl", "--tokenizer", tiny_folder).out


WRONG = [
    ("tokenizer trian", "did you mean 'train'"),
    ("tokenizer train --out tok", "FILES"),
    ("tokenizer train texts.jsonl --out tok --vocab-size 100", "expected at least 261"),
    ("tokenizer train empty.jsonl --out tok", "no text to learn a vocabulary from"),
    ("tokenizer train broken.jsonl --out tok", "broken.jsonl:2"),
    ("tokenizer train texts.jsonl --out texts.jsonl", "cannot be written"),
    ("tokenizer show nowhere cat", "nowhere"),
    ("tokenizer show . cat", "no tokenizer.json"),
    ("tokenizer compare texts.jsonl", "--tokenizer"),
    ("pretrain texts.jsonl --out pre", "sayso tokenizer train"),
    ("pretrain nowhere.txt --out pre --tokenizer TINY", "no file 'nowhere.txt'"),
    ("pretrain broken.jsonl --out pre --tokenizer TINY", "broken.jsonl:2"),
    ("pretrain empty.jsonl --out pre --tokenizer TINY", "no text to learn from"),
    ("pretrain chats.jsonl --out pre --tokenizer TINY", "found the keys messages; expected text"),
    ("pretrain texts.jsonl --out pre --tokenizer TINY --architecture lama", "did you mean 'llama'"),
    ("pretrain texts.jsonl --out pre --tokenizer TINY --set model.vocab_size=9", "the tokenizer has 260 entries"),
    ("pretrain texts.jsonl --out pre --tokenizer TINY --set model.hidden=9", "llama has no such key"),
    ("pretrain texts.jsonl --out pre --tokenizer TINY --set train.max_stepz=9", "did you mean 'max_steps'"),
    ("pretrain texts.jsonl --out pre --tokenizer TINY --tokens 9 --set train.max_steps=3", "set one of them"),
    ("finetune nowhere/at/all chats.jsonl --out fine", "no model folder at"),
    ("finetune TINY texts.jsonl --out fine", "found the keys text; expected messages"),
    ("finetune TINY mute.jsonl --out fine", "mute.jsonl:1: found no answer to learn"),
    ("finetune TINY long.jsonl --out fine", "all 1 rows are longer than 256 tokens"),
    ("finetune TINY chats.jsonl --out fine --task speak", "'speak' is not"),
    ("finetune TINY chats.jsonl --out fine --set data.validation=[nowhere.jsonl]", "no file 'nowhere.jsonl'"),
    ("finetune TINY chats.jsonl --out texts.jsonl", "is a file; expected a folder"),
]


def test_tokenizers_are_compared_by_language(sayso: Call, here: Path, tiny_folder: Path) -> None:
    (here / "a.txt").write_text("The train to the city is late again today.", encoding="utf-8")
    (here / "b.txt").write_text("今天去城里的火车又晚点了。", encoding="utf-8")
    given = ("tokenizer", "compare", "a.txt", "b.txt", "--tokenizer", tiny_folder)
    named = sayso(*given, "--language", "en", "--language", "zh", "--json").json["compared"]
    assert [line["language"] for line in named] == ["en", "zh", "all"]
    assert named[1]["tokens_per_character"] == 3.0
    assert sayso(*given, "--by", "language", "--json").json["compared"] == named
    files = sayso(*given, "--by", "file", "--json").json["compared"]
    assert [line["language"] for line in files] == ["a.txt", "b.txt", "all"]
    assert [line["language"] for line in sayso(*given, "--language", "en", "--json").json["compared"]] == ["en"]
    assert "tokens a character" in sayso(*given).out
    assert "found 3 languages for 2 files" in sayso(*given, *("--language", "en") * 3).err
    assert "give one of them" in sayso(*given, "--by", "file", "--language", "en").err


@pytest.mark.parametrize(("typed", "expected"), WRONG, ids=[typed for typed, _expected in WRONG])
def test_what_is_wrong_is_said_in_one_line(sayso: Call, here: Path, tiny_folder: Path, typed: str, expected: str) -> None:
    before = prints_of(here)
    said = sayso(
        *(tiny_folder if word == "TINY" else word for word in typed.split()),
        *(SMALL if "TINY" in typed and "pretrain" in typed else ()),
    )
    line = said.err.strip().splitlines()[-1]
    assert said.code in (1, 2), said.err
    assert line.startswith("sayso: ")
    assert expected in line
    assert "Traceback" not in said.err
    assert {name: print_ for name, print_ in prints_of(here).items() if name in before} == before


def test_another_training_in_the_same_folder_is_refused(sayso: Call, here: Path, tiny_folder: Path) -> None:
    words = ("finetune", tiny_folder, "chats.jsonl", "--out", "fine", "--set", "train.max_steps=1")
    assert sayso(*words).code == 0
    refused = sayso(*words, "--seed", 3)
    assert refused.code == 2
    assert "other settings (seed: 0 → 3" in refused.err


def test_a_command_that_a_signal_ended_leaves_its_number() -> None:
    assert failures.refused(_stopped(KeyboardInterrupt()), json=False) == 130
    assert failures.refused(_stopped(KeyboardInterrupt(signal.SIGINT)), json=False) == 130
    assert failures.refused(_stopped(KeyboardInterrupt(signal.SIGTERM)), json=False) == 143


def _stopped(cause: KeyboardInterrupt) -> click.Abort:
    error = click.Abort()
    error.__cause__ = cause
    return error


def test_a_checkpoint_that_is_not_whole_is_said_and_the_one_before_is_taken(
    sayso: Call, here: Path, tiny_folder: Path
) -> None:
    words = ("finetune", tiny_folder, "chats.jsonl", "--out", "fine", "--set", "train.max_steps=2", "--set",
        "train.save_steps=1", "--json")  # fmt: skip
    whole = sayso(*words)
    (here / "fine" / "report.json").unlink()
    (here / "fine" / "checkpoints" / "step-00000002" / "state.json").unlink()
    again = sayso(*words)
    assert "step-00000002 is not whole" in again.err
    assert "not whole" not in whole.err
    assert again.json["loss"] == whole.json["loss"]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_leaves_a_checkpoint_and_the_same_command_goes_on(
    here: Path, tiny_folder: Path, number: signal.Signals, code: int
) -> None:
    command = [sys.executable, "-c", "from sayso.cli.main import main; main()", "finetune", tiny_folder, "chats.jsonl",
        "--out", "fine", "--set", "train.max_steps=200", "--set", "train.save_steps=1000", "--json"]  # fmt: skip
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (here / "fine" / "metrics.jsonl").exists():
        assert running.poll() is None
        time.sleep(0.05)
    running.send_signal(number)
    _out, err = running.communicate(timeout=120)
    assert running.returncode == code
    assert "run the same command again" in err
    assert len(list((here / "fine" / "checkpoints").glob("step-*"))) == 1
    done = subprocess.run(command, capture_output=True, text=True)
    assert json.loads(done.stdout.splitlines()[-1])["steps"] == 200
