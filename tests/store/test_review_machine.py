"""Whatever people do, in whatever order: what the store says of a response is what one would count by hand."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test
from tests.store.conftest import counting_clock
from tests.store.people import answers

from sayso.errors import ConflictError, RecordError
from sayso.records import Comment
from sayso.store import counted, database, review
from sayso.store.review import CommentForm

RESPONSES = answers("我很抱歉。", "Where?", "ok")
EMPTY: list[Path] = []


class Review(RuleBasedStateMachine):
    """Two people and a lead comment, edit, withdraw, reopen and judge; a model of dictionaries does the same."""

    said = Bundle("said")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(EMPTY[0], self.folder / "sayso.db")
        self.store = database.open(self.folder / "sayso.db", clock=counting_clock())
        self.store.add_responses(RESPONSES)
        self.people = [
            review.add_reviewer(self.store, name, "lead" if name == "Ann" else "reviewer") for name in ("Ann", "Bob", "Cid")
        ]
        self.texts: dict[str, Comment] = {}
        self.status: dict[str, str] = {}
        self.verdicts: dict[tuple[str, str], str] = {}
        self.done: set[tuple[str, str]] = set()

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    @rule(
        target=said,
        who=st.integers(0, 2),
        about=st.integers(0, 2),
        kind=st.sampled_from(["fix", "keep", "question"]),
        key=st.integers(0, 5),
    )
    def comment(self, who: int, about: int, kind: str, key: int) -> str:
        form = CommentForm(text=f"text {key}", key=str(key), response_id=RESPONSES[about].id, kind=kind)  # type: ignore[arg-type]
        kept = review.save_comment(self.store, self.people[who], form)
        assert self.texts.setdefault(kept.id, kept).text == kept.text
        self.status.setdefault(kept.id, "open")
        return kept.id

    @rule(target=said, comment_id=said, kind=st.sampled_from(["fix", "keep", "concern"]))
    def edit(self, comment_id: str, kind: str) -> object:
        old = self.texts[comment_id]
        if self.status[comment_id] != "open":
            with pytest.raises(ConflictError):
                review.edit_comment(self.store, self.people[0], comment_id, {"kind": kind})
            return multiple()
        new = review.edit_comment(self.store, self.people[0], comment_id, {"kind": kind})
        if kind == old.kind:
            assert new.id == comment_id
            return multiple()
        self.texts[new.id], self.status[new.id], self.status[comment_id] = new, "open", "superseded"
        return new.id

    @rule(comment_id=said)
    def withdraw(self, comment_id: str) -> None:
        newer = ""
        try:
            review.withdraw_comment(self.store, self.people[0], comment_id)
        except ConflictError as error:
            newer = str(error.fields["newer"])
        if newer:
            assert (self.status[comment_id], self.status[newer]) == ("superseded", "open")
            return
        self.status[comment_id] = "withdrawn"

    @rule(comment_id=said)
    def reopen(self, comment_id: str) -> None:
        newer = ""
        try:
            review.reopen_comment(self.store, self.people[0], comment_id)
        except ConflictError as error:
            newer = str(error.fields["newer"])
        if newer:
            assert (self.status[comment_id] == "open", self.status[newer]) == (False, "open")
            return
        self.status[comment_id] = "open"
        for older in self.texts[comment_id].supersedes:
            if self.status[older] == "open":
                self.status[older] = "superseded"

    @rule(who=st.integers(0, 2), about=st.integers(0, 2), verdict=st.sampled_from([None, "good", "needs_work", "bad"]))
    def judge(self, who: int, about: int, verdict: str | None) -> None:
        review.set_verdict(self.store, self.people[who], RESPONSES[about].id, verdict)  # type: ignore[arg-type]
        self.verdicts.pop((RESPONSES[about].id, self.people[who].name), None)
        if verdict is not None:
            self.verdicts[RESPONSES[about].id, self.people[who].name] = verdict

    @rule(who=st.integers(0, 2), about=st.integers(0, 2), state=st.sampled_from(["todo", "done", "skipped"]))
    def mark(self, who: int, about: int, state: str) -> None:
        review.set_state(self.store, self.people[who], RESPONSES[about].id, state)  # type: ignore[arg-type]
        place = (RESPONSES[about].id, self.people[who].id)
        (self.done.discard if state == "todo" else self.done.add)(place)

    @rule(who=st.integers(0, 2), about=st.integers(0, 2))
    def break_a_rule(self, who: int, about: int) -> None:
        before = review.last_event(self.store)
        with pytest.raises(RecordError):
            review.save_comment(self.store, self.people[who], CommentForm(text=" ", response_id=RESPONSES[about].id))
        assert review.last_event(self.store) == before

    @invariant()
    def every_comment_is_there_with_its_status(self) -> None:
        assert {item.id: item.status for item in self.store.comments(None)} == self.status

    @invariant()
    def the_queue_counts_what_one_would_count(self) -> None:
        for item in review.queue(self.store, state="all").items:
            own = [self.texts[key] for key, status in self.status.items() if status == "open"]
            own = [found for found in own if found.response and found.response.id == item.response_id]
            verdicts = [
                verdict for (response_id, _name), verdict in self.verdicts.items() if response_id == item.response_id
            ]
            assert item.n_comments == len(own)
            assert item.spread == counted.spread(verdicts)
            names = {name for response_id, name in self.verdicts if response_id == item.response_id}
            assert item.n_reviewers == len(names | {found.author for found in own})
        assert review.counts(self.store).comments == sum(status == "open" for status in self.status.values())

    @invariant()
    def what_is_to_do_is_what_is_not_done(self) -> None:
        for person in self.people:
            todo = review.queue(self.store, reviewer=person)
            assert {(item.response_id, person.id) for item in todo.items}.isdisjoint(self.done)
            assert todo.total == len(todo.items) == len(RESPONSES) - sum(who == person.id for _response, who in self.done)


@pytest.mark.slow
def test_whatever_people_do_the_store_counts_right(empty: Path) -> None:
    EMPTY[:] = [empty]
    checks = settings(max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Review, settings=checks)


def test_a_few_things_people_do_are_counted_right(empty: Path) -> None:
    EMPTY[:] = [empty]
    checks = settings(max_examples=4, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Review, settings=checks)
