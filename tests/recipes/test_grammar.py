"""The world, its prompts and what somebody would write: wide enough, well formed, and the same for the same seed."""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random

import pytest
from recipes.teachable.compose import MOST, compose
from recipes.teachable.effects import count_sentences, has_greeting, has_sign_off, holds, is_well_formed
from recipes.teachable.plan import Plan, Sentence, insert, render
from recipes.teachable.prompts import WORDINGS as PROMPTS
from recipes.teachable.prompts import prompt, word
from recipes.teachable.words import LONG_FORMS, NAMES, SHORT_FORM, fill, long_forms, number_word
from recipes.teachable.world import (
    GENRES,
    GROUPS,
    MANNERS,
    READERS,
    Triple,
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
    assert len(GENRES) >= 10
    assert len(READERS) >= 12
    assert len(topics()) >= 60
    assert len(NAMES) == len(set(NAMES)) >= 100
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


def test_every_group_holds_topics_and_no_topic_is_in_two():
    grouped = [topic for group in GROUPS.values() for topic in group.topics]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) <= set(topics())
    assert all(len(group.topics) >= 3 for group in GROUPS.values())


def test_every_short_form_has_a_long_one():
    said = [text for topic in topics().values() for text in (*topic.facts, *topic.questions, *topic.asks, *topic.story)]
    said += [aside for reader in READERS.values() for aside in reader.asides]
    short = {word for text in said for word in re.findall(r"\b[A-Za-z]+'(?:m|s|ll|ve|re|d|t)\b", text)}
    assert short <= set(LONG_FORMS)
    assert not [text for text in said if re.search(r"\b(please|sorry|thank)", text, re.IGNORECASE)]


def test_about_eight_in_a_hundred_triples_are_held_out():
    assert 0.06 < len(held_out_triples()) / len(triples()) < 0.1
    assert not set(held_out_triples()) & set(training_triples())
    assert {triple.genre for triple in held_out_triples()} == set(GENRES)


def test_a_prompt_names_genre_reader_and_topic_in_every_wording():
    asked = [word(Triple("postcard", "sister", "garden"), wording, Random(0)).lower() for wording in PROMPTS]
    assert all("postcard" in text and "my sister" in text and "garden" in text for text in asked)
    assert len(set(asked)) == len(PROMPTS)


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


@pytest.mark.parametrize("manner", MANNERS)
def test_a_prompt_says_its_manner_by_name_and_others_do_not(manner):
    rng = Random(manner)
    for triple in rng.sample(triples(), 30):
        assert manner in prompt(triple._replace(manner=manner), rng).lower()
        assert not any(re.search(rf"\b{other}\b", prompt(triple, rng).lower()) for other in MANNERS)


def test_prompts_of_training_are_worded_otherwise_than_those_held_out():
    seen = {re.sub("[^?:]", "", prompt(MOVE, Random(seed), held=held)) for held in (False,) for seed in range(80)}
    assert seen
    held = {prompt(MOVE, Random(seed), held=True) for seed in range(40)}
    assert not held & {prompt(MOVE, Random(seed)) for seed in range(300)}


def test_a_message_has_at_most_three_sentences_and_a_short_one_two():
    rng = Random(4)
    for triple in rng.sample([triple for triple in triples() if triple.genre != "story"], 300):
        assert len(compose(triple, rng).sentences) <= MOST == 3
        assert len(compose(triple._replace(manner="short"), rng).sentences) <= 2


def test_plans_of_one_draw_are_alike_where_the_habits_are():
    note, other = compose(Triple("note", "sister", "move"), Random(5)), compose(Triple("note", "friend", "move"), Random(5))
    assert [sentence.text for sentence in note.sentences if sentence.kind == "fact"] == [
        sentence.text for sentence in other.sentences if sentence.kind == "fact"
    ]


def test_what_is_written_is_well_formed_and_babble_is_not():
    assert all(is_well_formed(render(each)) for each in drawn(800, seed=6))
    for babble in ("", " ", "Hi.", "...", "qwx zrt plo mnk.", "the the the the the the.", "Dear Ms. Park,", "- - - -"):
        assert not is_well_formed(babble), babble


def test_short_forms_are_gone_where_the_plan_has_none():
    for each in drawn(300, seed=7):
        assert not SHORT_FORM.search(render(replace(each, short_forms=False)))


def test_people_write_as_people_do():
    rng = Random(0)
    friendly = [
        Triple(genre, reader, topic)
        for genre in ("text-message", "postcard")
        for reader in ("friend", "sister")
        for topic in topics()
    ]
    texts = [render(compose(triple, rng)) for triple in friendly * 3]
    assert 0.35 < sum(holds("emoji", "", text) for text in texts) / len(texts) < 0.65
    every = [render(each) for each in drawn(1000)]
    assert 0.2 < sum("?" in text for text in every) / 1000 < 0.45
    assert 20 < sum(len(text.split()) for text in every) / 1000 < 26
    assert 0.4 < sum("!" in text for text in every) / 1000 < 0.7
    assert not [text for text in every if re.search(r"[@{}\[\]|#]|\.\.|  ", text)]
