"""Two people, or one person twice, on the same thing: nobody overwrites another unseen, and no words are lost."""

from __future__ import annotations

import pytest

from sayso.errors import ConflictError
from sayso.records import Response, ask
from sayso.store import review
from sayso.store.database import Store
from sayso.store.review import CommentForm, Reviewer

RESPONSE = Response(prompt=ask("Where are my keys?"), text="I do not know where they are.", version="v1")


@pytest.fixture
def people(store: Store) -> tuple[Reviewer, Reviewer, Reviewer]:
    store.add_responses([RESPONSE])
    leads = review.add_reviewer(store, "Ann", "lead"), review.add_reviewer(store, "Eve", "lead")
    return *leads, review.add_reviewer(store, "Bob", "reviewer")


def say(store: Store, who: Reviewer, text: str, key: str = "") -> str:
    return review.save_comment(store, who, CommentForm(text=text, response_id=RESPONSE.id, key=key)).id


def test_who_withdraws_what_was_edited_meanwhile_is_told_so(store: Store, people: tuple[Reviewer, ...]) -> None:
    ann, _eve, bob = people
    first = say(store, bob, "Too vague.")
    newer = review.edit_comment(store, bob, first, {"text": "Too vague about the keys."})
    with pytest.raises(ConflictError) as told:
        review.withdraw_comment(store, ann, first)  # what Ann's page still shows
    assert told.value.fields["newer"] == newer.id
    assert [comment.text for comment in store.comments()] == ["Too vague about the keys."]
    review.withdraw_comment(store, ann, newer.id)
    assert store.comments() == []


def test_an_edit_can_still_be_undone_and_done_again(store: Store, people: tuple[Reviewer, ...]) -> None:
    _ann, _eve, bob = people
    first = say(store, bob, "Too vague.")
    newer = review.edit_comment(store, bob, first, {"text": "Much too vague."})
    review.withdraw_comment(store, bob, newer.id)
    assert review.reopen_comment(store, bob, first).status == "open"
    review.withdraw_comment(store, bob, first)
    assert store.comments() == []


def test_two_who_edit_one_comment_do_not_overwrite_each_other(store: Store, people: tuple[Reviewer, ...]) -> None:
    ann, _eve, bob = people
    first = say(store, bob, "Too vague.")
    mine = review.edit_comment(store, bob, first, {"text": "Bob's words."}, key="b")
    with pytest.raises(ConflictError) as told:
        review.edit_comment(store, ann, first, {"text": "Ann's words."}, key="a")
    assert told.value.fields["newer"] == mine.id
    review.edit_comment(store, ann, mine.id, {"text": "Ann's words."}, key="a")  # the same key, on what holds now
    assert {comment.text: comment.status for comment in store.comments(status=None)} == {
        "Too vague.": "superseded", "Bob's words.": "superseded", "Ann's words.": "open",
    }  # fmt: skip


def test_an_edit_typed_on_under_its_key_is_not_taken_for_the_first_one(store: Store, people: tuple[Reviewer, ...]) -> None:
    _ann, _eve, bob = people
    first = say(store, bob, "Too vague.")
    edited = review.edit_comment(store, bob, first, {"text": "Vague."}, key="e")
    assert review.edit_comment(store, bob, first, {"text": "Vague."}, key="e") == edited
    with pytest.raises(ConflictError):
        review.edit_comment(store, bob, first, {"text": "Vague, and rude."}, key="e")
    again = review.edit_comment(store, bob, edited.id, {"text": "Vague, and rude."}, key="e")
    assert (again.text, again.supersedes) == ("Vague, and rude.", (edited.id,))


def test_a_lead_does_not_overwrite_the_decision_of_another_unseen(store: Store, people: tuple[Reviewer, ...]) -> None:
    ann, eve, bob = people
    review.set_verdict(store, ann, RESPONSE.id, "good")
    review.set_verdict(store, bob, RESPONSE.id, "bad")
    review.adjudicate(store, ann, RESPONSE.id, "bad", "it does not help")
    with pytest.raises(ConflictError, match=r"Ann.*it does not help"):
        review.adjudicate(store, eve, RESPONSE.id, "good", "it is honest")
    review.adjudicate(store, eve, RESPONSE.id, "bad", "so do I say")
    review.adjudicate(store, eve, RESPONSE.id, "good", "it is honest")  # one's own can be changed
    review.adjudicate(store, ann, RESPONSE.id, "bad", "we talked", again=True)
    decided = [event.payload["verdict"] for event in store.events() if event.kind == "response.adjudicated"]
    assert decided == ["bad", "bad", "good", "bad"]


def test_a_choice_with_the_sides_changed_is_one_choice(store: Store, people: tuple[Reviewer, ...]) -> None:
    _ann, _eve, bob = people
    other = Response(prompt=RESPONSE.prompt, text="On the table.", version="v2")
    store.add_responses([other])
    review.save_choice(store, bob, RESPONSE.id, other.id, "left")
    review.save_choice(store, bob, other.id, RESPONSE.id, "left")
    found = review.choices_between(store, "v1", "v2")
    assert (found.a, found.b) == (0, 1)


def test_drafts_and_verdicts_of_two_people_stand_beside_each_other(store: Store, people: tuple[Reviewer, ...]) -> None:
    ann, _eve, bob = people
    for who in (ann, bob):
        review.save_draft(store, who, RESPONSE.id, {"text": who.name})
        review.set_verdict(store, who, RESPONSE.id, "good" if who is ann else "bad")
    review.delete_draft(store, ann, RESPONSE.id)
    assert review.detail(store, RESPONSE.id, bob.id).draft == {"text": "Bob"}
    assert {row.reviewer: row.verdict for row in review.ratings(store)} == {"Ann": "good", "Bob": "bad"}


def test_a_guideline_written_on_an_older_one_is_given_back_with_the_newer(
    store: Store, people: tuple[Reviewer, ...]
) -> None:
    ann, eve, _bob = people
    review.set_guideline(store, ann, "Be kind.", 0)
    with pytest.raises(ConflictError) as told:
        review.set_guideline(store, eve, "Be brief.", 0)
    assert (told.value.fields["text"], told.value.fields["seq"]) == ("Be kind.", 1)
