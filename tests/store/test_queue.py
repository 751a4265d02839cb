"""What a person reads next: every order gives everything once, page by page, and only what was asked for."""

from __future__ import annotations

import pytest
from tests.store.people import RESPONSE, ann, answers, bob, say

from sayso.errors import RecordError
from sayso.records import Rejection, Response, ask
from sayso.store import review
from sayso.store.database import Store
from sayso.store.review import Reviewer

ORDERS = ["newest", "oldest", "random", "uncertain", "disagreement"]


def whole(store: Store, order: str, limit: int = 2, **asked: object) -> list[str]:
    """Return the texts of a whole queue, read page by page."""
    found: list[str] = []
    after = None
    while True:
        page = review.queue(store, order, after=after, limit=limit, **asked)  # type: ignore[arg-type]
        assert len(page.items) <= limit
        found += [item.text for item in page.items]
        if (after := page.next) is None:
            return found


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_gives_every_response_once(store: Store, order: str) -> None:
    store.add_responses(answers(*"abcdefg"))
    review.set_verdict(store, ann(store), answers("c")[0].id, "good")
    review.set_verdict(store, bob(store), answers("c")[0].id, "bad")
    found = whole(store, order, reviewer=bob(store))
    assert sorted(found) == list("abcdefg")
    assert review.queue(store, order, limit=1).total == 7  # type: ignore[arg-type]


def test_newest_and_oldest_are_by_arrival(store: Store) -> None:
    store.add_responses(answers(*"abcde"))
    assert whole(store, "oldest") == list("abcde")
    assert whole(store, "newest") == list("edcba")


def test_random_is_the_same_for_a_person_and_another_for_others(store: Store) -> None:
    store.add_responses(answers(*map(str, range(60))))
    people = [review.add_reviewer(store, f"person {number}", "reviewer") for number in range(4)]
    orders = [whole(store, "random", 7, reviewer=person) for person in people]
    assert orders == [whole(store, "random", 60, reviewer=person) for person in people]
    assert len({tuple(order) for order in orders}) > 1
    assert orders[0] not in (sorted(orders[0]), sorted(orders[0], key=int), sorted(orders[0], key=int, reverse=True))


def test_the_least_sure_comes_first_then_the_most_rejected_then_the_least_commented(store: Store) -> None:
    responses = answers("fresh", "talked of", "rejected", "sure", "unsure")
    store.add_responses(responses)
    review.set_scores(store, {responses[3].id: -0.1, responses[4].id: -3.5})
    say(store, bob(store), "x", responses[1])
    store.add_rejections([Rejection(response=responses[2], text="no", reason="longer", refiner="x")])
    assert whole(store, "uncertain") == ["unsure", "sure", "rejected", "fresh", "talked of"]
    review.set_scores(store, {responses[4].id: None})
    assert whole(store, "uncertain") == ["sure", "rejected", "unsure", "fresh", "talked of"]


def test_a_score_is_a_number_one_can_sort_by(store: Store) -> None:
    store.add_responses([RESPONSE])
    with pytest.raises(RecordError, match="score: found NaN"):
        review.set_scores(store, {RESPONSE.id: float("nan")})


def test_the_furthest_apart_come_first(store: Store) -> None:
    responses = answers("alike", "near", "far", "alone")
    store.add_responses(responses)
    for person, verdicts in ((ann(store), ("bad", "good", "good", "bad")), (bob(store), ("bad", "needs_work", "bad", None))):
        for response, verdict in zip(responses, verdicts, strict=True):
            review.set_verdict(store, person, response.id, verdict)  # type: ignore[arg-type]
    assert whole(store, "disagreement")[:2] == ["far", "near"]
    assert [item.spread for item in review.queue(store, "disagreement").items] == [1.0, 0.5, 0.0, 0.0]


def test_a_line_of_the_queue_says_what_one_needs_to_choose(store: Store) -> None:
    say(store, bob(store), "x")
    say(store, bob(store), "y", kind="keep")
    review.set_verdict(store, ann(store), RESPONSE.id, "good")
    review.set_state(store, bob(store), RESPONSE.id, "skipped")
    (item,) = review.queue(store, reviewer=bob(store), state="all").items
    assert (item.response_id, item.prompt_text, item.version, item.family) == (RESPONSE.id, "我的钥匙丢了", "v1", "keys")
    assert (item.n_comments, item.n_reviewers, item.my_state) == (2, 2, "skipped")
    assert review.queue(store, reviewer=ann(store)).items[0].my_state == "todo"


def test_a_long_text_is_cut_for_the_list(store: Store) -> None:
    store.add_responses([Response(prompt=ask("长" * 900), text="x\x00" * 500)])
    (item,) = review.queue(store).items
    assert (len(item.prompt_text), len(item.text)) == (200, 200)


def test_a_version_may_be_asked_for(store: Store) -> None:
    store.add_responses([*answers(*"abc"), *answers(*"xyz", version="v2")])
    for order in ORDERS:
        assert sorted(whole(store, order, reviewer=bob(store), version="v2")) == list("xyz")
    assert review.queue(store, reviewer=bob(store), version="v2").total == 3
    assert review.versions(store) == {"v2": 3, "v1": 3}


def test_what_is_done_or_skipped_is_to_do_no_more_until_taken_back(store: Store) -> None:
    responses = answers(*"abcd")
    store.add_responses([*responses, *answers("x", version="v2")])
    me = bob(store)
    review.set_state(store, me, responses[0].id, "done")
    review.set_state(store, me, responses[1].id, "skipped")
    assert whole(store, "oldest", reviewer=me) == ["c", "d", "x"]
    assert whole(store, "oldest", reviewer=me, state="done") == ["a"]
    assert review.queue(store, reviewer=me).total == 3
    assert review.queue(store, reviewer=me, version="v1").total == 2
    assert review.queue(store, reviewer=ann(store)).total == 5
    review.set_state(store, me, responses[0].id, "todo")
    assert review.queue(store, reviewer=me).total == 4


def test_who_is_assigned_something_has_that_to_do_and_nothing_else(store: Store) -> None:
    responses = answers(*"abcd")
    store.add_responses(responses)
    me = bob(store)
    review.set_state(store, me, responses[3].id, "done")
    review.assign(store, [responses[1].id, responses[3].id], [me.id], by=ann(store))
    assert whole(store, "newest", reviewer=me) == ["b"]
    assert review.queue(store, reviewer=me).total == 1
    assert whole(store, "oldest", reviewer=me, state="all") == list("abcd")
    review.set_state(store, me, responses[1].id, "done")
    assert review.queue(store, reviewer=me).items == ()


def test_what_has_open_comments_can_be_asked_for(store: Store) -> None:
    responses = answers(*"abc")
    store.add_responses(responses)
    said = say(store, bob(store), "x", responses[1])
    assert whole(store, "newest", state="commented") == ["b"]
    review.withdraw_comment(store, bob(store), said.id)
    assert review.queue(store, state="commented").items == ()


@pytest.mark.parametrize("order", ORDERS)
def test_a_search_keeps_the_order_and_the_pages(store: Store, order: str) -> None:
    store.add_responses(answers(*(f"{'found' if number % 3 else 'other'} {number}" for number in range(12))))
    me = bob(store)
    wanted = [text for text in whole(store, order, reviewer=me) if "found" in text]
    assert whole(store, order, 3, reviewer=me, search="FOUND") == wanted
    assert review.queue(store, reviewer=me, search="found").total == 8


@pytest.mark.parametrize("order", ORDERS)
def test_a_search_for_what_is_everywhere_reads_along_the_order(
    store: Store, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sayso.store.search.LISTED", 3)
    store.add_responses(answers(*(f"{'found' if number % 3 else 'other'} {number}" for number in range(12))))
    me: Reviewer = bob(store)
    wanted = [text for text in whole(store, order, reviewer=me) if "found" in text]
    assert whole(store, order, 3, reviewer=me, search="found") == wanted
    page = review.queue(store, reviewer=me, search="found")
    assert (page.total, page.at_least) == (3, True)


@pytest.mark.parametrize(
    "asked", [{"order": "best"}, {"state": "lost"}, {"after": "x"}, {"after": "1"}, {"after": "1.5:2"}, {"after": "nan:x"}]
)
def test_what_no_queue_has_is_refused(store: Store, asked: dict[str, str]) -> None:
    with pytest.raises(RecordError):
        review.queue(store, **asked)  # type: ignore[arg-type]
