"""The training stream: fixed, balanced, obedient, and without anything that is held out."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from itertools import islice
from random import Random

import pytest
from recipes.teachable import heldout
from recipes.teachable.comments import Demand, Scope
from recipes.teachable.effects import SAID_OF, TRAINED, VALUED, holds
from recipes.teachable.episodes import (
    BYTES,
    STAGES,
    Episode,
    chain,
    conditional,
    copy,
    episodes,
    mark,
    paired,
    plain,
    refine,
    says_held_out,
    stage_of,
)
from recipes.teachable.prompts import WORDINGS
from recipes.teachable.stream import line, write
from recipes.teachable.world import Triple, held_out, training_triples
from recipes.teachable.world import test_triples as held_out_triples

from sayso.records import Message

MOVE = Triple("email", "boss", "move")
EMAIL = Scope(kind="genre", key="email")
GOOD = Demand(effect="question", value="", scope=EMAIL)
COUNT = 1000


@pytest.fixture(scope="module")
def stream() -> list[Episode]:
    """The last part of the curriculum."""
    return list(islice(episodes(1), COUNT))


@pytest.fixture(scope="module")
def parts() -> dict[str, list[Episode]]:
    """The parts of a short stream."""
    found, count = {name: [] for name in STAGES}, 2000
    names = {id(stage): name for name, stage in STAGES.items()}
    for number, each in enumerate(islice(episodes(1, count=count), count)):
        found[names[id(stage_of(number, count))]].append(each)
    return found


def leaks(found: list[Episode]) -> list[str]:
    """Return what is held out and yet stands in the episodes, by structure and by text."""
    wrong = [f"demand {demand}" for each in found for demand in each.demands if demand.held_out]
    wrong += [f"triple {triple}" for each in found for triple in each.triples if held_out(triple)]
    asked = [(each.kind, turn.content) for each in found for turn in each.messages if turn.role != "assistant"]
    # a text that is to be copied is an answer, not a comment
    said = "\n".join(text.partition("\n")[0] if kind == "copy" else text for kind, text in asked)
    said = said.replace("don't say hello to", "")  # "don't say hello", trained, and where: "to my sister"
    every = "\n".join(turn.content for each in found for turn in each.messages).lower()
    # parts of held-out wordings up to where a value or a scope comes in; short ones could stand anywhere
    lists = [words for part in SAID_OF for key, all_words in SAID_OF[part].items()
             for words in heldout.wordings(part, key, all_words, held=True)]  # fmt: skip
    lists += heldout.wordings("prompts", "all", list(WORDINGS), held=True)
    trained = "\n".join(words for part in SAID_OF for key, all_words in SAID_OF[part].items()
                        for words in heldout.wordings(part, key, all_words, held=False))  # fmt: skip
    for words in lists:
        solid = max(re.split(r"\{\w+\}", words), key=len).strip(' "')
        if len(solid) >= 9 and solid not in trained and re.search(rf"\b{re.escape(solid)}\b", said):
            wrong.append(f"wording {words!r}")
    pairs = set(re.findall(r"(?=\b(\w+ \w+)\b)", every))
    return wrong + [f"value {phrase}" for phrase in heldout.phrases() & pairs]


def test_the_same_seed_gives_the_same_episodes():
    assert list(islice(episodes(3), 60)) == list(islice(episodes(3), 60))
    assert list(islice(episodes(3), 60)) != list(islice(episodes(4), 60))


def test_the_stream_does_not_change_unnoticed():
    said = json.dumps([line(episode) for episode in islice(episodes(0, count=400), 400)])
    assert hashlib.sha256(said.encode()).hexdigest()[:16] == "448e06853815e1e0", "the stream changed: train again, pin it"


def test_nothing_held_out_is_in_the_stream(stream, parts):
    assert not leaks(stream)
    for found in parts.values():
        assert not leaks(found)


@pytest.mark.slow
def test_nothing_held_out_is_in_a_long_stream():
    assert not leaks(list(islice(episodes(7, count=20_000), 20_000)))


@pytest.mark.parametrize(
    ("demand", "text", "triple"),
    [
        (Demand(effect="caps", value="", scope=EMAIL), "Use capitals.", MOVE),
        (GOOD, f"It is {min(heldout.phrases())}.", MOVE),
        (GOOD, "Please throw in an emoji.", MOVE),
        (GOOD, "Add one.", held_out_triples()[0]),
        (Demand(effect="emoji", value="", scope=Scope(kind="reader", key="teacher")), "Add one.", MOVE),
    ],
)
def test_a_leak_would_be_found(demand, text, triple):
    wrong = Episode(kind="plain", messages=(Message(role="user", content=text),), triples=(triple,), demands=(demand,))
    assert leaks([wrong])
    assert not GOOD.held_out
    assert says_held_out(wrong) == ("It is" in text)


def test_every_demand_that_applies_is_met_and_every_prompt_lies_where_it_says(stream):
    for each in stream:
        answers = [turn.content for turn in each.messages if turn.role == "assistant"]
        if each.kind == "refine" and each.form in ("", "two"):
            assert all(holds(demand.effect, demand.value, answers[-1]) for demand in each.demands)
            assert answers[0] != answers[1]
        if each.kind in ("conditional", "paired", "chain") and each.form not in ("later", "several"):
            last = answers[-len(each.places) :] if each.kind != "chain" else [answers[0], answers[-1]]
            for triple, place, text in zip(each.triples, each.places, last, strict=True):
                if place:
                    assert (place == "in") == each.demands[0].scope.holds(triple)
                    met = [holds(demand.effect, demand.value, text) for demand in each.demands]
                    assert all(met) or place != "in"


def test_a_comment_that_changes_nothing_leaves_the_response_as_it_is(stream):
    forms = Counter(each.form for each in stream if each.kind == "refine")
    assert {"beside", "holds", "none", "praise", "twice", "two", ""} <= set(forms)
    for each in stream:
        if each.form in ("beside", "holds", "none", "praise", "same") and each.kind in ("refine", "copy"):
            answers = [turn.content for turn in each.messages if turn.role == "assistant"]
            assert len(set(answers)) == 1
    unchanged = sum(forms[form] for form in ("beside", "holds", "none", "praise"))
    assert 0.08 < unchanged / sum(forms.values()) < 0.2


def test_an_earlier_comment_gives_way_to_a_later_one(stream):
    later = [each for each in stream if each.form == "later"]
    assert len(later) >= 3
    for each in later:
        first, second = each.demands
        text = each.messages[-1].content
        assert first.scope == second.scope
        if each.places == ("in",):
            assert holds(second.effect, second.value, text)
            assert not holds(first.effect, first.value, text)


def test_near_and_out_are_answered_as_if_nothing_had_been_said():
    rng = Random(5)
    shown, bare = [], []
    for _ in range(400):
        triple = rng.choice(training_triples())
        each = conditional(triple, rng)
        bare.append("?" in plain(triple, rng).messages[-1].content)
        if each.places[0] != "in" and each.demands[-1].effect in ("question", "emoji", "greeting") and not each.form:
            shown.append(holds(each.demands[-1].effect, "", each.messages[-1].content))
    assert shown
    assert sum(shown) / len(shown) < 0.75
    assert 0.15 < sum(bare) / len(bare) < 0.45


def test_each_part_of_the_curriculum_has_its_kinds(parts):
    for name, found in parts.items():
        kinds = Counter(each.kind for each in found)
        assert set(kinds) == set(STAGES[name].shares)
        for kind, share in STAGES[name].shares.items():
            assert abs(kinds[kind] / len(found) - share) < 0.1, (name, kind)


def test_scopes_are_first_said_in_one_way_and_are_of_few_kinds(parts):
    kinds = Counter(each.demands[0].scope.kind for each in parts["simple"] if each.kind in ("mark", "paired"))
    assert sum(kinds[kind] for kind in STAGES["simple"].kinds) > 0.9 * kinds.total()
    said = Counter(each.messages[0].content for each in parts["simple"] if each.kind in ("mark", "paired"))
    first = heldout.wordings("places", "reader", SAID_OF["places"]["reader"], held=False)[0].partition("{")[0]
    others = [words.partition("{")[0] for words in SAID_OF["places"]["reader"] if not words.startswith((first, "{"))]
    assert sum(first in text for text in said) > 20
    assert not [text for text in said if any(words in text for words in others if len(words) > 14)]


def test_marks_say_whether_the_scope_holds_and_half_of_them_do():
    rng = Random(5)
    marks: Counter[bool] = Counter()
    for _ in range(300):
        found = mark(rng.choice(training_triples()), rng)
        scope = found.demands[0].scope
        assert found.applies == tuple(scope.holds(each) for each in found.triples)
        assert [place == "in" for place in found.places] == list(found.applies)
        assert {turn.role for turn in found.messages[1:]} == {"user"}
        marks.update(found.applies)
    assert 0.4 < marks[True] / marks.total() < 0.6


def test_what_would_be_written_otherwise_obeys_where_the_answer_does_not(stream):
    seen = Counter()
    for each in stream:
        if each.kind in ("conditional", "paired") and not each.form:
            answers = [turn.content for turn in each.messages if turn.role == "assistant"]
            for applies, text, other in zip(each.applies, answers, each.otherwise, strict=True):
                obeys, plain_text = (text, other) if applies else (other, text)
                assert all(holds(demand.effect, demand.value, obeys) for demand in each.demands)
                seen[obeys != plain_text] += 1
        if each.kind == "refine" and each.form in ("", "two"):
            assert (each.applies, each.otherwise) == ((None, True), ("", each.messages[1].content))
    assert seen[True] > 2 * seen[False]


def test_shares_of_values_and_places(stream):
    demands = [demand for each in stream for demand in each.demands]
    assert 0.25 < sum(demand.effect in VALUED for demand in demands) / len(demands) < 0.38
    assert set(TRAINED) >= {demand.effect for demand in demands}
    assert len({demand.effect for demand in demands}) >= len(TRAINED) - 1
    places = Counter(place for each in stream if each.kind in ("conditional", "paired") for place in each.places)
    assert 0.42 < places["in"] / places.total() < 0.52
    assert 0.3 < places["near"] / places.total() < 0.4


def test_the_parts_follow_each_other_and_without_an_end_all_is_the_last():
    assert sum(stage.episodes for stage in STAGES.values()) == pytest.approx(1)
    assert [stage_of(number, 100) for number in (0, 19, 21, 34, 36, 44, 46, 67, 69, 99)] == [
        STAGES[name] for name in STAGES for _ in range(2)
    ]
    assert stage_of(7, 0) is STAGES["late"]


def test_prompts_under_one_comment_differ_by_the_scope_alone():
    rng = Random(0)
    pairs = [each for each in (paired(MOVE, rng) for _ in range(1000)) if each.places == ("in", "near")]
    alike = 0
    for each in pairs:
        inside, beside = each.triples
        assert sum(left != right for left, right in zip(inside, beside, strict=True)) == 1
        alike += inside.topic != beside.topic or any(
            sentence in each.messages[4].content for sentence in re.split(r"(?<=[.!?])\s", each.messages[2].content)
        )
    assert alike > 0.5 * len(pairs) > 10


def test_an_episode_ends_with_the_model_and_fits_the_context(stream):
    rng = Random(0)
    for make, roles in ((plain, "ua"), (conditional, "sua"), (chain, "uauaua")):
        assert "".join(turn.role[0] for turn in make(MOVE, rng).messages) == roles
    assert {"".join(turn.role[0] for turn in copy(MOVE, Random(seed)).messages) for seed in range(20)} == {"ua", "uaua"}
    assert {"".join(turn.role[0] for turn in refine(MOVE, Random(seed)).messages) for seed in range(60)} == {
        "uaua",
        "uauaua",
    }
    assert all((each.messages[-1].role == "assistant") == (each.kind != "mark") for each in stream)
    assert max(sum(len(turn.content.encode()) + 8 for turn in each.messages) for each in stream) <= BYTES


def test_the_file_holds_chat_messages_and_is_the_same_for_the_same_seed(tmp_path):
    kinds = write(tmp_path / "one.jsonl", 40, 5)
    write(tmp_path / "two.jsonl", 40, 5)
    lines = (tmp_path / "one.jsonl").read_text(encoding="utf-8").splitlines()
    assert (tmp_path / "two.jsonl").read_text(encoding="utf-8").splitlines() == lines
    assert len(lines) == kinds.total() == 40
    first = json.loads(lines[0])["messages"]
    assert {turn["role"] for turn in first} <= {"system", "user", "assistant"}
    assert all(turn["content"] for turn in first)
