"""Many people write at once, and what serves them is killed in the middle: no write is lost, none is doubled."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.store.people import RESPONSE, ann, answers, bob, say

from sayso.errors import ConflictError, RecordError, StoreError
from sayso.store import database, review
from sayso.store.database import Store
from sayso.store.review import CommentForm


def together(*tasks: object) -> list[object]:
    """Run functions in threads that begin at the same moment; return what each gave or raised."""
    gate = threading.Barrier(len(tasks))

    def run(task: object) -> object:
        gate.wait()
        try:
            return task()  # type: ignore[operator]
        except (ConflictError, RecordError) as error:
            return error

    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(run, tasks))


def test_fifty_people_writing_at_once_lose_and_double_nothing(store: Store) -> None:
    responses = answers(*map(str, range(5)))
    store.add_responses(responses)
    people = [review.add_reviewer(store, f"person {number}", "reviewer") for number in range(50)]

    def write(number: int) -> None:
        me = people[number]
        for turn in range(2):
            response = responses[(number + turn) % len(responses)]
            form = CommentForm(text=f"{me.name} says {turn}", key=str(turn), response_id=response.id)
            first = review.save_comment(store, me, form)
            assert review.save_comment(store, me, form) == first  # the page heard no answer, and sends again
            review.set_verdict(store, me, response.id, ("good", "bad")[number % 2])  # type: ignore[arg-type]

    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(write, range(len(people))))
    assert Counter(item.text for item in store.comments()) == Counter(
        f"{me.name} says {turn}" for me in people for turn in range(2)
    )
    assert len(review.ratings(store)) == 100
    assert sum(item.n_comments for item in review.queue(store).items) == 100
    seqs = [event.seq for event in store.events()]
    assert seqs == sorted(set(seqs))


def test_one_key_sent_by_many_threads_at_once_is_one_comment(store: Store) -> None:
    store.add_responses([RESPONSE])
    me = bob(store)
    form = CommentForm(text="x", key="k", response_id=RESPONSE.id)
    found = together(*[lambda: review.save_comment(store, me, form)] * 8)
    assert found == [store.comments()[0]] * 8
    assert [event.kind for event in store.events()].count("comment.added") == 1


def test_of_two_edits_at_once_one_is_told_of_the_other(store: Store) -> None:
    said = say(store, bob(store), "x")
    me, lead = bob(store), ann(store)
    found = together(
        lambda: review.edit_comment(store, me, said.id, {"text": "mine"}),
        lambda: review.edit_comment(store, lead, said.id, {"text": "theirs"}),
    )
    (conflict,) = [item for item in found if isinstance(item, ConflictError)]
    (held,) = store.comments()
    assert conflict.fields["newer"] == held.id
    assert held in found


def test_of_two_guidelines_at_once_one_is_told_of_the_other(store: Store) -> None:
    lead = ann(store)
    found = together(*(lambda text=text: review.set_guideline(store, lead, text, 0) for text in "ab"))
    assert [isinstance(item, ConflictError) for item in found].count(True) == 1
    assert review.guideline(store) in found


def test_of_two_who_take_up_one_invitation_one_comes_in(store: Store) -> None:
    from sayso.errors import NotAllowedError

    token = review.issue_token(store, "invitation", role="reviewer")

    def come(name: str) -> object:
        try:
            return review.redeem(store, token, name)
        except NotAllowedError as error:
            return error

    found = together(lambda: come("Ann"), lambda: come("Bob"))
    assert [isinstance(item, NotAllowedError) for item in found].count(True) == 1
    assert len(review.reviewers(store)) == 1


def test_a_writer_that_never_ends_is_not_waited_for_forever(place: str) -> None:
    store = database.open(place, clock=lambda: "2026-01-31T00:00:00+00:00", busy_seconds=0.2)
    other = database.open(place, clock=store.clock, busy_seconds=0.2)
    with store.writing():
        for one in (store, other):  # a thread of the same process, and somebody else
            with pytest.raises(StoreError, match="did not finish in time"):
                review.add_reviewer(one, "Ann", "lead")
    assert review.add_reviewer(other, "Ann", "lead").name == "Ann"
    store.close()
    other.close()


SAYING = """
import json, sys, threading
from sayso.store import database, review
from sayso.store.review import CommentForm
store = database.open(sys.argv[1], clock=lambda: "2026-01-31T00:00:00+00:00")
people = review.reviewers(store)
response = store.responses()[0]
told = threading.Lock()
def tell(*what):
    with told:
        print(json.dumps(what), flush=True)
def work(me):
    number = 0
    while True:
        key = f"{sys.argv[2]} {number}"
        review.save_comment(store, me, CommentForm(text=f"{me.name} {key}", key=key, response_id=response.id))
        tell(me.name, key)
        verdict = ("good", "needs_work", "bad")[number % 3]
        review.set_verdict(store, me, response.id, verdict)
        number += 1
for me in people:
    threading.Thread(target=work, args=(me,), daemon=True).start()
threading.Event().wait()
"""


def kill_while_people_comment(place: str, run: int, words: int) -> set[str]:
    """Kill a process in which people comment, after it acknowledged some; return what it acknowledged."""
    process = subprocess.Popen(
        [sys.executable, "-c", SAYING, place, str(run)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(words)]
    process.send_signal(signal.SIGKILL)
    rest, errors = process.communicate()
    assert errors == ""
    whole = [line for line in [*lines, *rest.splitlines(keepends=True)] if line.endswith("\n")]
    return {" ".join(json.loads(line)) for line in whole}


def check_after_kill(place: str, acknowledged: set[str]) -> None:
    store = database.open(place, clock=lambda: "2026-01-31T00:00:00+00:00")
    said = [comment.text for comment in store.comments()]
    assert acknowledged <= set(said)
    assert len(said) == len(set(said))
    assert sorted(event.subject for event in store.events() if event.kind == "comment.added") == sorted(
        comment.id for comment in store.comments()
    )
    (item,) = review.queue(store).items
    assert item.n_comments == len(said)
    assert review.queue(store, search="lose them").total == 1
    assert len(review.comment_page(store, search="person", limit=200).comments) == min(200, len(said))
    # What the page had not been told of, it sends again, with the same key: nothing is there twice.
    for person in review.reviewers(store):
        for key in ("0 0", "0 1"):
            review.save_comment(store, person, CommentForm(text=f"{person.name} {key}", key=key, response_id=RESPONSE.id))
    texts = [comment.text for comment in store.comments()]
    assert len(texts) == len(set(texts))
    store.close()


def test_what_people_were_told_is_kept_is_there_after_a_kill(store: Store, place: str) -> None:
    store.add_responses([RESPONSE])
    for number in range(3):
        review.add_reviewer(store, f"person {number}", "reviewer")
    store.close()
    check_after_kill(place, kill_while_people_comment(place, 0, 7))


@pytest.mark.slow
def test_ten_kills_in_a_row_lose_nothing(store: Store, place: str) -> None:
    chance = random.Random(7)
    store.add_responses([RESPONSE])
    for number in range(8):
        review.add_reviewer(store, f"person {number}", "reviewer")
    store.close()
    acknowledged: set[str] = set()
    for run in range(10):
        acknowledged |= kill_while_people_comment(place, run, chance.randint(1, 40))
        check_after_kill(place, acknowledged)
