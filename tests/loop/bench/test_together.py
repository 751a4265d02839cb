"""Comments learnt at once: which may share weights, what is learnt, and what each loses."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from tests.loop.bench.conftest import KNOWN, TIER
from tests.loop.bench.test_figures import score

from sayso import registry
from sayso.loop.bench import capacity, suite, tables, together
from sayso.loop.bench.answering import Kept
from sayso.loop.bench.tiers import TIERS
from sayso.methods import METHODS, Method
from sayso.records import ask, plain

NOTE, COACH, CHEER, CALM = (KNOWN.item(name) for name in (
    "t00-start-with-genre", "t01-caps-reader", "t04-cheer-word", "t14-calm-pair"))  # fmt: skip


def test_effects_that_contradict_or_bring_each_other_about_clash() -> None:
    named = [("t04-cheer-word", "t14-calm-pair"), ("t00-start-with-genre", "t02-greet-with-topic"),
             ("t18-please-pair", "t29-please-group"), ("t04-cheer-word", "t49-end-with-tone"),
             ("t05-question-pair", "t30-no-question-pair")]  # fmt: skip
    for one, other in named:
        assert together.clash(KNOWN.item(one), KNOWN.item(other))
        assert together.clash(KNOWN.item(other), KNOWN.item(one))
    assert not together.clash(NOTE, COACH)
    assert not together.clash(NOTE, CHEER)


@pytest.mark.parametrize("size", [2, 8, 16])
def test_a_set_is_full_clashes_nowhere_and_shares_no_comment(size: int) -> None:
    found = together.sets(KNOWN.items, size, TIERS["full"].sets)
    assert [len(some) for some in found] == [size] * TIERS["full"].sets if size < 16 else len(found) >= 2
    assert not any(together.clash(*pair) for some in found for pair in combinations(some, 2))
    ids = [item.id for some in found for item in some]
    assert len(set(ids)) == len(ids)


def test_the_quick_tier_has_a_set() -> None:
    tier = TIERS["quick"]
    assert len(together.sets(KNOWN.items[: tier.comments], tier.together[0], tier.sets)) == 1


def test_a_comment_applies_to_prompts_in_its_scope_alone() -> None:
    for item in KNOWN.items:
        assert all(together.applies(item, prompt) for prompts in (item.learn, item.test) for prompt in prompts["in"])
        beside = [prompt for prompts in (item.learn, item.test) for scope in ("near", "out") for prompt in prompts[scope]]
        assert not any(together.applies(item, prompt) for prompt in beside)
    assert together.applies(NOTE, ask("x", family="note/coach/cat"))
    assert together.applies(COACH, ask("x", family="note/coach/cat"))
    assert not together.applies(NOTE, ask("x", family="letter/coach/cat"))


def kept(item: suite.Item, text: str) -> Kept:
    return {"in": [text] * len(item.learn["in"])}


def test_a_draft_is_repaired_for_all_comments_that_apply_to_it() -> None:
    method: Method = registry.load(METHODS, "refine_sft", kind="method")()
    items, text = (NOTE, COACH), "The soup is ready."
    found = list(together.examples_of(items, [kept(item, text) for item in items], method, TIERS["full"], 0))
    assert len(found) == len(NOTE.learn["in"]) + len(COACH.learn["in"])
    for example in found:
        said = {comment.id for comment in example.comments}
        assert said == {item.id for item in items if together.applies(item, example.prompt)}
        assert example.refinement is not None
        assert all(item.held()(example.refinement.text).held for item in items if item.id in said)
    assert any(len(example.comments) == 2 for example in found)


def test_what_holds_the_model_is_in_the_scope_of_no_comment_of_the_set() -> None:
    from sayso.loop.bench import material

    items, tier = (NOTE, COACH), TIERS["full"]
    written = [{scope: ["Some words."] * 32 for scope in ("near", "out")} for _item in items]
    every = material.held(items, written, tier)
    left = material.held(items, written, tier, lambda prompt: not any(together.applies(item, prompt) for item in items))
    assert len(every) == 128
    assert 0 < len(left) < len(every)
    assert not any(together.applies(item, example.prompt) for item in items for example in left)


def test_what_a_comment_loses_is_counted_by_comment() -> None:
    alone = [score("m", number, gain=gain) for number, gain in enumerate((0.9, 0.5))]
    shared = [(2, "m", score("m, 2 at once", number, gain=gain, leak=0.2)) for number, gain in enumerate((0.6, 0.4))]
    (found,) = capacity.capacities(alone, shared, _tier())
    assert (found.method, found.size, found.comments, found.units) == ("m", 2, 2, 2)
    assert found.alone["gain"][0] == pytest.approx(0.7)
    assert found.at_once["gain"][0] == pytest.approx(0.5)
    assert found.change["gain"][0] == pytest.approx(-0.2)
    assert found.change["leak"][0] == pytest.approx(0.2)
    result: dict[str, Any] = {"at_once": [plain(found)]}
    assert "| m | 2 | 2 | +0.50 | +0.70 | -0.20 [" in tables._at_once(result)
    assert tables._at_once({}) == ""


def _tier() -> Any:
    from dataclasses import replace

    return replace(TIER, drafts=8)
