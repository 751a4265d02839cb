"""Duplicates: what is found beside a slow all-pairs comparison, at the rate that the formula predicts, stopped and not."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.errors import RecordError, SettingsError, StoreError
from sayso.text.files import journal, streams
from sayso.text.files.runs import Writing
from sayso.text.files.streams import Reading
from sayso.text.overlap import clusters, duplicates, passages, signing
from sayso.text.overlap.clusters import Signatures
from sayso.text.overlap.duplicates import Duplicates
from sayso.text.overlap.passages import Passages
from sayso.text.overlap.shingles import Grams, jaccard, shingles, words_of
from sayso.text.overlap.signatures import Near, sign
from sayso.text.overlap.signing import Data

VOCABULARY = [f"word{number}" for number in range(3000)]


def lines(path: Path, texts: Sequence[str]) -> Path:
    path.write_text(
        "".join(json.dumps({"id": at, "text": text}, ensure_ascii=False) + "\n" for at, text in enumerate(texts))
    )
    return path


def data(*paths: Path, workers: int = 1, skip_bad: bool = False) -> Data:
    return Data(
        found=streams.sources(paths), reading=Reading(), writing=Writing(to="jsonl", skip_bad=skip_bad), workers=workers
    )


def kept(out: Path) -> list[Any]:
    return [json.loads(line) for path in sorted(out.glob("part-*")) for line in path.read_text().splitlines()]


def ids(out: Path) -> list[int]:
    return [record["id"] for record in kept(out)]


def digest(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.*")}


def signed(folder: Path, texts: Sequence[str], near: Near | None, *, shards: int = 1) -> Signatures:
    parts = np.array_split(np.arange(len(texts)), shards)
    counts = [clusters.write(folder, at, [sign([texts[i] for i in part], near)]) for at, part in enumerate(parts)]
    return Signatures(folder, counts)


def planted(count: int, seed: int = 0) -> list[str]:
    """Return texts of which every second is the one before it with some of its words changed."""
    rng = random.Random(seed)
    found = []
    for _ in range(count):
        words = rng.choices(VOCABULARY, k=60)
        found.append(" ".join(words))
        for _ in range(rng.randint(0, 12)):
            words[rng.randrange(60)] = rng.choice(VOCABULARY)
        found.append(" ".join(words))
    return found


def slow_clusters(texts: Sequence[str], threshold: float, grams: Grams) -> list[int]:
    """Compare every pair, and join what is similar: the first text of each text's cluster."""
    read = shingles(words_of(texts), grams)
    sets = [read.hashes[begin:end] for begin, end in zip(read.offsets[:-1], read.offsets[1:], strict=True)]
    roots = list(range(len(texts)))
    for one, other in combinations(range(len(texts)), 2):
        if jaccard(sets[one], sets[other]) >= threshold or texts[one].split() == texts[other].split():
            low, high = sorted((roots[one], roots[other]))
            roots = [low if root == high else root for root in roots]
    return roots


def test_with_enough_bands_the_clusters_are_those_of_comparing_every_pair(tmp_path: Path) -> None:
    texts = planted(60)
    near = Near(bands=64, rows=2, threshold=0.5)
    found = clusters.find(signed(tmp_path, texts, near, shards=3), near)
    assert found.roots.tolist() == slow_clusters(texts, 0.5, near.grams)
    assert 0 < found.unlike < found.compared


@settings(max_examples=12, deadline=None)
@given(texts=st.lists(st.text(alphabet="ab 你好.", max_size=12), max_size=12), shards=st.integers(1, 3))
def test_short_and_empty_texts_cluster_as_in_the_slow_comparison(
    texts: list[str], shards: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    near = Near(grams=Grams(words=2, characters=2), bands=128, rows=1, threshold=0.4)
    found = clusters.find(signed(tmp_path_factory.mktemp("signed"), texts, near, shards=shards), near)
    assert found.roots.tolist() == slow_clusters(texts, 0.4, near.grams)


@pytest.mark.parametrize("same", [0.6, 0.7, 0.8])
def test_pairs_are_found_at_the_rate_that_the_formula_predicts(same: float) -> None:
    pairs, size, near = 1500, 120, Near()
    common = round(2 * size * same / (1 + same))
    numbers = np.random.default_rng(3).integers(0, 1 << 60, size=(pairs, 2 * size - common))
    one = [" ".join(map(str, row[:size])) for row in numbers]
    other = [" ".join(map(str, [*row[:common], *row[size:]])) for row in numbers]
    near = Near(grams=Grams(words=1), threshold=0)
    share = (sign(one, near).bands == sign(other, near).bands).any(axis=0).mean()
    chance = near.chance(common / (2 * size - common))
    assert abs(share - chance) < 4 * (chance * (1 - chance) / pairs) ** 0.5 + 0.01


def test_the_numbers_of_a_column_do_not_depend_on_how_many_are_sorted_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts, near = planted(80), Near()
    whole = clusters.find(signed(tmp_path, texts, near), near).roots.tolist()
    monkeypatch.setattr(clusters, "_AT_ONCE", 7)
    monkeypatch.setattr(clusters, "_COMPARED", 50)
    assert clusters.find(signed(tmp_path, texts, near, shards=4), near).roots.tolist() == whole


def test_similarities_are_those_of_sets() -> None:
    sets = [[], [1], [1, 1, 2], [2, 3], [1, 2, 3, 4]]
    pairs = [(one, other) for one in sets for other in sets]
    sides = [np.array([value for pair in pairs for value in pair[side]], dtype=np.uint32) for side in (0, 1)]
    sizes = [np.array([len(pair[side]) for pair in pairs]) for side in (0, 1)]
    found = clusters.similarities(sides[0], sizes[0], sides[1], sizes[1])
    expected = [len(set(a) & set(b)) / max(len(set(a) | set(b)), 1) for a, b in pairs]
    assert found.tolist() == expected


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19))))
def test_what_is_united_has_the_first_as_its_root(edges: list[tuple[int, int]]) -> None:
    parents, slow = np.arange(20), list(range(20))
    for one, other in edges:
        low, high = sorted((slow[one], slow[other]))
        slow = [low if root == high else root for root in slow]
    clusters.unite(parents, np.array([one for one, _ in edges], int), np.array([other for _, other in edges], int))
    assert clusters.root_of(parents, np.arange(20)).tolist() == slow


def test_the_first_stays_or_the_longest(tmp_path: Path) -> None:
    words = VOCABULARY[:100]
    texts = [" ".join(words), "other text", " ".join([*words, "and", "more"]), " ".join(words)]
    source = lines(tmp_path / "a.jsonl", texts)
    report = duplicates.remove(data(source), tmp_path / "first", Duplicates())
    assert ids(tmp_path / "first") == [0, 1]
    assert report["dropped"] == {"equal to another": 1, "nearly equal to another": 1}
    assert [member["where"] for member in report["samples"][0]["members"]] == [f"{source}:{line}" for line in (1, 3, 4)]
    duplicates.remove(data(source), tmp_path / "longest", Duplicates(keep="longest"))
    assert ids(tmp_path / "longest") == [1, 2]


def test_equal_is_equal_but_for_width_and_spaces(tmp_path: Path) -> None:
    source = lines(tmp_path / "a.jsonl", ["Ａ  b\n", "A b", "a b", "A c", "", "  "])
    duplicates.remove(data(source), tmp_path / "out", Duplicates(by="equal"))
    assert ids(tmp_path / "out") == [0, 2, 3, 4]


def test_chinese_is_compared_by_characters(tmp_path: Path) -> None:
    rng = random.Random(1)
    text = "".join(chr(rng.randrange(0x4E00, 0x9000)) for _ in range(300))
    near, far = f"{text[:150]}变{text[151:]}", "".join(rng.sample(text, len(text)))
    source = lines(tmp_path / "a.jsonl", [text, near, far, "。。。", "！！！"])
    duplicates.remove(data(source), tmp_path / "out", Duplicates())
    assert ids(tmp_path / "out") == [0, 2, 3, 4]


def test_conversations_are_compared_by_their_turns(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello there"}]
    source = tmp_path / "a.jsonl"
    source.write_text("".join(json.dumps({"messages": turns, "id": number}) + "\n" for number in range(2)))
    duplicates.remove(data(source), tmp_path / "out", Duplicates())
    assert ids(tmp_path / "out") == [0]


def test_stopped_anywhere_it_goes_on_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "SHARD_BYTES", 20_000)
    monkeypatch.setattr(streams, "BATCH_BYTES", 5_000)
    source = lines(tmp_path / "a.jsonl", planted(120))
    duplicates.remove(data(source), tmp_path / "whole", Duplicates())
    assert len(list((tmp_path / "whole").glob("part-*"))) > 3
    begun, real_sign, real_write = 0, signing._sign, duplicates._write

    def stopping(real: Any) -> Any:
        def work(job: Any) -> Any:
            nonlocal begun
            begun += 1
            if begun % 3 == 0:
                raise KeyboardInterrupt
            return real(job)

        return work

    monkeypatch.setattr(signing, "_sign", stopping(real_sign))
    monkeypatch.setattr(duplicates, "_write", stopping(real_write))
    stops = 0
    while not (tmp_path / "out").exists():
        try:
            duplicates.remove(data(source), tmp_path / "out", Duplicates())
        except KeyboardInterrupt:
            stops += 1
    assert stops > 3
    assert digest(tmp_path / "out") == digest(tmp_path / "whole")
    assert not list(tmp_path.glob(".*.working"))


def test_done_again_nothing_is_done_and_another_question_is_refused(tmp_path: Path) -> None:
    source = lines(tmp_path / "a.jsonl", ["one text", "one text"])
    first = duplicates.remove(data(source), tmp_path / "out", Duplicates())
    assert duplicates.remove(data(source), tmp_path / "out", Duplicates()) == {**first, "again": True}
    with pytest.raises(SettingsError, match="holds something else"):
        duplicates.remove(data(source), tmp_path / "out", Duplicates(by="equal"))
    lines(source, ["one text", "another"])
    with pytest.raises(SettingsError, match="holds something else"):
        duplicates.remove(data(source), tmp_path / "out", Duplicates())


def test_a_wrong_line_is_named_or_left_out(tmp_path: Path) -> None:
    source = tmp_path / "a.jsonl"
    source.write_text('{"text": "one"}\n{"text": \n{"text": "two"}\n\n{"text": "one"}\n')
    with pytest.raises(RecordError, match=r"a\.jsonl:2: is not valid JSON"):
        duplicates.remove(data(source), tmp_path / "out", Duplicates())
    report = duplicates.remove(data(source, skip_bad=True), tmp_path / "out", Duplicates())
    assert [record["text"] for record in kept(tmp_path / "out")] == ["one", "two"]
    assert report["unreadable"] == 1
    source.write_text('{"body": "one"}\n')
    with pytest.raises(RecordError, match=r"a\.jsonl:1: found the fields body"):
        duplicates.remove(data(source), tmp_path / "other", Duplicates())


def test_nothing_in_gives_nothing_out(tmp_path: Path) -> None:
    source = tmp_path / "a.jsonl"
    source.write_text("\n")
    report = duplicates.remove(data(source), tmp_path / "out", Duplicates())
    assert (report["documents_in"], report["documents_out"], report["shards"]) == (0, 0, [])


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    source = lines(tmp_path / "a.jsonl", ["one"])
    (tmp_path / "file").write_text("")
    with pytest.raises((StoreError, SettingsError)):
        duplicates.remove(data(source), tmp_path / "file" / "out", Duplicates())


def test_of_a_span_of_three_sentences_all_but_one_are_cut_out(tmp_path: Path) -> None:
    shared = "Click here. Accept all cookies now! Read our policy. "
    source = lines(tmp_path / "a.jsonl", [f"First page. {shared}End one.", f"{shared}Second page. It goes on.", shared])
    report = duplicates.remove(data(source), tmp_path / "out", Duplicates(by="passages"))
    assert [record["text"] for record in kept(tmp_path / "out")] == [
        f"First page. {shared}End one.",
        "Second page. It goes on.",
    ]
    assert report["dropped"] == {"nothing but passages seen before": 1}
    assert report["passages"]["seen before"] == 2


def test_lines_seen_before_go_but_short_ones_stay(tmp_path: Path) -> None:
    line = "All rights reserved by the publisher."
    source = lines(tmp_path / "a.jsonl", [f"one\n{line}\nend", f"two\n{line}\nend"])
    duplicates.remove(data(source), tmp_path / "out", Duplicates(by="passages", passages=Passages(unit="line")))
    assert [record["text"] for record in kept(tmp_path / "out")] == [f"one\n{line}\nend", "two\nend"]


@settings(deadline=None)
@given(st.text(alphabet='ab.!？。 \n"”', max_size=60), st.sampled_from(["line", "paragraph", "sentences"]))
def test_units_of_a_text_leave_nothing_out(text: str, unit: Any) -> None:
    cut = passages.cut(text, unit)
    assert "".join(text[begin:end] for begin, end in cut) == text
    how = Passages(unit=unit, shortest=0)
    assert passages.left(text, how, [False] * len(passages.forms(text, how))) == text
    assert not passages.left(text, how, [True] * len(passages.forms(text, how))).strip()


def test_settings_that_mean_nothing_are_refused() -> None:
    for wrong in ({"bands": 0}, {"rows": 0}, {"threshold": 1.5}):
        with pytest.raises(SettingsError):
            Near(**wrong)  # type: ignore[arg-type]
    with pytest.raises(SettingsError):
        Passages(sentences=0)


@pytest.mark.slow
def test_several_processes_write_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "SHARD_BYTES", 20_000)
    monkeypatch.setattr(streams, "BATCH_BYTES", 5_000)
    source = lines(tmp_path / "a.jsonl", planted(120))
    duplicates.remove(data(source), tmp_path / "one", Duplicates())
    duplicates.remove(data(source, workers=2), tmp_path / "two", Duplicates())
    assert digest(tmp_path / "one") == digest(tmp_path / "two")
