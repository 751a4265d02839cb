"""Who may come in, as whom, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from tests.store.people import RESPONSE, ann, bob

from sayso.errors import NotAllowedError, NotFoundError, RecordError
from sayso.store import review
from sayso.store.database import Store


def later(store: Store, days: float) -> None:
    """Let time pass."""
    store.clock = (datetime(2026, 1, 31, tzinfo=UTC) + timedelta(days=days)).isoformat


def test_a_person_is_there_once_added(store: Store) -> None:
    person = review.add_reviewer(store, " Ann 安 ", "lead")
    assert (person.name, person.role, person.active, person.language) == ("Ann 安", "lead", True, None)
    assert review.reviewers(store) == [person] == [review.reviewer(store, person.id)]
    assert [event.kind for event in store.events()] == ["reviewer.added"]


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 81, "\x00"])
def test_a_name_that_cannot_be_shown_is_refused(store: Store, name: str) -> None:
    with pytest.raises(RecordError, match="expected 1 to 80 characters"):
        review.add_reviewer(store, name, "reviewer")


def test_a_name_belongs_to_one_person(store: Store) -> None:
    review.add_reviewer(store, "Ann", "reviewer")
    with pytest.raises(RecordError, match="'Ann' is taken"):
        review.add_reviewer(store, "Ann ", "lead")


def test_the_owner_is_made_once_and_a_lead_again_at_every_start(store: Store) -> None:
    first = review.ensure_reviewer(store, "me", "reviewer")
    assert review.ensure_reviewer(store, "me", "reviewer") == first
    review.deactivate(store, first.id)
    again = review.ensure_reviewer(store, "me", "lead")
    assert (again.id, again.role, again.active) == (first.id, "lead", True)


def test_a_session_says_who_is_asking_until_it_expires(store: Store) -> None:
    person = ann(store)
    token = review.issue_token(store, "session", person.id)
    assert review.reviewer_by_token(store, token) == person
    assert review.reviewer_by_token(store, token + "x") is None
    later(store, 29.9)
    assert review.reviewer_by_token(store, token) == person
    later(store, 31)
    assert review.reviewer_by_token(store, token) is None


def test_a_revoked_token_is_worth_nothing(store: Store) -> None:
    token = review.issue_token(store, "owner", ann(store).id, days=1)
    assert review.reviewer_by_token(store, token) is not None
    review.revoke(store, token)
    review.revoke(store, "unknown")
    assert review.reviewer_by_token(store, token) is None


def test_the_store_keeps_no_token_only_its_hash(store: Store) -> None:
    tokens = [review.issue_token(store, "session", ann(store).id), review.issue_token(store, "invitation", role="reviewer")]
    with store.reading() as db:
        kept = str(db.execute(text("SELECT * FROM tokens")).all())
    assert all(token not in kept for token in tokens)
    assert all(token not in str(store.events()) for token in tokens)


def test_an_invitation_works_once_and_gives_its_role(store: Store) -> None:
    token = review.issue_token(store, "invitation", role="reviewer", name="Bob")
    offered = review.invitation(store, token)
    assert offered is not None
    assert (offered.name, offered.role) == ("Bob", "reviewer")
    assert review.reviewer_by_token(store, token) is None
    came = review.redeem(store, token)
    assert (came.reviewer.name, came.reviewer.role) == ("Bob", "reviewer")
    assert review.reviewer_by_token(store, came.token) == came.reviewer
    assert review.invitation(store, token) is None
    with pytest.raises(NotAllowedError, match="unknown, used or expired"):
        review.redeem(store, token, "Eve")


def test_an_invitation_whose_name_is_taken_can_be_tried_again(store: Store) -> None:
    bob(store)
    token = review.issue_token(store, "invitation", role="reviewer", name="Bob")
    with pytest.raises(RecordError, match="is taken"):
        review.redeem(store, token)
    assert review.redeem(store, token, "Bob B.").reviewer.name == "Bob B."


def test_an_invitation_lasts_a_week(store: Store) -> None:
    token = review.issue_token(store, "invitation", role="lead")
    later(store, 8)
    with pytest.raises(NotAllowedError):
        review.redeem(store, token, "Late")


def test_an_invitation_for_a_person_signs_them_in_again(store: Store) -> None:
    person = bob(store)
    came = review.redeem(store, review.issue_token(store, "invitation", person.id))
    assert came.reviewer == person
    assert review.reviewers(store) == [person]


@pytest.mark.parametrize("about", [{"kind": "session"}, {"kind": "invitation"}, {"kind": "invitation", "role": "king"}])
def test_a_token_is_for_a_person_or_offers_a_role(store: Store, about: dict[str, str]) -> None:
    with pytest.raises(RecordError, match="role: found"):
        review.issue_token(store, **about)  # type: ignore[arg-type]


def test_a_token_for_nobody_is_refused(store: Store) -> None:
    with pytest.raises(NotFoundError, match="no reviewer 'v-0'"):
        review.issue_token(store, "session", "v-0")


def test_who_left_comes_in_no_more_and_leaves_what_they_said_and_not_what_they_had_to_do(store: Store) -> None:
    store.add_responses([RESPONSE])
    person = bob(store)
    token = review.issue_token(store, "session", person.id)
    review.set_verdict(store, person, RESPONSE.id, "good")
    review.assign(store, [RESPONSE.id], [person.id], by=ann(store))
    review.deactivate(store, person.id)
    assert review.reviewer_by_token(store, token) is None
    assert len(review.ratings(store)) == 1
    assert review.unassigned(store) == [RESPONSE.id]


def test_the_language_is_remembered(store: Store) -> None:
    person = bob(store)
    assert review.set_language(store, person.id, "zh").language == "zh"
    assert review.reviewer(store, person.id).language == "zh"
    with pytest.raises(RecordError, match="expected en, zh"):
        review.set_language(store, person.id, "tlh")
