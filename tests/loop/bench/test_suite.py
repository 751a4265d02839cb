"""What the suite promises: enough comments, checks that can fail and be met, and test prompts nobody learns from."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from recipes.teachable.compose import compose
from recipes.teachable.plan import render
from recipes.teachable.world import Triple, held_out
from tests.loop.bench.conftest import KNOWN

from sayso.critics.checking import repair_of
from sayso.errors import NotFoundError, RecordError
from sayso.loop.bench import suite
from sayso.loop.bench.suite import Item, Suite

SCOPES = ("in", "near", "out")


def triples(item: Item, scope: str) -> list[Triple]:
    return [Triple(*(prompt.family or "").split("/")) for prompt in item.test[scope]]  # type: ignore[index]


def test_it_is_as_large_as_it_says_and_small_in_the_package() -> None:
    assert len(KNOWN.items) >= 60
    for item in KNOWN.items:
        assert len(set(item.words)) >= 4
        assert [len(item.test[scope]) for scope in item.test] == [20, 20, 20]
        assert [len(item.learn[scope]) for scope in item.learn] == [32, 32, 32]
    assert len({item.id for item in KNOWN.items}) == len(KNOWN.items)
    assert (Path(suite.__file__).parent / suite.FILE).stat().st_size < 600_000


def test_a_small_tier_has_a_share_of_every_kind() -> None:
    first = KNOWN.items[:12]
    assert len({item.effect for item in first}) >= 10
    assert len({item.scope_text.partition(":")[0] for item in first}) >= 6
    assert max(Counter(item.effect for item in KNOWN.items).values()) <= 4


def test_no_test_prompt_and_no_family_of_one_is_learnt_from() -> None:
    tested = [prompt for item in KNOWN.items for prompts in item.test.values() for prompt in prompts]
    learnt = [prompt for item in KNOWN.items for prompts in item.learn.values() for prompt in prompts]
    assert not {prompt.id for prompt in tested} & {prompt.id for prompt in learnt}
    assert not {prompt.family for prompt in tested} & {prompt.family for prompt in learnt}
    assert all(held_out(Triple(*(prompt.family or "").split("/"))) for prompt in tested)


@pytest.mark.parametrize("item", KNOWN.items, ids=lambda item: item.id)
def test_a_prompt_stands_in_one_scope_only(item: Item) -> None:
    for prompts in (item.learn, item.test):
        ids = [prompt.id for scope in SCOPES for prompt in prompts[scope]]  # type: ignore[index]
        assert len(set(ids)) >= 0.97 * len(ids)
        beside = {prompt.id for prompt in (*prompts["near"], *prompts["out"])}
        assert not {prompt.id for prompt in prompts["in"]} & beside


@pytest.mark.parametrize("item", KNOWN.items, ids=lambda item: item.id)
def test_a_near_prompt_differs_in_the_scopes_feature_alone_and_an_out_prompt_in_everything(item: Item) -> None:
    kind, _colon, key = item.scope_text.partition(": ")
    parts = {"genre": {0}, "reader": {1}, "tone": {1}, "topic": {2}, "group": {2}, "pair": {0, 1}}.get(kind, set())
    inside, near, out = (triples(item, scope) for scope in SCOPES)
    for one, beside, far in zip(inside, near, out, strict=True):
        differing = {place for place in range(3) if one[place] != beside[place]}
        assert len(differing) == (1 if parts else 0)
        assert differing <= parts
        assert all(one[place] != far[place] for place in range(3))
    if kind in ("genre", "reader", "topic"):
        place = next(iter(parts))
        assert {one[place] for one in inside} == {key}
        assert key not in {one[place] for one in (*near, *out)}
    if not parts:  # a manner is not in the family: the words themselves differ
        assert all(a.text != b.text for a, b in zip(item.test["in"], item.test["near"], strict=True))


@pytest.mark.parametrize("item", KNOWN.items, ids=lambda item: item.id)
def test_a_check_mostly_fails_on_what_the_grammar_writes_and_its_repair_meets_it(item: Item) -> None:
    rng, held, repair = Random(0), item.held(), repair_of(item.check)
    assert repair is not None
    texts = [render(compose(triple, rng)) for triple in triples(item, "in")]
    failing = [text for text in texts if not held(text).held]
    assert len(failing) >= 0.3 * len(texts)
    repaired = [repair(text) for text in failing]
    assert sum(text is not None and held(text).held for text in repaired) >= 0.9 * len(failing)


@pytest.mark.parametrize("item", KNOWN.items, ids=lambda item: item.id)
def test_the_comment_that_stands_in_asks_for_something_else(item: Item) -> None:
    other = KNOWN.item(item.shuffled)
    assert other.effect != item.effect
    rng, held, repair = Random(1), item.held(), repair_of(other.check)
    assert repair is not None
    failing = [text for text in (render(compose(each, rng)) for each in triples(item, "in")) if not held(text).held]
    assert sum(held(repair(text) or text).held for text in failing) <= 0.1 * len(failing)


def test_a_seed_takes_a_wording() -> None:
    item = KNOWN.items[0]
    assert [item.comment(seed).text for seed in range(4)] == list(item.words[:4])
    assert item.comment(len(item.words)).text == item.words[0]
    assert item.comment(0, text="other").text == "other"


def test_a_suite_of_ones_own_may_be_plain(tmp_path: Path) -> None:
    path = tmp_path / "suite.jsonl"
    packed = Path(suite.__file__).parent / suite.FILE
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    found = suite.load(path)
    assert found.sha256 == KNOWN.sha256
    assert isinstance(found, Suite)


def test_what_is_no_suite_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no suite at .*nowhere"):
        suite.load(tmp_path / "nowhere.jsonl")
    path = tmp_path / "suite.jsonl"
    for text, said in (("{", "not a suite"), (json.dumps({"id": "a"}), "not a suite"), ("", "holds no comment")):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(RecordError, match=said):
            suite.load(path)
    path.write_bytes(b"\x1f\x8bbroken")
    with pytest.raises(RecordError, match="not a suite"):
        suite.load(path)
