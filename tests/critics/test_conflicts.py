"""Comments that cannot both be met are found, and comments that can are left alone."""

from __future__ import annotations

from typing import Any

import pytest

from sayso.critics.conflicts import apply_together, contradict, contradictory, refuse
from sayso.errors import PreflightError
from sayso.records import Check, Comment, Probe, Response, ask


def check(name: str, **args: Any) -> Check:
    return Check(name=name, args=args)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (check("contains", text="please"), check("excludes", text="Please")),
        (check("contains", text=["hello", "dear Ann"]), check("excludes", text="dear")),
        (check("starts_with", text="Well,"), check("starts_with", text="Hello")),
        (check("ends_with", text="Best."), check("ends_with", text="Cheers")),
        (check("starts_with", text="Why?"), check("not_question")),
        (check("starts_with", text="Well,", case=True), check("lowercase")),
        (check("contains", text="one two three"), check("max_words", n=2)),
        (check("equals", text="Yes."), check("min_words", n=2)),
        (check("max_words", n=5), check("min_words", n=6)),
        (check("has_emoji"), check("no_emoji")),
        (check("ends_with_question"), check("not_question")),
        (check("bullets"), check("no_bullets")),
        (check("all_of", checks=[{"name": "max_sentences", "args": {"n": 1}}]), check("min_sentences", n=2)),
    ],
)
def test_checks_that_no_text_meets_contradict_either_way(one: Check, other: Check) -> None:
    assert contradict(one, other)
    assert contradict(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (check("contains", text="please"), check("excludes", text="thanks")),
        (check("contains", text="pleased"), check("excludes", text="please")),
        (check("starts_with", text="Well,"), check("starts_with", text="well")),
        (check("starts_with", text=["Well", "Hello"]), check("starts_with", text="Hello, you")),
        (check("starts_with", text="Well"), check("lowercase")),
        (check("starts_with", text="Hello"), check("ends_with", text="Best.")),
        (check("max_words", n=5), check("min_words", n=5)),
        (check("max_words", n=5), check("max_words", n=9)),
        (check("any_of", checks=[{"name": "has_emoji"}, {"name": "bullets"}]), check("no_emoji")),
        (check("os.path:isabs"), check("no_emoji")),
    ],
)
def test_checks_that_some_text_meets_do_not(one: Check, other: Check) -> None:
    assert not contradict(one, other)
    assert not contradict(other, one)


def said(text: str, check: Check, **fields: Any) -> Comment:
    return Comment(text=text, id=text, check=check, **fields)


YES, NO = check("has_emoji"), check("no_emoji")


def test_comments_apply_together_on_one_response_on_one_scope_and_where_both_always_do() -> None:
    response = Response(prompt=ask("Tell me."), text="It ran.")
    probe = (Probe(prompt=ask("a"), scope="in"),)
    assert apply_together(said("a", YES), said("b", NO))
    assert apply_together(said("a", YES, scope_text="letters"), said("b", NO, scope_text="Letters"))
    assert apply_together(said("a", YES, scope_text="x", probes=probe), said("b", NO, scope_text="y", probes=probe))
    assert apply_together(said("a", YES, response=response), said("b", NO, response=response))
    assert not apply_together(said("a", YES), said("b", NO, scope_text="letters"))
    assert not apply_together(said("a", YES, response=response), said("b", NO))


def test_the_same_check_praised_and_blamed_on_one_response_contradicts() -> None:
    response = Response(prompt=ask("Tell me."), text="It ran.")
    blamed = said("no emoji!", NO, response=response)
    praised = said("good that there are none", NO, response=response, kind="keep")
    assert contradictory([blamed, praised]) == [(blamed, praised)]
    assert contradictory([blamed, said("again", NO, response=response)]) == []


def test_the_pairs_are_named() -> None:
    refuse([])
    with pytest.raises(PreflightError, match=r"1 pairs .*: a \(a\) / b \(b\); withdraw one"):
        refuse(contradictory([said("a", YES), said("b", NO)]))
