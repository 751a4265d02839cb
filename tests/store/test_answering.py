"""Better answers, sign-offs, verdicts, drafts, done and skipped: one's own, changed by oneself, every change an event."""

from __future__ import annotations

import pytest
from tests.store.people import RESPONSE, ann, bob, say

from sayso.errors import NotFoundError, RecordError
from sayso.records import Refinement, Response
from sayso.store import review
from sayso.store.database import Store


@pytest.fixture
def store(store: Store) -> Store:
    store.add_responses([RESPONSE])
    return store


def kinds(store: Store) -> list[str]:
    return [event.kind for event in store.events() if not event.kind.startswith(("reviewer", "response.added", "prompt"))]


def test_a_better_answer_is_kept_with_the_comments_it_addresses(store: Store) -> None:
    said = say(store, bob(store), "Do not ask.")
    made = review.save_refinement(store, bob(store), RESPONSE.id, "我很抱歉。", [said.id])
    assert store.refinements() == [made]
    assert made == Refinement(response=RESPONSE, text="我很抱歉。", addresses=(said.id,), refiner="Bob", id=made.id)


def test_a_better_answer_sent_again_is_kept_once(store: Store) -> None:
    made = review.save_refinement(store, bob(store), RESPONSE.id, "Sorry.")
    assert review.save_refinement(store, bob(store), RESPONSE.id, "Sorry.") == made
    assert review.save_refinement(store, ann(store), RESPONSE.id, "Sorry.") == made
    assert len(store.refinements()) == 1


@pytest.mark.parametrize(("text", "sentence"), [(" ", "refinement: found"), (RESPONSE.text, "nothing was changed")])
def test_an_answer_that_is_none_is_refused(store: Store, text: str, sentence: str) -> None:
    with pytest.raises(RecordError, match=sentence):
        review.save_refinement(store, bob(store), RESPONSE.id, text)


def test_an_answer_to_an_unknown_comment_or_response_is_refused(store: Store) -> None:
    with pytest.raises(RecordError, match="no comment 'c-1'"):
        review.save_refinement(store, bob(store), RESPONSE.id, "x", ["c-1"])
    with pytest.raises(NotFoundError):
        review.save_refinement(store, bob(store), "r-1", "x")


def test_people_sign_off_each_for_themselves(store: Store) -> None:
    made = review.save_refinement(store, bob(store), RESPONSE.id, "Sorry.")
    review.sign_off(store, ann(store), made.id, "accepted")
    review.sign_off(store, ann(store), made.id, "accepted")
    review.sign_off(store, bob(store), made.id, "rejected")
    (view,) = review.detail(store, RESPONSE.id, bob(store).id).refinements
    assert [(item.reviewer, item.decision, item.mine) for item in view.signoffs] == [
        ("Ann", "accepted", False), ("Bob", "rejected", True),
    ]  # fmt: skip
    review.sign_off(store, bob(store), made.id, None)
    (view,) = review.detail(store, RESPONSE.id, bob(store).id).refinements
    assert [item.reviewer for item in view.signoffs] == ["Ann"]
    assert kinds(store) == ["refinement.added", *["refinement.signed"] * 3]


def test_a_decision_nobody_knows_is_refused(store: Store) -> None:
    made = review.save_refinement(store, bob(store), RESPONSE.id, "Sorry.")
    with pytest.raises(RecordError, match="decision: found"):
        review.sign_off(store, bob(store), made.id, "maybe")  # type: ignore[arg-type]
    with pytest.raises(NotFoundError):
        review.sign_off(store, bob(store), "f-1", "accepted")


def test_a_verdict_is_ones_own_and_can_be_changed_and_taken_back(store: Store) -> None:
    review.set_verdict(store, bob(store), RESPONSE.id, "good")
    review.set_verdict(store, bob(store), RESPONSE.id, "bad")
    review.set_verdict(store, bob(store), RESPONSE.id, "bad")
    review.set_verdict(store, ann(store), RESPONSE.id, "good")
    assert [tuple(row)[1:] for row in review.ratings(store)] == [("Ann", "good"), ("Bob", "bad")]
    review.set_verdict(store, bob(store), RESPONSE.id, None)
    review.set_verdict(store, bob(store), RESPONSE.id, None)
    assert [row.reviewer for row in review.ratings(store)] == ["Ann"]
    verdicts = [event.payload["verdict"] for event in store.events() if event.kind == "verdict.set"]
    assert verdicts == ["good", "bad", "good", None]
    with pytest.raises(RecordError, match="verdict: found"):
        review.set_verdict(store, bob(store), RESPONSE.id, "superb")  # type: ignore[arg-type]


def test_a_draft_is_there_after_a_restart_and_only_for_who_typed_it(store: Store, place: str) -> None:
    from sayso.store import database

    review.save_draft(store, bob(store), RESPONSE.id, {"text": "Do n"})
    review.save_draft(store, bob(store), RESPONSE.id, {"text": "Do not 问", "spans": [[0, 3]]})
    store.close()
    again = database.open(place, clock=store.clock)
    assert review.detail(again, RESPONSE.id, bob(again).id).draft == {"text": "Do not 问", "spans": [[0, 3]]}
    assert review.detail(again, RESPONSE.id, ann(again).id).draft is None
    review.delete_draft(again, bob(again), RESPONSE.id)
    review.delete_draft(again, bob(again), RESPONSE.id)
    assert review.detail(again, RESPONSE.id, bob(again).id).draft is None
    assert not any("draft" in event.kind for event in again.events())
    again.close()


def test_done_and_skipped_are_said_once(store: Store) -> None:
    for state in ("done", "done", "skipped"):
        review.set_state(store, bob(store), RESPONSE.id, state)  # type: ignore[arg-type]
    assert kinds(store) == ["response.marked", "response.marked"]
    with pytest.raises(RecordError, match="state: found"):
        review.set_state(store, bob(store), RESPONSE.id, "lost")  # type: ignore[arg-type]


def test_everything_on_a_response_comes_together(store: Store) -> None:
    other = Response(prompt=RESPONSE.prompt, text="抱歉。", version="v2")
    store.add_responses([other])
    first, second = say(store, bob(store), "x"), say(store, ann(store), "y")
    review.withdraw_comment(store, bob(store), first.id)
    review.set_state(store, bob(store), RESPONSE.id, "skipped")
    review.adjudicate(store, ann(store), RESPONSE.id, "bad", "it asks")
    detail = review.detail(store, RESPONSE.id, bob(store).id)
    assert detail.response == RESPONSE
    assert [(view.comment.id, view.comment.status, view.mine) for view in detail.comments] == [
        (first.id, "withdrawn", True), (second.id, "open", False),
    ]  # fmt: skip
    assert detail.my_state == "skipped"
    assert [(item.response_id, item.version, item.text) for item in detail.neighbours] == [(other.id, "v2", "抱歉。")]
    assert detail.resolution is not None
    assert (detail.resolution.by, detail.resolution.verdict, detail.resolution.reason) == ("Ann", "bad", "it asks")


def test_an_unknown_response_or_person_is_named(store: Store) -> None:
    with pytest.raises(NotFoundError, match="did you mean"):
        review.detail(store, RESPONSE.id[:-1] + "x", bob(store).id)
    with pytest.raises(NotFoundError, match="no reviewer"):
        review.detail(store, RESPONSE.id, "v-1")
    for change in (review.set_verdict, review.set_state, review.save_draft):
        with pytest.raises(NotFoundError):
            change(store, bob(store), "r-1", {review.set_verdict: "good", review.set_state: "done"}.get(change, {}))  # type: ignore[operator]
