"""The grammar of the teachable model: same seed, same text; comments are obeyed; what is held out stays out."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice
from random import Random

import pytest
from recipes.teachable.comments import SCOPE_KINDS, Demand, Scope, near, out, say, scope_at, value_of
from recipes.teachable.compose import compose
from recipes.teachable.effects import EFFECTS, WORDINGS, count_sentences, has_greeting, has_sign_off, holds, obey
from recipes.teachable.episodes import conditional, episodes, plain, refine
from recipes.teachable.plan import Plan, Sentence, insert, render
from recipes.teachable.prompts import WORDINGS as PROMPTS
from recipes.teachable.prompts import word
from recipes.teachable.words import LONG_FORMS, fill, long_forms, number_word
from recipes.teachable.world import (
    GENRES,
    READERS,
    Triple,
    held_out,
    topics,
    training_triples,
    triples,
)  # fmt: skip
from recipes.teachable.world import (
    test_triples as held_out_triples,
)

MOVE = Triple("email", "boss", "move")


def plan(*sentences: Sentence, **parts: object) -> Plan:
    return Plan(triple=MOVE, reader="Ms. Park", sentences=sentences, **parts)  # type: ignore[arg-type]


def fact(text: str, **parts: object) -> Sentence:
    return Sentence(text=text, kind="fact", **parts)  # type: ignore[arg-type]


def drawn(count: int, seed: int = 0) -> list[Plan]:
    rng = Random(seed)
    return [compose(rng.choice(triples()), rng) for _ in range(count)]


def test_the_world_is_wide_enough():
    assert len(GENRES) >= 9
    assert len(READERS) >= 10
    assert len(topics()) >= 30
    assert len(PROMPTS) == len(set(PROMPTS)) >= 8
    assert len(triples()) == len(set(triples())) == len(GENRES) * len(READERS) * len(topics())


@pytest.mark.parametrize("key", topics())
def test_every_topic_says_enough(key):
    topic = topics()[key]
    assert [len(topic.facts), len(topic.questions), len(topic.asks), len(topic.thanks), len(topic.story)] == [6, 3, 3, 2, 4]
    said = (*topic.facts, *topic.questions, *topic.asks, *topic.thanks, *topic.story, topic.sorry, *topic.phrases)
    rng = Random(0)
    filled = [fill(text, rng, hero="Ana") for text in said]
    assert not [text for text in filled if re.search(r"[\[\]|@{}]|[.!?]$|\d(?!\d*#)", text)]
    assert topic.mood in ("glad", "plain", "grave")


def test_the_same_seed_gives_the_same_episodes():
    assert list(islice(episodes(3), 60)) == list(islice(episodes(3), 60))
    assert list(islice(episodes(3), 60)) != list(islice(episodes(4), 60))


def test_about_eight_in_a_hundred_triples_are_held_out():
    assert 0.06 < len(held_out_triples()) / len(triples()) < 0.1
    assert not set(held_out_triples()) & set(training_triples())
    assert {triple.genre for triple in held_out_triples()} == set(GENRES)


def test_no_episode_asks_for_a_held_out_triple():
    assert not any(held_out(triple) for episode in islice(episodes(0), 1500) for triple in episode.triples)


def test_a_prompt_names_genre_reader_and_topic_in_every_wording():
    asked = [word(Triple("postcard", "sister", "garden"), wording, Random(0)).lower() for wording in PROMPTS]
    assert all("postcard" in text and "my sister" in text and "garden" in text for text in asked)
    assert len(set(asked)) == len(PROMPTS)


@pytest.mark.parametrize("effect", EFFECTS)
def test_an_edited_plan_passes_the_check_of_its_comment(effect):
    rng = Random(effect)
    failed = []
    for each in drawn(400, seed=1):
        value = value_of(effect, rng)
        if each.triple.genre not in EFFECTS[effect].not_for and not holds(effect, value, render(obey(effect, value, each))):
            failed.append((value, render(each)))
    assert not failed


@pytest.mark.parametrize("effect", EFFECTS)
def test_a_check_holds_for_some_text_and_fails_for_some(effect):
    rng = Random(0)
    found = {holds(effect, value := value_of(effect, rng), text) for each in drawn(150) for text in (render(each),)}
    found |= {holds(effect, value, render(obey(effect, value, drawn(1)[0])))}
    assert found == {True, False}


def test_an_edit_of_a_plan_that_obeys_already_changes_nothing():
    assert all(obey("no_bullets", "", each) is each for each in drawn(60) if each.layout != "bullets")


def test_an_edit_leaves_the_other_words_alone():
    before = plan(fact("The report has #20# pages", mark="!"), greeting="Dear", sign_off="Yours", name="Tina")
    after = obey("calm", "", before)
    assert render(before) == "Dear Ms. Park,\nThe report has 20 pages!\nYours,\nTina"
    assert render(after) == "Dear Ms. Park,\nThe report has 20 pages.\nYours,\nTina"


def test_the_end_stands_last_with_and_without_a_sign_off():
    loose = plan(fact("It rains"), end="See you soon.")
    assert render(loose) == "It rains. See you soon."
    assert render(replace(loose, sign_off="Love")) == "It rains.\nLove,\nSee you soon."


def test_the_start_stands_first():
    assert render(plan(fact("It rains"), start="Note:", greeting="Dear")) == "Note: Dear Ms. Park,\nIt rains."


def test_facts_become_bullets_and_other_sentences_stay_together():
    opening, close = Sentence(text="News", kind="open"), Sentence(text="bye", kind="close")
    text = render(plan(opening, fact("one"), fact("two", emoji="🙂"), close, layout="bullets"))
    assert text == "News.\n- One.\n- Two. 🙂\nBye."
    assert render(insert(plan(fact("b")), 0, fact("a"))) == "A. B."


def test_short_forms_and_numbers_are_written_as_the_plan_says():
    text = render(plan(fact("it's #40# miles, isn't it", mark="?"), short_forms=False, digits=False))
    assert text == "It is forty miles, is not it?"
    assert not set(LONG_FORMS) & set(long_forms(" ".join(LONG_FORMS)).split())
    assert [number_word(number) for number in (2, 13, 20, 90, 100, 900)] == [
        "two",
        "thirteen",
        "twenty",
        "ninety",
        "one hundred",
        "nine hundred",
    ]


def test_a_greeting_a_sign_off_and_sentences_are_told_apart():
    text = "Subject: Our move\nDear Ms. Park,\nMr. Hall is here. Is it late?\nKind regards,\nTina\nP.S. Bring the map."
    assert has_greeting(text)
    assert has_sign_off(text)
    assert count_sentences(text) == 2
    assert not has_greeting("It rains, they say.")
    assert not has_sign_off("Dear Ms. Park,\nIt rains.")


def test_near_differs_in_the_scope_alone_and_out_in_everything():
    scope = Scope(kind="genre", key="email")
    rng = Random(0)
    for _ in range(20):
        like, unlike = near(MOVE, scope, rng), out(MOVE, scope, rng)
        assert like[1:] == MOVE[1:]
        assert like.genre != "email"
        assert all(left != right for left, right in zip(unlike, MOVE, strict=True))


@pytest.mark.parametrize("kind", ["this", *SCOPE_KINDS])
def test_a_comment_names_its_scope_and_its_value(kind):
    demand = Demand(effect="end_with", value="See you soon.", scope=scope_at(MOVE, kind))
    said = [say(demand, Random(seed)) for seed in range(20)]
    named = {"genre": "email", "reader": "boss", "topic": "move|flat"}.get(kind, "")
    assert all("See you soon." in text and re.search(named, text) for text in said)
    assert all(text[0].isupper() and text.endswith((".", '."')) for text in said)


def test_every_effect_can_be_asked_for():
    assert set(WORDINGS) == set(EFFECTS)


def test_a_refinement_shows_what_its_comment_asks_for_and_a_comment_from_elsewhere_changes_nothing():
    rng = Random(0)
    same = 0
    for _ in range(300):
        _, response, _, refinement = refine(rng.choice(training_triples()), rng).messages
        same += response.content == refinement.content
    assert 0 < same < 60


def test_an_episode_ends_with_the_model():
    rng = Random(0)
    for make, roles in ((plain, "ua"), (conditional, "sua"), (refine, "uaua")):
        assert "".join(turn.role[0] for turn in make(MOVE, rng).messages) == roles


def test_half_of_the_rows_are_plain():
    kinds = [episode.kind for episode in islice(episodes(0), 1000)]
    assert 440 < kinds.count("plain") < 560


def test_people_write_as_people_do():
    rng = Random(0)
    friendly = [
        Triple(genre, reader, topic)
        for genre in ("text-message", "postcard")
        for reader in ("friend", "sister")
        for topic in topics()
    ]
    texts = [render(compose(triple, rng)) for triple in friendly * 3]
    assert 0.4 < sum(holds("emoji", "", text) for text in texts) / len(texts) < 0.65
    every = [render(each) for each in drawn(1000)]
    assert 0.25 < sum("?" in text for text in every) / 1000 < 0.45
    assert 0.4 < sum("!" in text for text in every) / 1000 < 0.7
    assert not [text for text in every if re.search(r"[@{}\[\]|#]|\.\.|  ", text)]
