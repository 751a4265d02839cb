"""A team: work shared out, how far everybody is, where people differ, and the guideline nobody overwrites."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.store.people import RESPONSE, ann, answers, bob, say

from sayso.errors import ConflictError, NotAllowedError, NotFoundError, RecordError
from sayso.records import Response
from sayso.store import review
from sayso.store.database import Store


def team(store: Store, n: int) -> list[str]:
    return [review.add_reviewer(store, f"person {number}", "reviewer").id for number in range(n)]


def assigned(store: Store) -> list[tuple[str, str]]:
    """Return who was assigned which response, from the events."""
    return [(event.subject, event.payload["to"]) for event in store.events() if event.kind == "response.assigned"]


def test_work_is_shared_out_evenly_with_the_asked_overlap(store: Store) -> None:
    responses = answers(*map(str, range(9)))
    store.add_responses(responses)
    people = team(store, 3)
    assert review.assign(store, [item.id for item in responses], people, 2, by=ann(store)) == 18
    given = assigned(store)
    assert set(Counter(response for response, _person in given).values()) == {2}
    assert set(Counter(person for _response, person in given).values()) == {6}
    assert len(set(given)) == 18


def test_who_has_it_keeps_it_and_counts(store: Store) -> None:
    store.add_responses([RESPONSE])
    people = team(store, 3)
    assert review.assign(store, [RESPONSE.id], people[:1], by=ann(store)) == 1
    assert review.assign(store, [RESPONSE.id, RESPONSE.id], people, 2, by=ann(store)) == 1
    assert review.assign(store, [RESPONSE.id], people, 2, by=ann(store)) == 0
    assert review.assign(store, [RESPONSE.id], people, 3, by=ann(store)) == 1


def test_what_was_done_unasked_stays_done_when_it_is_assigned(store: Store) -> None:
    store.add_responses([RESPONSE])
    review.set_state(store, bob(store), RESPONSE.id, "done")
    review.assign(store, [RESPONSE.id], [bob(store).id], by=ann(store))
    (item,) = review.progress(store)[1:]
    assert (item.reviewer.name, item.assigned, item.done) == ("Bob", 1, 1)


def test_an_assignment_that_cannot_be_made_makes_none(store: Store) -> None:
    store.add_responses([RESPONSE])
    with pytest.raises(RecordError, match="overlap: found 2, expected 1 to 1, the number of people"):
        review.assign(store, [RESPONSE.id], [bob(store).id, bob(store).id], 2, by=ann(store))
    with pytest.raises(NotFoundError):
        review.assign(store, [RESPONSE.id, "r-1"], [bob(store).id], by=ann(store))
    with pytest.raises(NotFoundError):
        review.assign(store, [RESPONSE.id], ["v-1"], by=ann(store))
    with pytest.raises(NotAllowedError, match="only a lead may do this; Bob is a reviewer"):
        review.assign(store, [RESPONSE.id], [bob(store).id], by=bob(store))
    assert assigned(store) == []
    assert review.unassigned(store, version="v1") == [RESPONSE.id]
    assert review.unassigned(store, version="v2") == []


def test_progress_is_told_for_each_person(store: Store) -> None:
    responses = answers(*"abc")
    store.add_responses(responses)
    store.clock = lambda: "2026-01-30T23:59:59+00:00"
    said = say(store, bob(store), "yesterday", responses[0])
    store.clock = lambda: "2026-01-31T00:00:01+00:00"
    say(store, bob(store), "today", responses[0])
    review.withdraw_comment(store, bob(store), said.id)
    review.assign(store, [item.id for item in responses], [bob(store).id], by=ann(store))
    review.set_state(store, bob(store), responses[0].id, "done")
    review.set_state(store, bob(store), responses[1].id, "skipped")
    review.set_verdict(store, bob(store), responses[0].id, "good")
    lead, person = review.progress(store)
    assert (lead.assigned, lead.done, lead.comments) == (0, 0, 0)
    assert (person.assigned, person.done, person.skipped, person.verdicts) == (3, 1, 1, 1)
    assert (person.comments_today, person.comments) == (1, 2)


def test_where_verdicts_differ_a_lead_decides(store: Store) -> None:
    store.add_responses([RESPONSE])
    review.set_verdict(store, bob(store), RESPONSE.id, "bad")
    assert review.adjudication(store) == []
    review.set_verdict(store, ann(store), RESPONSE.id, "good")
    say(store, bob(store), "Do not ask.")
    (dispute,) = review.adjudication(store)
    assert (dispute.response_id, dispute.prompt_text, dispute.spread) == (RESPONSE.id, "我的钥匙丢了", 1.0)
    assert [(vote.reviewer, vote.verdict, vote.kinds) for vote in dispute.votes] == [
        ("Ann", "good", ()), ("Bob", "bad", ("fix",)),
    ]  # fmt: skip
    review.adjudicate(store, ann(store), RESPONSE.id, "needs_work", "it asks")
    review.adjudicate(store, ann(store), RESPONSE.id, "bad", "it asks, twice")
    assert review.adjudication(store) == []
    assert [event.payload["verdict"] for event in store.events() if event.kind == "response.adjudicated"] == [
        "needs_work",
        "bad",
    ]


def test_where_one_only_praises_what_another_only_faults_they_differ(store: Store) -> None:
    say(store, ann(store), "Good that it is kind.", kind="keep")
    say(store, ann(store), "Why so?", kind="question")
    assert review.adjudication(store) == []
    fault = say(store, bob(store), "Do not ask.", kind="concern")
    assert [item.response_id for item in review.adjudication(store)] == [RESPONSE.id]
    say(store, bob(store), "But kind.", kind="keep")
    assert review.adjudication(store) == []
    review.withdraw_comment(store, bob(store), fault.id)
    assert review.adjudication(store) == []


def test_the_furthest_apart_are_decided_first_page_by_page(store: Store) -> None:
    responses = answers("near", "far")
    store.add_responses(responses)
    for response, verdict in zip(responses, ("needs_work", "bad"), strict=True):
        review.set_verdict(store, ann(store), response.id, "good")
        review.set_verdict(store, bob(store), response.id, verdict)  # type: ignore[arg-type]
    assert [item.text for item in review.adjudication(store)] == ["far", "near"]
    assert [item.text for item in review.adjudication(store, limit=1, after=1)] == ["near"]


def test_only_a_lead_decides(store: Store) -> None:
    store.add_responses([RESPONSE])
    with pytest.raises(NotAllowedError):
        review.adjudicate(store, bob(store), RESPONSE.id, "bad", "")
    with pytest.raises(RecordError, match="verdict: found"):
        review.adjudicate(store, ann(store), RESPONSE.id, "so so", "")  # type: ignore[arg-type]


def test_the_guideline_is_changed_on_top_of_what_was_read(store: Store) -> None:
    assert review.guideline(store).seq == 0
    first = review.set_guideline(store, ann(store), "Be kind.", 0)
    assert (first.seq, first.text, first.author) == (1, "Be kind.", "Ann")
    assert review.set_guideline(store, ann(store), "Be kind.", 1) == first
    second = review.set_guideline(store, ann(store), "", 1)
    assert review.guideline(store) == second
    with pytest.raises(ConflictError, match="changed by 'Ann' meanwhile") as error:
        review.set_guideline(store, ann(store), "Mine", 1)
    assert (error.value.fields["seq"], error.value.fields["text"]) == (2, "")
    with pytest.raises(NotAllowedError):
        review.set_guideline(store, bob(store), "Mine", 2)


# Counts and rows


def test_everything_is_counted(store: Store) -> None:
    said = say(store, bob(store), "x")
    say(store, ann(store), "y", kind="keep")
    review.save_refinement(store, bob(store), RESPONSE.id, "better", [said.id])
    review.set_verdict(store, bob(store), RESPONSE.id, "bad")
    counts = review.counts(store)
    assert (counts.responses, counts.commented, counts.comments, counts.refinements) == (1, 1, 2, 1)
    assert (counts.verdicts, counts.reviewers, counts.contested) == (1, 2, 1)


def test_what_changed_since_is_told_by_the_response(store: Store) -> None:
    store.add_responses([RESPONSE, *answers("a", "b")])
    me, seq = bob(store), review.last_event(store)
    assert review.changes_since(store, seq).response_ids == ()
    assert review.changes_since(store, seq).seq == seq
    review.set_verdict(store, me, answers("a")[0].id, "good")
    made = review.save_refinement(store, me, RESPONSE.id, "better")
    review.sign_off(store, me, made.id, "accepted")
    review.make_standing(store, me, "Never ask.")
    changes = review.changes_since(store, seq)
    assert changes.response_ids == tuple(sorted([answers("a")[0].id, RESPONSE.id]))
    assert changes.seq == review.last_event(store) == seq + 4
    assert changes.kinds == ("comment.added", "refinement.added", "refinement.signed", "verdict.set")


def test_many_changes_come_a_thousand_events_at_a_time(store: Store) -> None:
    store.add_responses(answers(*map(str, range(600))))  # a prompt and a response each
    first = review.changes_since(store, 0)
    assert first.seq == 1000
    assert review.changes_since(store, first.seq).seq == 1200


def test_coverage_is_told_by_family(store: Store) -> None:
    say(store, bob(store), "x")
    say(store, bob(store), "y")
    store.add_responses([Response(prompt=RESPONSE.prompt, text="other"), *answers("a")])
    store.add_prompts([RESPONSE.prompt])
    assert [tuple(row) for row in review.coverage(store)] == [("keys", 1, 2, 1, 2), (None, 1, 1, 0, 0)]


# Two versions side by side


@pytest.fixture
def two_versions(store: Store) -> Store:
    one = answers("a", "b", "c")
    store.add_responses(one)
    store.add_responses([Response(prompt=item.prompt, text=item.text.upper(), version="v2") for item in one[:2]])
    store.add_responses([Response(prompt=one[0].prompt, text="again", version="v2")])
    return store


def test_pairs_are_of_prompts_both_versions_answered_and_do_not_say_which_is_which(two_versions: Store) -> None:
    pairs = review.blind_pairs(two_versions, "v1", "v2", bob(two_versions))
    assert [{pair.left.text, pair.right.text} for pair in pairs.items] == [{"a", "A"}, {"b", "B"}]
    assert pairs == review.blind_pairs(two_versions, "v2", "v1", bob(two_versions))
    assert "v1" not in str(pairs)


def test_which_side_a_version_stands_on_is_chance(store: Store) -> None:
    one = answers(*map(str, range(40)))
    store.add_responses(one)
    store.add_responses([Response(prompt=item.prompt, text=f"{item.text}!", version="v2") for item in one])
    pairs = review.blind_pairs(store, "v1", "v2", bob(store), limit=40).items
    assert 8 < sum(pair.left.text.endswith("!") for pair in pairs) < 32


def test_pairs_come_page_by_page(two_versions: Store) -> None:
    first = review.blind_pairs(two_versions, "v1", "v2", bob(two_versions), limit=1)
    assert first.next is not None
    second = review.blind_pairs(two_versions, "v1", "v2", bob(two_versions), after=first.next, limit=1)
    assert (len(second.items), second.next) == (1, None)
    assert first.items != second.items


def test_a_choice_is_kept_counted_and_not_asked_again(two_versions: Store) -> None:
    me = bob(two_versions)
    for pair in review.blind_pairs(two_versions, "v1", "v2", me).items:
        winner = "left" if pair.left.text.isupper() else "right"
        review.save_choice(two_versions, me, pair.left.response_id, pair.right.response_id, winner, "shorter")  # type: ignore[arg-type]
        review.save_choice(two_versions, me, pair.left.response_id, pair.right.response_id, winner, "shorter")  # type: ignore[arg-type]
    assert review.blind_pairs(two_versions, "v1", "v2", me).items == ()
    assert len(review.blind_pairs(two_versions, "v1", "v2", ann(two_versions)).items) == 2
    tally = review.choices_between(two_versions, "v1", "v2")
    assert (tally.a, tally.b, tally.ties, tally.both_bad) == (0, 2, 0, 0)
    assert review.choices_between(two_versions, "v2", "v1").a == 2
    review.save_choice(two_versions, me, pair.left.response_id, pair.right.response_id, "tie")
    assert review.choices_between(two_versions, "v1", "v2").ties == 1
    assert [event.kind for event in two_versions.events()].count("response.chosen") == 3


def test_a_choice_that_is_none_is_refused(two_versions: Store) -> None:
    me, (one, other, *_rest) = bob(two_versions), answers("a", "b")
    with pytest.raises(RecordError, match="against itself"):
        review.blind_pairs(two_versions, "v1", "v1", me)
    with pytest.raises(RecordError, match="the same prompt"):
        review.save_choice(two_versions, me, one.id, other.id, "left")
    with pytest.raises(RecordError, match="the same prompt"):
        review.save_choice(two_versions, me, one.id, one.id, "left")
    with pytest.raises(RecordError, match="choice: found"):
        review.save_choice(two_versions, me, one.id, other.id, "up")  # type: ignore[arg-type]
    with pytest.raises(NotFoundError):
        review.save_choice(two_versions, me, one.id, "r-1", "left")
