"""What examples show, and which rule warns of it: just below a limit nothing is said, above it the rule's sentence."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from tests.contracts.method import examples

from sayso.evaluation import guards
from sayso.evaluation.settings import Gate
from sayso.methods.hindsight import Hindsight
from sayso.methods.refine_sft import RefineSft
from sayso.records import Check, Span
from sayso.training import signs, warnings
from sayso.training.rules import RULES, limit
from sayso.training.signs import look


def changed(number: int = 10, **fields: Any) -> list[Any]:
    """Return examples whose comments have other fields."""
    return [
        dataclasses.replace(item, comments=tuple(dataclasses.replace(said, **fields) for said in item.comments))
        for item in examples(number)
    ]


def refined(texts: list[str], **fields: Any) -> list[Any]:
    given = changed(len(texts), **fields)
    return [
        dataclasses.replace(item, refinement=dataclasses.replace(item.refinement, text=text))
        for item, text in zip(given, texts, strict=True)
    ]


def rules(given: list[Any], method: Any = None) -> set[str]:
    found = look(given)
    return {item.rule for item in (*warnings.of_edits(method or RefineSft(), given, found), *warnings.of_words(found))}


def test_good_examples_are_warned_of_nothing() -> None:
    assert rules(examples()) == set()


def test_refinements_that_are_longer_teach_length_unless_a_check_asks_for_it() -> None:
    longer = ["It ran far away into the woods and fields"] * 3  # 3 to 5 words before
    assert look(refined(longer)).length_ratio == pytest.approx(27 / 12)
    assert rules(refined(longer)) == {"longer"}
    assert rules(refined(["It"] * 3)) == {"longer"}
    assert rules(refined(longer, check=Check(name="min_words", args={"n": 9}))) == set()
    assert rules(refined(longer), Hindsight()) == set()  # refinements are not learnt there


def test_repeating_five_words_of_a_comment_is_copying_and_quoted_words_are_meant() -> None:
    said = "Please say who it was that ran"
    copy = ["Say who it was that ran"] + ["It ran far"] * 3
    assert look(refined(copy, text=said)).copied == 0.25
    assert "copied" in rules(refined(copy, text=said))
    assert look(refined(copy, text='Begin with "say who it was that ran"')).copied == 0
    assert look(refined(copy, text="Say who it was")).copied == 0  # four words are no copy


def test_copying_is_counted_as_the_gate_counts_it() -> None:
    assert signs.COPIED_WORDS == guards.COPIED_WORDS
    assert limit("copied") == Gate().copying_margin


def test_a_comment_on_one_response_that_holds_its_refinement_leaks_the_answer() -> None:
    leak = refined(["The capital is Paris."] * 2, text="Wrong: the capital is Paris, not Rome.")
    assert len(look(leak).leaking) == 2
    assert "leaked" in rules(leak)
    standing = [
        dataclasses.replace(item, comments=tuple(dataclasses.replace(said, reach="always") for said in item.comments))
        for item in leak
    ]
    assert not look(standing).leaking


def test_a_comment_on_one_response_that_names_what_its_check_looks_for_leaks_the_answer() -> None:
    assert look(changed(1, text="It is 42.", check=Check(name="contains", args={"text": "42"}))).leaking
    assert not look(changed(1, text="Count again.", check=Check(name="contains", args={"text": "42"}))).leaking


def test_spans_that_mark_most_of_a_response_point_at_nothing() -> None:
    whole = [
        dataclasses.replace(
            item,
            comments=tuple(
                dataclasses.replace(said, spans=(Span(start=0, end=len(item.response.text), quote=item.response.text),))
                for said in item.comments
            ),
        )
        for item in examples()
    ]
    assert look(whole).span_coverage == 1
    assert rules(whole) == {"wide_spans"}
    assert look(examples()).spanned == 1
    assert look(examples()).span_coverage < limit("wide_spans")


def test_examples_said_twice_are_named_whatever_their_ids() -> None:
    given = examples(4)
    other = dataclasses.replace(given[0], prompt=dataclasses.replace(given[0].prompt, id="another"))
    found = look([*given, other])
    assert found.duplicates == (other,)
    assert any("another" in item.sentence for item in warnings.of_words(found))


def test_a_model_that_does_not_follow_is_a_poor_teacher() -> None:
    assert warnings.of_competence(None, 0) == []
    assert warnings.of_competence(limit("low_competence"), 24) == []
    (found,) = warnings.of_competence(0.1, 24)
    assert found.rule == "low_competence"
    assert "10% of 24" in found.sentence


def test_answers_within_the_skipped_tokens_are_named(tiny: Any) -> None:
    given = examples(3)
    given[1] = dataclasses.replace(given[1], response=dataclasses.replace(given[1].response, text="A"))
    method = Hindsight()
    (short,) = warnings.without_rest(method, list(method.rows(given, tiny)))
    assert given[1].prompt.id in short.label
    assert warnings.without_rest(RefineSft(), list(RefineSft().rows(given, tiny))) == []


def test_every_limit_has_a_source() -> None:
    assert [name for name, rule in RULES.items() if rule.limit is not None and not rule.source] == []
    assert [name for name, rule in RULES.items() if not rule.stops and rule.limit is None] == []
