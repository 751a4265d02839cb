"""A database that the first sayso wrote is brought up to date where it lies, with everything in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import inspect, text
from tests.store.conftest import PLACES, counting_clock, emptied

from sayso.records import Comment, Message, Prompt, Refinement, Rejection, Response, Span
from sayso.store import database, review, schema

ASKED = Prompt(
    messages=(Message(role="system", content="Be kind."), Message(role="user", content="我的钥匙丢了")), family="keys"
)
RESPONSE = Response(prompt=ASKED, text="您在哪里丢的?", version="v1")
SPAN = Span(start=0, end=2, quote="您在")
FIRST = Comment(text="Do not ask.", response=RESPONSE, spans=(SPAN,), author="Ann", created="2026-01-31T09:30:00+08:00")
SECOND = Comment(text="不要问。", supersedes=(FIRST.id,), kind="concern")
NUL = Comment(text="\x00 a NUL", author="\x00", response=RESPONSE)
BETTER = Refinement(response=RESPONSE, text="我很抱歉。", addresses=(FIRST.id,))
NOT_KEPT = Rejection(response=RESPONSE, text="Why?", reason="longer", refiner="x")


def old_body(record: object) -> str:
    """Return a body as it was written before there were severities."""
    from sayso.records import plain

    def without(value: object) -> object:
        if isinstance(value, dict):
            return {key: without(item) for key, item in value.items() if key != "severity"}
        return [without(item) for item in value] if isinstance(value, list) else value

    return json.dumps(without(plain(record)), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


OLD_ROWS = [
    ("prompts (id, split, body)", (ASKED.id, None, old_body(ASKED))),
    ("responses (id, prompt_id, version, body)", (RESPONSE.id, ASKED.id, "v1", old_body(RESPONSE))),
    ("comments (id, response_id, status, body)", (FIRST.id, RESPONSE.id, "superseded", old_body(FIRST))),
    ("comments (id, response_id, status, body)", (SECOND.id, None, "open", old_body(SECOND))),
    ("comments (id, response_id, status, body)", (NUL.id, RESPONSE.id, "open", old_body(NUL))),
    ("refinements (id, response_id, body)", (BETTER.id, RESPONSE.id, old_body(BETTER))),
    ("rejections (id, body)", ("j-1", old_body(NOT_KEPT))),
    ("events (at, kind, subject, payload)", ("2026-01-31T00:00:00+00:00", "comment.added", FIRST.id, "{}")),
]


@pytest.fixture(params=PLACES)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a database of the first schema is, with a little of everything in it."""
    where = (
        str(tmp_path / "sayso.db") if request.param == "sqlite" else emptied(request.getfixturevalue("migrated_postgres"))
    )
    store = database.open(where, clock=counting_clock())
    with store.writing() as db:
        schema.migrate(db, "0001")
        for table, values in OLD_ROWS:
            names = {f"value{place}": value for place, value in enumerate(values)}
            db.execute(text(f"INSERT INTO {table} VALUES ({', '.join(f':{name}' for name in names)})"), names)
    store.close()
    return where


def test_an_old_database_opens_with_everything_in_it(old: str) -> None:
    store = database.open(old, clock=counting_clock())
    superseded = Comment(text="Do not ask.", response=RESPONSE, spans=(SPAN,), author="Ann",
                         created="2026-01-31T09:30:00+08:00", status="superseded")  # fmt: skip
    assert store.comments(None) == [superseded, SECOND, NUL]
    assert store.refinements() == [BETTER]
    assert store.rejections() == [NOT_KEPT]
    assert [event.subject for event in store.events()] == [FIRST.id]
    store.close()


def test_what_was_said_before_is_in_the_queue_and_found(old: str) -> None:
    store = database.open(old, clock=counting_clock())
    (item,) = review.queue(store, search="钥匙丢").items
    assert (item.prompt_text, item.text, item.family, item.n_comments) == ("我的钥匙丢了", "您在哪里丢的?", "keys", 1)
    assert review.queue(store, search="be kind").items == ()
    assert [found.id for found in review.comment_page(store, search="DO NOT").comments] == [FIRST.id]
    row, *_others = review.comment_rows(store, status=None)
    assert (row.text, row.author, row.kind, row.family, row.version) == ("Do not ask.", "Ann", "fix", "keys", "v1")
    store.close()


def test_a_comment_of_before_can_be_edited_and_reopened(old: str) -> None:
    store = database.open(old, clock=counting_clock())
    ann = review.add_reviewer(store, "Ann", "reviewer")
    assert review.reopen_comment(store, ann, FIRST.id).status == "open"
    assert review.edit_comment(store, ann, FIRST.id, {"severity": "minor"}).id == f"{FIRST.id}@2"
    store.close()


def test_the_rejections_of_before_make_a_response_uncertain(old: str) -> None:
    store = database.open(old, clock=counting_clock())
    with store.reading() as db:
        assert db.execute(text("SELECT doubt FROM responses")).scalar() == 1.5
    store.close()


def test_down_to_the_first_schema_keeps_what_was_said_and_up_again_finds_it(old: str) -> None:
    store = database.open(old, clock=counting_clock())
    with store.writing() as db:
        schema.migrate(db, "0001")
        assert {column["name"] for column in inspect(db).get_columns("comments")} == {
            "seq",
            "id",
            "response_id",
            "status",
            "body",
        }
        assert not inspect(db).has_table("reviewers")
    store.close()
    again = database.open(old, clock=counting_clock())
    assert len(again.comments(None)) == 3
    assert review.queue(again, search="钥匙").total == 1
    again.close()


def test_ids_given_before_there_were_severities_stay() -> None:
    assert (FIRST.id, RESPONSE.id) == ("c-3a4519f9e7652e4e", "r-4c6cf745517398e8")
    assert Comment(text="x", severity="minor").id != Comment(text="x").id
