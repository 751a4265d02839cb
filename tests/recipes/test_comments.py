"""Comments: each effect is obeyed by its own edit, each scope has prompts in, near and out, and words that are held out."""

from __future__ import annotations

import re
from functools import cache
from random import Random

import pytest
from recipes.teachable import heldout, values
from recipes.teachable.comments import (
    PARTS,
    SCOPE_KINDS,
    Demand,
    Scope,
    near,
    out,
    praise,
    say,
    say_both,
    scope_at,
    scopes_at,
    single_scopes,
    value_of,
    within,
)
from recipes.teachable.compose import compose
from recipes.teachable.effects import EFFECTS, LIKED, SAID_OF, TRAINED, VALUED, WORDINGS, body_lines, holds, obey
from recipes.teachable.plan import Plan, Sentence, render
from recipes.teachable.prompts import WORDINGS as PROMPTS
from recipes.teachable.world import MANNERS, Triple, held_out, training_triples, triples

MOVE = Triple("email", "boss", "move")
RAIN = Triple("email", "boss", "rain", "urgent")
PLANS = 120
THIS = Scope(kind="this")


@cache
def drawn(count: int, seed: int = 0) -> list[Plan]:
    rng = Random(seed)
    return [compose(rng.choice(triples())._replace(manner=rng.choice(("", "", "short"))), rng) for _ in range(count)]


def a_value(effect: str, rng: Random, plan: Plan, *, held: bool = False) -> str:
    takes_words = EFFECTS[effect].values in ("word", "swap")
    return value_of(effect, rng, text="\n".join(body_lines(render(plan))) if takes_words else "", held=held)


@pytest.mark.parametrize("effect", EFFECTS)
def test_an_edited_plan_passes_the_check_of_its_comment(effect):
    check_edits(effect, PLANS, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("effect", EFFECTS)
def test_thousands_of_edited_plans_pass_the_check_of_their_comment(effect):
    check_edits(effect, 3000, seed=3)


def check_edits(effect: str, count: int, seed: int) -> None:
    rng = Random(effect)
    failed, tried = [], 0
    for each in drawn(count, seed=seed):
        value = a_value(effect, rng, each, held=rng.random() < 0.3)
        if each.triple.genre in EFFECTS[effect].not_for or (effect in VALUED and not value):
            continue
        tried += 1
        if not holds(effect, value, render(obey(effect, value, each))):
            failed.append((value, render(each)))
    assert not failed
    assert tried > count / 5


@pytest.mark.parametrize("effect", EFFECTS)
def test_a_check_holds_for_some_text_and_fails_for_some_and_never_for_babble(effect):
    rng = Random(0)
    shown = set()
    for each in drawn(200):
        value = a_value(effect, rng, each)
        if value or effect not in VALUED:
            shown |= {holds(effect, value, render(each)), holds(effect, value, render(obey(effect, value, each)))}
            assert not any(holds(effect, value, text) for text in ("", "\n", "zq wx. zq wx! zq wx?", "- x\n- y"))
    assert shown == {True, False}


@pytest.mark.parametrize("effect", EFFECTS)
def test_an_edit_changes_little(effect):
    rng = Random(1)
    for each in drawn(40, seed=2):
        value = a_value(effect, rng, each)
        if effect in ("caps", "no_numbers") or (effect in VALUED and not value):
            continue
        before, after = (re.findall(r"\w+", render(plan)) for plan in (each, obey(effect, value, each)))
        if before != after:
            kept = [word for word in before if word in after]
            assert len(kept) >= 0.3 * len(before), (render(each), value)


def test_an_edit_of_a_plan_that_obeys_already_changes_nothing():
    assert all(obey("no_bullets", "", each) is each for each in drawn(60) if each.layout not in ("bullets", "numbers"))


def test_an_edit_leaves_the_other_words_alone():
    fact = Sentence(text="The report has #20# pages", kind="fact", mark="!")
    before = Plan(triple=MOVE, reader="Ms. Park", sentences=(fact,), greeting="Dear", sign_off="Yours", name="Tina")
    assert render(before) == "Dear Ms. Park,\nThe report has 20 pages!\nYours,\nTina"
    assert render(obey("calm", "", before)) == "Dear Ms. Park,\nThe report has 20 pages.\nYours,\nTina"
    assert render(obey("call", "brave fox", before)) == "Dear brave fox,\nThe report has 20 pages!\nYours,\nTina"
    assert render(obey("avoid", "report", before)) == "Dear Ms. Park,\nThe paper has 20 pages!\nYours,\nTina"
    assert render(obey("instead", "20>30", before)) == "Dear Ms. Park,\nThe report has 30 pages!\nYours,\nTina"
    assert render(obey("numbered", "", before)) == "Dear Ms. Park,\n1. The report has 20 pages!\nYours,\nTina"


def test_a_replaced_word_keeps_its_capital_and_its_article():
    one = Sentence(text="bill saw a river by a shop", kind="fact")
    plan = Plan(
        triple=MOVE, reader="all", sentences=(one,), swaps=(("bill", "invoice"), ("river", "ocean"), ("shop", "store"))
    )
    assert render(plan) == "Invoice saw an ocean by a store."


def test_there_are_enough_effects_and_every_list_of_wordings_is_long_with_two_held_out():
    assert len(EFFECTS) >= 30
    assert len(TRAINED) >= 25
    assert len(heldout.EFFECTS) == 5
    assert set(WORDINGS) == set(EFFECTS)
    for part, lists in SAID_OF.items():
        for key, said in lists.items():
            assert len(set(said)) >= (24 if part == "wishes" else 16 if part in ("places", "frames") else 8), (part, key)
            held = heldout.wordings(part, key, said, held=True)
            assert len(held) == 2
            assert not set(held) & set(heldout.wordings(part, key, said, held=False))
            assert len(set(heldout.wordings(part, key, said, held=False))) >= 6


def test_no_trained_wording_says_a_held_out_one_of_its_list():
    said_of = SAID_OF | {"prompts": {"all": list(PROMPTS)}}
    lists = [(part, key, said) for part, found in said_of.items() for key, said in found.items()]
    for part, key, said in lists:
        held = [words.lower() for words in heldout.wordings(part, key, said, held=True)]
        trained = heldout.wordings(part, key, said, held=False)
        assert len(held) == 2, (part, key)
        assert said[-2:] == heldout.wordings(part, key, said, held=True)
        assert not [words for words in trained if any(other in words.lower() for other in held)], (part, key)


def test_wishes_are_said_once_and_in_few_words():
    for effect, said in WORDINGS.items():
        assert len(said) == len(set(said)), effect
        assert not [wish for wish in said if len(wish.split()) > 11], effect
        assert not [wish for wish in said if wish[0].isupper() or (wish.endswith(".") and not wish.endswith("P.S."))]


def test_a_wish_that_is_asked_ends_with_a_question_mark():
    demand = Demand(effect="emoji", value="", scope=THIS)
    said = {say(demand, Random(seed)) for seed in range(2000)}
    asked = {text for text in said if text.startswith(("Could ", "Would ", "Can ", "Will "))}
    assert {text.split()[0] for text in asked} == {"Could", "Would", "Can", "Will"}
    assert asked == {text for text in said if text.endswith("?")}


def test_a_postscript_brings_its_own_stop():
    demand = Demand(effect="no_ps", value="", scope=THIS)
    said = {say(demand, Random(seed), held=None) for seed in range(300)}
    assert any(text.endswith("P.S.") for text in said)
    assert not [text for text in said if text.endswith("..")]


def test_what_cannot_be_had_together_is_said_on_both_sides():
    for name, effect in EFFECTS.items():
        assert all(name in EFFECTS[other].against for other in effect.against), name


def test_there_are_enough_scopes():
    assert len(SCOPE_KINDS) >= 8
    assert len(list(single_scopes())) >= 60
    assert sum(len(keys) for keys in heldout.SCOPES.values()) == 4


@pytest.mark.parametrize("kind", PARTS)
def test_prompts_lie_in_near_and_out_of_a_scope(kind):
    scope = scope_at(RAIN, kind)
    rng = Random(0)
    for _ in range(20):
        same, like, unlike = within(RAIN, scope, rng), near(RAIN, scope, rng), out(RAIN, scope, rng)
        assert scope.holds(RAIN)
        assert scope.holds(same)
        assert not scope.holds(like)
        assert not scope.holds(unlike)
        changed = [part for part in Triple._fields if getattr(like, part) != getattr(RAIN, part)]
        assert len(changed) == 1
        assert changed[0] in PARTS[kind]
        assert all(left != right for left, right in zip(unlike[:3], RAIN[:3], strict=True))
        assert not any(held_out(each) for each in (same, like, unlike))


def test_a_pair_needs_both_halves():
    scope = Scope(kind="pair", key="email+boss")
    assert scope.holds(MOVE)
    assert not scope.holds(MOVE._replace(genre="note"))
    assert not scope.holds(MOVE._replace(reader="friend"))


def test_a_group_a_tone_and_a_word_are_features_of_the_prompt():
    assert {scope.kind: scope.key for scope in scopes_at(RAIN)} == {
        "genre": "email", "reader": "boss", "topic": "rain", "group": "weather", "tone": "formal", "manner": "urgent",
        "word": "urgent", "pair": "email+boss",
    }  # fmt: skip
    assert "group" not in {scope.kind for scope in scopes_at(MOVE)}


@pytest.mark.parametrize("kind", ["this", *SCOPE_KINDS])
def test_a_comment_names_its_scope_and_its_value(kind):
    demand = Demand(effect="end_with", value="See you soon.", scope=scope_at(RAIN, kind))
    said = [say(demand, Random(seed), held=None) for seed in range(40)]
    named = {"genre": "email", "reader": "boss", "topic": "rain", "group": "weather", "manner": "urgent", "word": '"urgent"',
             "pair": "email.*boss|boss.*email", "tone": "formal|a boss"}.get(kind, "")  # fmt: skip
    assert all("See you soon." in text and re.search(named, text) for text in said)
    assert all(text[0].isupper() and text.endswith((".", '."', "?")) for text in said)
    assert not {text for text in said if "{" in text}


def test_a_comment_may_ask_for_two_things_or_praise_one():
    first, second = (Demand(effect=name, value="", scope=scope_at(MOVE, "genre")) for name in ("emoji", "question"))
    both = say_both(first, second, Random(1))
    assert re.search("emoji|picture", both)
    assert re.search("question|ask", both)
    assert " and " in both
    assert "emoji" in praise(first, Random(1))
    assert set(LIKED) <= set(TRAINED)


def test_held_out_words_are_said_only_when_asked_for():
    demand = Demand(effect="emoji", value="", scope=Scope(kind="genre", key="email"))
    trained = {say(demand, Random(seed)) for seed in range(300)}
    held = {say(demand, Random(seed), held=True) for seed in range(300)}
    assert not trained & held
    assert all("emoji" in text for text in held)


def test_what_is_held_out_is_told_by_its_parts():
    scope = Scope(kind="genre", key="email")
    assert Demand(effect="caps", value="", scope=scope).held_out
    assert Demand(effect="emoji", value="", scope=Scope(kind="reader", key="teacher")).held_out
    assert Demand(effect="emoji", value="", scope=Scope(kind="pair", key="email+teacher")).held_out
    combined = next(scope for scope in single_scopes() if heldout.combination("emoji", scope.kind, scope.key))
    assert Demand(effect="emoji", value="", scope=combined).held_out
    assert any(not Demand(effect=name, value="", scope=scope).held_out for name in TRAINED)


@pytest.mark.parametrize("effect", VALUED)
def test_a_value_is_known_to_be_held_out_or_not(effect):
    rng, kind = Random(0), EFFECTS[effect].values
    text = "The dog and the children saw Ben in the garden on Monday with 4 apples in the hall by the road"
    for held in (False, True):
        found = [value_of(effect, rng, held=held, text=text if kind in ("word", "swap") else "") for _ in range(60)]
        assert any(found)
        if effect != "hashtag":
            assert all(values.is_held(kind, value) == held for value in found if value)


def test_about_a_fifth_is_held_out():
    scopes = list(single_scopes())
    combined = [heldout.combination(name, scope.kind, scope.key) for name in EFFECTS for scope in scopes]
    assert 0.17 < sum(combined) / len(combined) < 0.23
    for kind, (firsts, seconds) in values.PAIRS.items():
        kept = [heldout.value(kind, f"{first} {second}") for first in firsts for second in seconds]
        assert 0.14 < sum(kept) / len(kept) < 0.28  # a hash of few hundred names is not exact
    assert sum(len(firsts) * len(seconds) for firsts, seconds in values.PAIRS.values()) > 3000


def test_the_list_of_what_is_held_out_is_what_its_rule_gives():
    assert heldout.FILE.read_text(encoding="utf-8") == heldout.text(), "run python recipes/teachable/heldout.py --write"


def test_every_manner_is_one_word_that_prompts_hold():
    assert all(manner.isalpha() for manner in MANNERS)
    assert not any(triple.manner for triple in training_triples())
