"""Mixtures: each group has its share, every row is seen, nothing is held in memory, and a run goes on to the same end."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.batches import Row
from sayso.errors import NotFoundError, SettingsError
from sayso.text.tokens import Facts
from sayso.training import fitting, pretraining
from sayso.training.engine.order import groups_of_step
from sayso.training.material.mixture import Mixture, counts_of
from sayso.training.settings import Train

SMALL = ["model.hidden_size=32", "model.num_hidden_layers=1", "model.num_attention_heads=2", "model.intermediate_size=32",
    "train.per_device_train_batch_size=4", "data.samples=0"]  # fmt: skip


class Letters:
    """Rows of one letter, `length` tokens each."""

    def __init__(self, letter: int, rows: int, length: int) -> None:
        self._letter, self._length = letter, length
        self.facts = Facts(
            key="", digest=str((letter, rows, length)), rows=rows, tokens=rows * length, targets=rows, num_bytes=rows,
            longest=length, small=True, left_out=0,
        )  # fmt: skip

    tokens = property(lambda self: self.facts.tokens)

    def digest(self) -> str:
        return self.facts.digest

    def __len__(self) -> int:
        return self.facts.rows

    def __getitem__(self, number):
        return Row(ids=(self._letter,) * self._length, weights=(1.0,) * self._length, label=f"{self._letter} {number}")


def mixed(sizes, shares):
    parts = [Letters(number, rows, length) for number, (rows, length) in enumerate(sizes)]
    return Mixture(parts, counts_of(parts, shares))


@given(
    sizes=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 9)), min_size=1, max_size=5),
    weights=st.lists(st.integers(1, 9), min_size=5, max_size=5),
)
@settings(max_examples=25)
def test_every_row_is_seen_and_every_place_is_another_rows(sizes, weights):
    found = mixed(sizes, [weight / sum(weights[: len(sizes)]) for weight in weights[: len(sizes)]])
    places = [found.place(number) for number in range(len(found))]
    assert len(set(places)) == len(places) == found.facts.rows
    labels = Counter(row.label for row in found)
    assert len(labels) == sum(rows for rows, _ in sizes)
    for group, (rows, _) in enumerate(sizes):
        times = {labels[f"{group} {number}"] for number in range(rows)}
        assert max(times) - min(times) <= 1


def test_the_shares_hold_in_tokens_over_an_epoch_and_in_every_stretch_of_it():
    found = mixed([(50, 8), (400, 2), (30, 4)], [0.5, 0.3, 0.2])
    tokens = Counter(letter for row in found for letter in row.ids)
    assert [tokens[letter] / sum(tokens.values()) for letter in range(3)] == pytest.approx([0.5, 0.3, 0.2], abs=0.01)
    for first in range(0, len(found) - 120, 60):  # in the order of the files, too
        some = Counter(letter for row in found[first : first + 120] for letter in row.ids)
        assert some[0] / sum(some.values()) == pytest.approx(0.5, abs=0.05)


def test_the_shares_hold_in_what_the_steps_of_a_run_see():
    found = mixed([(50, 8), (400, 2)], [0.7, 0.3])
    train = Train(per_device_train_batch_size=16, seed=3)
    tokens = Counter[int]()
    for step in range(30):
        for number in groups_of_step(step, len(found), train):
            tokens.update(found[number].ids)
    assert tokens[0] / sum(tokens.values()) == pytest.approx(0.7, abs=0.05)


def test_the_group_that_lasts_longest_is_seen_once_and_the_others_go_round():
    found = mixed([(10, 5), (100, 5)], [0.5, 0.5])
    assert found.passes == [10.0, 1.0]
    assert len(found) == 200
    assert found.tokens == 1000
    assert mixed([(10, 5), (100, 5)], [0.6, 0.4]).digest() != found.digest()


@pytest.fixture
def files(tmp_path):
    """Two files of which one says a, the other b."""
    for letter, lines in (("a", 40), ("b", 15)):
        path = tmp_path / f"{letter}.jsonl"
        path.write_text("".join(json.dumps({"text": letter * 20}) + "\n" for _ in range(lines)), encoding="utf-8")
    return tmp_path


def task(tiny_folder, files, *more, named=()):
    mixture = f"data.mixture={{{files / 'a.jsonl'}: 1, {files / 'b.jsonl'}: 3}}"
    found = pretraining.settings_of([], [f"tokenizer={tiny_folder}", *SMALL, mixture, *more])
    return pretraining.task(named, found)


def quiet(**_seen: object) -> None:
    """Watch nothing."""


def test_files_are_mixed_as_the_settings_say_and_both_give_what_is_measured_on(tiny_folder, files, tmp_path):
    made = fitting.job(task(tiny_folder, files, "data.validation_share=0.2"), tmp_path / "tokens", quiet)
    words = made.policy.tokenizer

    def shares(rows):
        letters = Counter(words.decode([token]) for row in rows for token in row.ids)
        return letters["b"] / (letters["a"] + letters["b"])

    assert shares(made.material.train) == pytest.approx(0.75, abs=0.02)
    assert 0 < shares(made.material.validation) < 1
    assert [name.rsplit("/", 1)[1] for name in made.material.mixed] == ["a.jsonl", "b.jsonl"]
    assert made.material.mixed[str(files / "a.jsonl")] == 1.0
    assert {row.label.split("/")[-1].split(" ")[0] for row in islice(made.material.train, 8)} == {"a.jsonl", "b.jsonl"}


def test_files_to_measure_on_that_are_named_are_the_only_ones(tiny_folder, files, tmp_path):
    (files / "held.txt").write_text("zzz", encoding="utf-8")
    made = fitting.job(task(tiny_folder, files, f"data.validation=[{files / 'held.txt'}]"), tmp_path / "tokens", quiet)
    assert [made.policy.tokenizer.decode(row.ids[1:-1]) for row in made.material.validation] == ["zzz"]
    assert len({row.label for row in made.material.train}) == 55


def test_other_weights_read_the_files_no_second_time_and_are_another_run(tiny_folder, files, tmp_path):
    place, held = tmp_path / "tokens", f"data.validation=[{files / 'b.jsonl'}]"
    one = fitting.job(task(tiny_folder, files, held), place, quiet)
    stamps = {path: path.stat().st_mtime_ns for path in place.rglob("*.bin")}
    weights = f"data.mixture={{{files / 'a.jsonl'}: 1, {files / 'b.jsonl'}: 9}}"
    other = fitting.job(task(tiny_folder, files, held, weights), place, quiet)
    assert one.material.train.digest() != other.material.train.digest()
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*.bin")} == stamps
    assert len(stamps) == 12


def test_a_mixture_goes_on_where_it_stopped_to_the_same_end(tiny_folder, files, tmp_path):
    more = ("train.max_steps=5", "train.save_steps=2")
    fitting.fit(task(tiny_folder, files, *more), tmp_path / "straight", quiet)

    def broken(*, note: str, **_seen: object) -> None:
        if note.startswith("step 3 of"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitting.fit(task(tiny_folder, files, *more), tmp_path / "broken", broken)
    report = fitting.fit(task(tiny_folder, files, *more), tmp_path / "broken", quiet)
    read = [
        torch.cat([item.flatten() for item in fitting_weights(tmp_path / name).values()]) for name in ("straight", "broken")
    ]
    assert torch.equal(*read)
    assert report.mixture.keys() == {str(files / "a.jsonl"), str(files / "b.jsonl")}


def fitting_weights(folder):
    from safetensors.torch import load_file

    (path,) = (folder / "model").glob("*.safetensors")
    return load_file(path)


@pytest.mark.parametrize(
    ("mixture", "error", "said"),
    [
        ("{a.jsonl: 0}", SettingsError, "'a.jsonl' has the weight 0.0; expected a number above 0"),
        ("{a.jsonl: .nan}", SettingsError, "has the weight nan"),
        ("{a.jsonl: many}", SettingsError, "found 'many'"),
        ("{a.jsonl: 1, none.jsonl: 1}", NotFoundError, "there is no file 'none.jsonl'"),
        ("{a.jsonl: 1, ./a.jsonl: 1}", SettingsError, "stands both in 'a.jsonl' and in './a.jsonl'"),
    ],
)
def test_a_wrong_mixture_is_refused(tiny_folder, files, monkeypatch, mixture, error, said):
    monkeypatch.chdir(files)
    with pytest.raises(error, match=said):
        fitting.job(task(tiny_folder, files, f"data.mixture={mixture}"), files / "tokens", quiet)


def test_a_file_without_a_weight_is_refused(tiny_folder, files):
    (files / "c.jsonl").write_text('{"text": "c"}\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=r"gives no weight to .*c\.jsonl"):
        fitting.job(task(tiny_folder, files, named=[files / "a.jsonl", files / "c.jsonl"]), files / "tokens", quiet)
