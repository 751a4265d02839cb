"""Commenting: what is said is kept once, can be said differently, taken back, and taken back again."""

from __future__ import annotations

import pytest
from tests.store.people import RESPONSE, ann, bob, say

from sayso.errors import ConflictError, NotAllowedError, NotFoundError, RecordError
from sayso.records import Comment, Span
from sayso.store import review
from sayso.store.database import Store
from sayso.store.review import CommentForm


def test_a_comment_is_kept_with_who_said_it_when_and_where(store: Store) -> None:
    said = say(store, bob(store), "Do not ask.", spans=((5, 29), (30, 31)), severity="major", reach="this")
    assert store.comment(said.id) == said
    assert (said.author, said.source, said.severity, said.reach, said.status) == ("Bob", "person", "major", "this", "open")
    assert said.created.startswith("2026-01-31T00:")
    assert said.spans[0] == Span(start=5, end=29, quote="Where did you lose them?", prefix="我很抱歉。", suffix=" 🔑!")
    assert said.spans[1].quote == "🔑"  # counted in code points


def test_the_same_key_twice_is_one_comment(store: Store) -> None:
    first = say(store, bob(store), "Do not ask.", key="k")
    events = store.events()
    assert say(store, bob(store), "Do not ask.", key="k") == first
    assert store.events() == events


def test_other_words_under_a_used_key_are_kept_too(store: Store) -> None:
    # A draft that came back after its comment was kept, and was typed on.
    first = say(store, bob(store), "Do not ask.", key="k")
    second = say(store, bob(store), "Do not ask. Never.", key="k")
    assert [comment.text for comment in store.comments()] == ["Do not ask.", "Do not ask. Never."]
    assert say(store, bob(store), "Do not ask.", key="k") == first
    assert say(store, bob(store), "Do not ask. Never.", key="k") == second
    assert say(store, bob(store), "Do not ask. Never.", key="k", kind="concern").id not in {first.id, second.id}


def test_the_same_key_of_another_person_is_another_comment(store: Store) -> None:
    assert say(store, bob(store), "x", key="k").id != say(store, ann(store), "x", key="k").id


def test_without_keys_the_same_words_at_the_same_moment_are_one(store: Store) -> None:
    store.clock = lambda: "2026-01-31T00:00:00+00:00"
    say(store, bob(store), "x")
    say(store, bob(store), "x")
    assert len(store.comments()) == 1


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"text": " "}, "text: found"),
        ({"text": "x", "spans": ((0, 99),)}, r"spans\[0\]: found \[0, 99\], expected 0 <= start < end <= 32"),
        ({"text": "x", "spans": ((3, 3),)}, r"spans\[0\]"),
        ({"text": "x", "spans": ((-1, 3),)}, r"spans\[0\]"),
        ({"text": "x", "kind": "rant"}, 'kind: found "rant", expected fix, keep, question, concern'),
        ({"text": "x", "severity": "huge"}, "severity: found"),
        ({"text": "x", "reach": "far"}, "reach: found"),
        ({"text": "x", "response_id": None, "spans": ((0, 1),)}, r"spans\[0\]"),
        ({"text": "\ud800"}, "half of a surrogate pair"),
    ],
)
def test_what_breaks_a_rule_is_refused_and_nothing_is_kept(store: Store, form: dict[str, object], sentence: str) -> None:
    store.add_responses([RESPONSE])
    person, before = bob(store), store.comments(None)
    with pytest.raises(RecordError, match=sentence):
        review.save_comment(store, person, CommentForm(**{"response_id": RESPONSE.id, **form}))  # type: ignore[arg-type]
    assert store.comments(None) == before


def test_a_comment_on_an_unknown_response_is_refused(store: Store) -> None:
    with pytest.raises(NotFoundError, match="no response 'r-1'"):
        review.save_comment(store, bob(store), CommentForm(text="x", response_id="r-1"))


def test_an_edit_is_a_new_comment_and_the_old_one_stays(store: Store) -> None:
    old = say(store, bob(store), "Dont ask.", key="k", spans=((0, 2),))
    new = review.edit_comment(store, bob(store), old.id, {"text": "Do not ask.", "severity": "minor", "spans": ((0, 4),)})
    assert (new.id, new.supersedes, new.text, new.severity) == (f"{old.id}@2", (old.id,), "Do not ask.", "minor")
    assert new.spans[0].quote == "我很抱歉"
    assert store.comment(old.id).status == "superseded"
    newest = review.edit_comment(store, bob(store), new.id, {"severity": None})
    assert (newest.id, newest.severity, newest.text) == (f"{old.id}@3", None, "Do not ask.")
    assert [item.id for item in store.comments()] == [newest.id]


def test_an_edit_sent_twice_is_one_edit(store: Store) -> None:
    old = say(store, bob(store), "x")
    new = review.edit_comment(store, bob(store), old.id, {"text": "y"}, key="e")
    assert review.edit_comment(store, bob(store), old.id, {"text": "y"}, key="e") == new


def test_an_edit_that_changes_nothing_is_none(store: Store) -> None:
    old = say(store, bob(store), "x")
    assert review.edit_comment(store, bob(store), old.id, {"text": "x"}) == old
    assert len(store.comments(None)) == 1


def test_an_edit_of_what_was_edited_meanwhile_is_told_the_newer_one(store: Store) -> None:
    old = say(store, bob(store), "x")
    new = review.edit_comment(store, bob(store), old.id, {"text": "y"})
    with pytest.raises(ConflictError) as error:
        review.edit_comment(store, ann(store), old.id, {"text": "z"})
    assert error.value.fields["newer"] == new.id
    review.withdraw_comment(store, bob(store), new.id)
    with pytest.raises(ConflictError, match="was withdrawn"):
        review.edit_comment(store, bob(store), new.id, {"text": "z"})


def test_what_an_edit_may_not_change_is_named(store: Store) -> None:
    old = say(store, bob(store), "x")
    with pytest.raises(RecordError, match='author: found "Eve", expected text, kind'):
        review.edit_comment(store, bob(store), old.id, {"author": "Eve"})


def test_only_who_said_it_or_a_lead_may_change_it(store: Store) -> None:
    mine = say(store, ann(store), "x")
    for change in (
        lambda: review.edit_comment(store, bob(store), mine.id, {"text": "y"}),
        lambda: review.withdraw_comment(store, bob(store), mine.id),
        lambda: review.reopen_comment(store, bob(store), mine.id),
        lambda: say(store, bob(store), "y", supersedes=(mine.id,)),
    ):
        with pytest.raises(NotAllowedError, match="written by 'Ann'"):
            change()
    assert store.comments() == [mine]
    assert review.withdraw_comment(store, ann(store), say(store, bob(store), "z").id, "off topic").status == "withdrawn"


def test_a_withdrawal_can_be_taken_back(store: Store) -> None:
    said = say(store, bob(store), "x")
    review.withdraw_comment(store, bob(store), said.id, "by mistake")
    assert store.comments() == []
    assert review.reopen_comment(store, bob(store), said.id) == said
    assert review.reopen_comment(store, bob(store), said.id) == said
    last = [(event.kind, dict(event.payload)) for event in store.events() if event.kind.startswith("comment.")][1:]
    assert last == [
        ("comment.withdrawn", {"reason": "by mistake", "by": bob(store).id}),
        ("comment.reopened", {"by": bob(store).id}),
    ]


def test_an_edit_can_be_undone_by_withdrawing_the_new_and_reopening_the_old(store: Store) -> None:
    old = say(store, bob(store), "x")
    new = review.edit_comment(store, bob(store), old.id, {"text": "y"})
    with pytest.raises(ConflictError) as error:
        review.reopen_comment(store, bob(store), old.id)
    assert error.value.fields["newer"] == new.id
    review.withdraw_comment(store, bob(store), new.id)
    review.reopen_comment(store, bob(store), old.id)
    assert [item.text for item in store.comments()] == ["x"]
    with pytest.raises(ConflictError, match="reopen it first"):
        review.edit_comment(store, bob(store), new.id, {"text": "z"})


def test_redoing_an_undone_edit_supersedes_the_old_again(store: Store) -> None:
    old = say(store, bob(store), "x")
    new = review.edit_comment(store, bob(store), old.id, {"text": "y"})
    review.withdraw_comment(store, bob(store), new.id)
    review.reopen_comment(store, bob(store), old.id)
    review.reopen_comment(store, bob(store), new.id)
    assert [item.text for item in store.comments()] == ["y"]
    assert store.comment(old.id).status == "superseded"


def test_comments_come_newest_first_page_by_page(store: Store) -> None:
    said = [
        say(store, person, f"{word} {number}")
        for number in range(3)
        for person, word in ((ann(store), "Ask"), (bob(store), "Tell"))
    ]
    found, after = [], None
    while True:
        page = review.comment_page(store, after=after, limit=4)
        found += page.comments
        if (after := page.next) is None:
            break
    assert found == said[::-1]
    assert [item.text for item in review.comment_page(store, author="Ann", search="ask", limit=2).comments] == [
        "Ask 2",
        "Ask 1",
    ]
    review.withdraw_comment(store, ann(store), said[0].id)
    assert [item.id for item in review.comment_page(store, status="withdrawn").comments] == [said[0].id]
    with pytest.raises(RecordError, match="which no page of this order gave"):
        review.comment_page(store, after="x")


def test_similar_comments_are_counted_by_what_they_say(store: Store) -> None:
    for number, text in enumerate(
        ["Do not ask questions!", "do not ask questions", "Do not ask questions.", "Do not ask a question.", "Be kind."]
    ):
        say(store, bob(store), text, key=str(number))
    say(store, ann(store), "Do not ask questions!")
    withdrawn = say(store, bob(store), "Do not ask questions", key="w")
    review.withdraw_comment(store, bob(store), withdrawn.id)
    most, *_others = review.similar_comments(store, "DO NOT ASK QUESTIONS")
    assert (most.n, len(most.comment_ids)) == (4, 4)
    mine = review.similar_comments(store, "Do not ask questions", author="Bob")
    assert mine[0].n == 3
    assert review.similar_comments(store, "?! ") == review.similar_comments(store, "") == []


def test_chinese_comments_that_say_the_same_are_similar(store: Store) -> None:
    for number, text in enumerate(["不要提问。", "不要提问!", "先道歉"]):
        say(store, bob(store), text, key=str(number))
    assert [item.n for item in review.similar_comments(store, "不要提问")] == [2]


def test_a_standing_comment_is_about_no_response(store: Store) -> None:
    always = review.make_standing(store, bob(store), "Never ask.")
    kind = review.make_standing(store, bob(store), "Say sorry.", "answers to complaints", key="s")
    assert (always.response, always.reach, kind.reach, kind.scope_text) == (None, "always", "kind", "answers to complaints")
    assert review.make_standing(store, bob(store), "Say sorry.", "answers to complaints", key="s") == kind
    assert store.comments() == [always, kind]


def test_a_comment_made_on_the_page_goes_out_to_a_file_and_comes_back(store: Store, tmp_path) -> None:  # type: ignore[no-untyped-def]
    from sayso.store import database, exchange

    said = say(store, bob(store), "x", key="k", severity="critical", spans=((0, 2),))
    exchange.export_comments(store, tmp_path / "out.jsonl")
    other = database.open(tmp_path / "other.db", clock=store.clock)
    exchange.import_comments(other, tmp_path / "out.jsonl")
    assert other.comments() == [said]
    assert isinstance(said, Comment)
    other.close()
