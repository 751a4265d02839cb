"""What people do with a response beside commenting: a better answer, a sign-off, a verdict, a draft, done or skipped.

A verdict, a sign-off and a state are a person's own: saying it again replaces one's own, never another's, and every change
stays as an event. A draft is nobody's word yet, so it leaves none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Table, delete, insert, select, update

from sayso.errors import RecordError
from sayso.records import Refinement, Response
from sayso.store import intake, questions, tables
from sayso.store.counted import VERDICTS, count_again
from sayso.store.database import Store
from sayso.store.people import Reviewer
from sayso.store.queue import MyState
from sayso.store.rules import wrong

Rating = Literal["good", "needs_work", "bad"]
SignoffDecision = Literal["accepted", "rejected"]


def save_refinement(
    store: Store, reviewer: Reviewer, response_id: str, text: str, addresses: Sequence[str] = ()
) -> Refinement:
    """Keep a better answer; the same words to the same comments are one refinement, whoever sends them, and how often.

    Raises:
        NotFoundError: there is no such response.
        RecordError: it has no words, says what the response says, or addresses a comment that is not there.
    """
    with store.writing() as db:
        response = questions.one(db, tables.responses, Response, response_id)
        if text == response.text:
            raise RecordError("{field}: nothing was changed; expected other words than the response's", field="text")
        made = Refinement(response=response, text=text, addresses=tuple(addresses), refiner=reviewer.name)
        known = questions.records_by_id(db, tables.refinements, Refinement, [made.id]).get(made.id)
        if known is not None:
            return known
        room = questions.intake_for(db, refinements=[made])
        intake.admit_refinement(room, made)
        questions.write(db, room, store.clock())
        return made


def sign_off(store: Store, reviewer: Reviewer, refinement_id: str, decision: SignoffDecision | None) -> None:
    """Accept or reject a refinement; None takes one's own decision back."""
    if decision not in (None, *get_args(SignoffDecision)):
        raise wrong("decision", decision, ", ".join(get_args(SignoffDecision)))
    with store.writing() as db:
        about = questions.one(db, tables.refinements, Refinement, refinement_id).response.id
        mine = {"refinement_id": refinement_id, "reviewer_id": reviewer.id}
        if _put(db, tables.signoffs, mine, None if decision is None else {"decision": decision}, {"created": store.clock()}):
            questions.log(db, store.clock(), "refinement.signed", [refinement_id], {"by": reviewer.id, "decision": decision})
            count_again(db, [about])


def set_verdict(store: Store, reviewer: Reviewer, response_id: str, verdict: Rating | None) -> None:
    """Say how good a response is; None takes one's own verdict back."""
    if verdict is not None and verdict not in VERDICTS:
        raise wrong("verdict", verdict, ", ".join(VERDICTS))
    with store.writing() as db:
        need_response(db, response_id)
        mine = {"response_id": response_id, "reviewer_id": reviewer.id}
        if _put(db, tables.verdicts, mine, None if verdict is None else {"verdict": verdict}, {"updated": store.clock()}):
            questions.log(db, store.clock(), "verdict.set", [response_id], {"by": reviewer.id, "verdict": verdict})
            count_again(db, [response_id])


def set_state(store: Store, reviewer: Reviewer, response_id: str, state: MyState) -> None:
    """Mark a response as done, skipped, or again to do, for oneself."""
    if state not in get_args(MyState):
        raise wrong("state", state, ", ".join(get_args(MyState)))
    with store.writing() as db:
        need_response(db, response_id)
        mine = {"response_id": response_id, "reviewer_id": reviewer.id}
        if _put(db, tables.assignments, mine, {"state": state}, {"updated": store.clock()}):
            questions.log(db, store.clock(), "response.marked", [response_id], {"by": reviewer.id, "state": state})


def save_draft(store: Store, reviewer: Reviewer, response_id: str, body: Mapping[str, Any]) -> None:
    """Keep what a person has typed so far on a response, in place of what they had typed before."""
    with store.writing() as db:
        need_response(db, response_id)
        mine = {"response_id": response_id, "reviewer_id": reviewer.id}
        _put(db, tables.drafts, mine, {"body": json.dumps(body)}, {"updated": store.clock()})


def delete_draft(store: Store, reviewer: Reviewer, response_id: str) -> None:
    """Forget what a person has typed on a response; nothing happens where there is nothing."""
    with store.writing() as db:
        _put(db, tables.drafts, {"response_id": response_id, "reviewer_id": reviewer.id}, None, {})


def set_scores(store: Store, scores: Mapping[str, float | None]) -> None:
    """Say how sure the model was of responses (the mean log-probability of a token), for the order by uncertainty."""
    table = tables.responses
    with store.writing() as db:
        for response_id, score in scores.items():
            if score is not None and not -1e6 < score < 1e6:
                raise wrong("score", score, "-1000000 < score < 1000000")
            need_response(db, response_id)
            db.execute(update(table).where(table.c.id == response_id).values(score=score))
        count_again(db, scores)


def need_response(db: Connection, response_id: str) -> None:
    """Raise NotFoundError unless there is a response with an id."""
    table = tables.responses
    if db.scalar(select(table.c.seq).where(table.c.id == response_id)) is None:
        raise questions.missing(db, table, response_id)


def _put(
    db: Connection, table: Table, mine: Mapping[str, str], values: Mapping[str, str] | None, stamp: Mapping[str, str]
) -> bool:
    """Set a person's own row, or remove it for None; say whether that changed anything."""
    own = [table.c[name] == value for name, value in mine.items()]
    row = db.execute(select(table).where(*own)).one_or_none()
    if values is None:
        return bool(db.execute(delete(table).where(*own)).rowcount)
    if row is None:
        db.execute(insert(table).values(**mine, **values, **stamp))
        return True
    if all(getattr(row, name) == value for name, value in values.items()):
        return False
    db.execute(update(table).where(*own).values(**values, **stamp))
    return True
