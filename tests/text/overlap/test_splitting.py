"""Splits by families: never a family in two parts, the same whatever is added, and leaks found when read back."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.errors import NotFoundError, RecordError, SettingsError
from sayso.text.files import journal, streams
from sayso.text.files.runs import Writing
from sayso.text.files.streams import Reading
from sayso.text.overlap import parting, splitting
from sayso.text.overlap.signing import Data
from sayso.text.overlap.splitting import PARTS, Split


def lines(path: Path, records: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
    return path


def data(*paths: Path) -> Data:
    return Data(found=streams.sources(paths) if paths else [], reading=Reading(), writing=Writing(to="jsonl"))


def parts(out: Path) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for name in PARTS:
        shards = sorted((out / name).glob("part-*"))
        found[name] = [json.loads(line) for shard in shards for line in shard.read_text().splitlines()]
    return found


def authors(count: int) -> list[dict[str, Any]]:
    return [{"id": at, "text": f"text number {at}", "meta": {"author": f"author {at % 150}"}} for at in range(count)]


def texts(count: int) -> list[dict[str, Any]]:
    """Return texts of which every third is the one before it with a word more."""
    found = []
    for at in range(count):
        words = " ".join(f"w{at}x{place}" for place in range(60))
        found.append({"id": at, "text": words})
        if at % 3 == 0:
            found.append({"id": 1000 + at, "text": f"{words} more"})
    return found


def test_no_family_is_in_two_parts(tmp_path: Path) -> None:
    source = lines(tmp_path / "a.jsonl", authors(600))
    split = Split(by="field", family="meta.author", validation=0.2, test=0.2)
    report = parting.split(data(source), tmp_path / "out", split)
    owners = defaultdict(set)
    for name, records in parts(tmp_path / "out").items():
        for record in records:
            owners[record["meta"]["author"]].add(name)
    assert len(owners) == 150
    assert {len(names) for names in owners.values()} == {1}
    assert {name: part["families"] for name, part in report["parts"].items()} == {
        name: sum(names == {name} for names in owners.values()) for name in PARTS
    }
    assert 15 <= report["parts"]["test"]["families"] <= 45
    assert sum(part["documents"] for part in report["parts"].values()) == 600


def test_what_is_nearly_equal_stays_together_and_nothing_leaks(tmp_path: Path) -> None:
    source = lines(tmp_path / "a.jsonl", texts(90))
    parting.split(data(source), tmp_path / "out", Split(validation=0.3, test=0.3))
    where = {record["id"]: name for name, records in parts(tmp_path / "out").items() for record in records}
    assert all(where[1000 + at] == where[at] for at in range(0, 90, 3))
    checked = parting.check(tmp_path / "out", data())
    assert checked.clean
    assert checked.looked_for == ("text", "near")
    assert sum(checked.documents.values()) == 120


def test_a_leak_is_found_and_shown(tmp_path: Path) -> None:
    source = lines(tmp_path / "a.jsonl", texts(60))
    parting.split(data(source), tmp_path / "out", Split(validation=0.3, test=0.3))
    found = parts(tmp_path / "out")
    lines(tmp_path / "out" / "test" / "zz.jsonl", [found["train"][0], {"text": found["validation"][0]["text"] + " a b"}])
    checked = parting.check(tmp_path / "out", data())
    assert not checked.clean
    assert checked.leaks == {"text": 1, "near": 2}
    leaks = {(leak.why, leak.parts, leak.other) for leak in checked.samples}
    other = str(tmp_path / "out" / "test" / "zz.jsonl")
    assert ("text", ("train", "test"), f"{other}:1") in leaks
    assert ("near", ("validation", "test"), f"{other}:2") in leaks


def test_a_family_that_leaks_is_found_by_its_field(tmp_path: Path) -> None:
    source = lines(tmp_path / "a.jsonl", authors(100))
    parting.split(data(source), tmp_path / "out", Split(by="field", family="meta.author", validation=0.3, test=0.3))
    assert parting.check(tmp_path / "out", data()).clean
    author = parts(tmp_path / "out")["train"][0]["meta"]
    lines(tmp_path / "out" / "test" / "zz.jsonl", [{"text": "quite another", "meta": author}])
    assert parting.check(tmp_path / "out", data()).leaks == {"family": 1, "text": 0}


@pytest.mark.parametrize("by", ["near", "text"])
def test_documents_that_are_added_move_no_other(tmp_path: Path, by: Any) -> None:
    first, more = texts(90)[:80], texts(90)[80:]
    split = Split(by=by, validation=0.2, test=0.2)
    source = lines(tmp_path / "a.jsonl", first)
    parting.split(data(source), tmp_path / "before", split)
    parting.split(data(source, lines(tmp_path / "b.jsonl", more)), tmp_path / "after", split)
    before, after = parts(tmp_path / "before"), parts(tmp_path / "after")
    for name in PARTS:
        assert [one["id"] for one in before[name]] == [
            one["id"] for one in after[name] if one["id"] in {record["id"] for record in first}
        ]


def test_another_seed_draws_another_split(tmp_path: Path) -> None:
    source = lines(tmp_path / "a.jsonl", authors(200))
    for seed in (0, 1):
        parting.split(data(source), tmp_path / str(seed), Split(by="text", test=0.5, seed=seed))
    assert parts(tmp_path / "0")["test"] != parts(tmp_path / "1")["test"]


def test_counts_are_met_and_their_shares_give_the_same_split(tmp_path: Path) -> None:
    source = lines(tmp_path / "a.jsonl", authors(300))
    report = parting.split(data(source), tmp_path / "counts", Split(by="text", validation=20, test=30))
    assert {name: part["documents"] for name, part in report["parts"].items()} == {
        "train": 250,
        "validation": 20,
        "test": 30,
    }
    shares = report["shares"]
    parting.split(data(source), tmp_path / "shares", Split(by="text", validation=shares["validation"], test=shares["test"]))
    assert parts(tmp_path / "counts") == parts(tmp_path / "shares")


def test_more_documents_than_there_are_cannot_be_asked_for(tmp_path: Path) -> None:
    source = lines(tmp_path / "a.jsonl", authors(10))
    with pytest.raises(SettingsError, match="leave none to train on"):
        parting.split(data(source), tmp_path / "out", Split(by="text", validation=5, test=5))


@settings(deadline=None)
@given(st.lists(st.integers(0, (1 << 64) - 1), min_size=1, max_size=50), st.floats(0, 0.5), st.floats(0, 0.49))
def test_every_number_has_one_part(numbers: list[int], test: float, validation: float) -> None:
    drawn = np.array(numbers, dtype=np.uint64)
    found = splitting.bounds(Split(validation=validation, test=test), drawn)
    placed = found.parts(drawn)
    expected = [
        2 if number < round(test * 2**64) else 1 if number < round(test * 2**64) + round(validation * 2**64) else 0
        for number in numbers
    ]
    assert placed.tolist() == expected
    assert sum(found.shares().values()) == pytest.approx(1)


def test_shares_come_out_as_asked() -> None:
    drawn = splitting.numbers(np.arange(100_000, dtype=np.uint64), 0)
    found = splitting.bounds(Split(validation=0.1, test=0.2), drawn).parts(drawn)
    assert np.bincount(found).tolist() == pytest.approx([70_000, 10_000, 20_000], abs=500)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=30))
def test_crossing_finds_who_is_not_in_the_part_of_the_first(pairs: list[tuple[int, int]]) -> None:
    groups, of = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))
    first: dict[int, int] = {}
    expected = [at for at, (group, part) in enumerate(pairs) if first.setdefault(group, part) != part]
    assert splitting.crossing(groups, of).tolist() == expected


def test_stopped_it_goes_on_to_the_same_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, breaking_off: Callable[[ModuleType], Callable[[], int]]
) -> None:
    monkeypatch.setattr(journal, "SHARD_BYTES", 3000)
    monkeypatch.setattr(streams, "BATCH_BYTES", 1000)
    source = lines(tmp_path / "a.jsonl", authors(200))
    split = Split(by="text", validation=0.2, test=0.2)
    parting.split(data(source), tmp_path / "whole", split)
    begun = breaking_off(parting)
    for _ in range(30):
        try:
            report = parting.split(data(source), tmp_path / "out", split)
            break
        except KeyboardInterrupt:
            continue
    assert begun() > 4
    assert parts(tmp_path / "out") == parts(tmp_path / "whole")
    assert report["parts"] == json.loads((tmp_path / "whole" / "report.json").read_text())["parts"]


def test_what_cannot_be_split_is_refused(tmp_path: Path) -> None:
    for wrong in ({"test": -1}, {"test": 1.5}, {"test": 0.5, "validation": 0.5}, {"by": "field"}, {"family": "author"}):
        with pytest.raises(SettingsError):
            Split(**wrong)  # type: ignore[arg-type]
    source = lines(tmp_path / "a.jsonl", [{"text": "x", "author": "a"}, {"text": "y"}])
    with pytest.raises(RecordError, match=r"a\.jsonl:2: found the fields text; expected 'author'"):
        parting.split(data(source), tmp_path / "out", Split(by="field", family="author"))
    with pytest.raises(NotFoundError, match="has not two of the folders"):
        parting.check(tmp_path, data())
