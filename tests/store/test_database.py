"""What the store remembers, what it refuses, and in which words."""

from __future__ import annotations

import dataclasses
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from sqlalchemy import event
from tests.store.conftest import counting_clock

from sayso.errors import MissingExtraError, NotFoundError, RecordError, StoreError
from sayso.records import (
    Check,
    Comment,
    Evaluation,
    Finding,
    Heldout,
    Message,
    Outcome,
    Prompt,
    Rate,
    Refinement,
    Rejection,
    Response,
    Run,
    Take,
    Verdict,
    Version,
    ask,
)
from sayso.store import database
from sayso.store.database import Store
from sayso.store.questions import Added

RESPONSE = Response(prompt=ask("I lost my keys.", family="lost"), text="Where? 🔑", version="v1")
COMMENT = Comment(id="no-question", text="Do not ask.", response=RESPONSE, check=Check(name="excludes", args={"text": "?"}))
BETTER = Refinement(response=RESPONSE, text="I am sorry.", addresses=("no-question",))


def kinds(store: Store) -> list[str]:
    return [event.kind for event in store.events()]


# Comments


def test_a_comment_brings_its_response_and_prompt_with_it(store: Store) -> None:
    assert store.add_comments([COMMENT]) == Added(new=1, known=0)
    assert store.comments() == [COMMENT]
    assert store.responses() == [RESPONSE]
    assert store.prompts() == [RESPONSE.prompt]
    assert kinds(store) == ["prompt.added", "response.added", "comment.added"]


def test_adding_the_same_twice_changes_nothing(store: Store) -> None:
    store.add_comments([COMMENT])
    store.add_refinements([BETTER])
    before = store.events()
    assert store.add_comments([COMMENT, COMMENT]) == Added(new=0, known=2)
    assert store.add_refinements([BETTER]) == Added(new=0, known=1)
    assert store.add_responses([RESPONSE]) == Added(new=0, known=1)
    assert store.events() == before


def test_the_same_id_with_other_content_is_refused_and_nothing_of_the_batch_is_kept(store: Store) -> None:
    store.add_comments([COMMENT])
    with pytest.raises(RecordError, match=r"comment 'no-question': id: 'no-question' is taken .* `supersedes`"):
        store.add_comments([Comment(text="new"), dataclasses.replace(COMMENT, text="Ask more.")])
    assert store.comments(None) == [COMMENT]


def test_a_later_comment_supersedes_an_earlier_one_which_stays(store: Store) -> None:
    newer = Comment(id="newer", text="Never ask.", supersedes=("no-question",))
    store.add_comments([COMMENT])
    store.add_comments([newer])
    assert store.comments() == [newer]
    assert store.comments("superseded") == [dataclasses.replace(COMMENT, status="superseded")]
    assert store.events()[-1].payload == {"by": "newer"}
    assert store.add_comments([COMMENT]) == Added(new=0, known=1)
    assert store.comments() == [newer]


def test_a_comment_may_supersede_only_what_came_before(store: Store) -> None:
    with pytest.raises(RecordError, match=r"supersedes\[0\]: no comment 'later' comes before this one"):
        store.add_comments([Comment(id="a", text="x", supersedes=("later",)), Comment(id="later", text="y")])
    with pytest.raises(RecordError, match="not its own"):
        store.add_comments([Comment(id="a", text="x", supersedes=("a",))])


def test_a_withdrawn_comment_stays_with_its_reason(store: Store) -> None:
    store.add_comments([COMMENT])
    store.withdraw("no-question", "said by mistake")
    store.withdraw("no-question", "again")
    assert store.comments() == []
    assert store.comment("no-question").status == "withdrawn"
    assert [event.payload for event in store.events() if event.kind == "comment.withdrawn"] == [
        {"reason": "said by mistake"}
    ]


def test_a_wrong_id_is_answered_with_near_ones(store: Store) -> None:
    store.add_comments([COMMENT])
    with pytest.raises(NotFoundError, match="no comment 'no-qestion'; did you mean 'no-question'"):
        store.comment("no-qestion")
    with pytest.raises(NotFoundError, match="no comment 'zzz' in the store"):
        store.withdraw("zzz", "")


def test_a_refinement_addresses_comments_that_are_there(store: Store) -> None:
    with pytest.raises(RecordError, match=r"refinement.addresses\[0\]: no comment 'no-question'"):
        store.add_refinements([BETTER])
    store.add_comments([COMMENT])
    store.add_refinements([BETTER])
    assert store.refinements() == [BETTER]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"text": " \n"}, 'text: found " \\n", expected words'),
        ({"polarity": 2.0}, "polarity: found 2.0, expected a number from -1"),
        ({"polarity": float("nan")}, "polarity: found NaN"),
        ({"created": "2026-01-31"}, "created: found"),
        ({"id": "a\nb"}, "id: found"),
        ({"id": "x" * 201}, "expected 1 to 200 characters"),
        ({"check": Check(name=" ")}, "check.name: found"),
        ({"check": Check(name="x", args={"a": Path("x")})}, "cannot be kept"),
        ({"author": "\ud800"}, "half of a surrogate pair"),
    ],
)
def test_what_could_not_be_exported_is_not_taken_in(store: Store, changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(RecordError) as error:
        store.add_comments([dataclasses.replace(COMMENT, **changes)])  # type: ignore[arg-type]
    assert sentence in str(error.value)
    assert store.events() == []


# Prompts


def test_a_prompt_gains_its_family_and_split_later_and_keeps_them(store: Store) -> None:
    store.add_responses([Response(prompt=ask("hi"), text="yo")])
    assert store.add_prompts([ask("hi", family="greetings", split="test")]) == Added(new=0, known=1)
    assert store.prompts("test") == [ask("hi", family="greetings", split="test")]
    assert store.prompts("train") == []
    store.add_prompts([ask("hi")])
    assert store.prompts() == [ask("hi", family="greetings", split="test")]
    assert kinds(store)[-1] == "prompt.placed"
    with pytest.raises(RecordError, match=r"split: found 'train', but prompt 'p-.*' is in 'test' already"):
        store.add_prompts([ask("hi", split="train")])


@pytest.mark.parametrize("messages", [(), (Message(role="assistant", content="x"),), (Message(role="user", content="  "),)])
def test_a_prompt_that_asks_nothing_is_refused(store: Store, messages: tuple[Message, ...]) -> None:
    with pytest.raises(RecordError, match="prompt 'p-"):
        store.add_prompts([Prompt(messages=messages)])


# Versions, runs, evaluations


def test_an_alias_moves_and_remembers_where_it_was(store: Store) -> None:
    for name in ("v1", "v2"):
        store.add_version(Version(id=name, path=f"models/{name}", form="full"))
    assert store.alias("champion") is None
    for name in ("v1", "v2", "v2", "v1"):
        store.set_alias("champion", name)
    assert store.version("champion") == store.version("v1") == Version(id="v1", path="models/v1", form="full")
    assert [move.version_id for move in store.alias_history("champion")] == ["v1", "v2", "v1"]
    assert [at for at, _version_id in store.alias_history("champion")] == sorted(
        at for at, _ in store.alias_history("champion")
    )


def test_an_alias_points_at_a_version_that_is_there_and_has_a_name_of_its_own(store: Store) -> None:
    store.add_version(Version(id="v1", path="p", form="base"))
    with pytest.raises(NotFoundError, match="no version 'v2'; did you mean 'v1'"):
        store.set_alias("champion", "v2")
    with pytest.raises(RecordError, match="not a version's id"):
        store.set_alias("v1", "v1")
    store.set_alias("champion", "v1")
    with pytest.raises(RecordError, match="name of an alias"):
        store.add_version(Version(id="champion", path="p", form="base"))
    with pytest.raises(RecordError, match="version 'v1' is there already with other content"):
        store.add_version(Version(id="v1", path="q", form="base"))


def test_runs_evaluations_and_rejections_come_back_equal(store: Store) -> None:
    run = Run(
        id="r1", method="dpo", parent="v1", folder="runs/r1", settings={"beta": 0.1, "loss": {"a": [1]}}, comments=("a",)
    )
    rate = Rate(before=0.1, after=0.9, n=20, interval=(0.5, 1.0))
    endless = Finding(name="leak", estimate=0.1, interval=(float("-inf"), 0.2), margin=0.1, passed=None, n=3, sentence="…")
    evaluation = Evaluation(
        id="e1",
        champion="v1",
        candidate="v2",
        takes=(Take(comment_id="a", text="x", take="took", inside=rate),),
        outcomes=(
            Outcome(
                comment_id="a", scope="near", prompt=ask("x"), before="a", after="b", held_before=True, held_after=False
            ),
        ),
        heldout=Heldout(loss_before=2.0, loss_after=1.0, tokens=7),
        verdict=Verdict(verdict="unsure", reason="…", findings=(endless,), needed=3),
    )
    rejection = Rejection(response=RESPONSE, text="worse", reason="longer", refiner="sample")
    store.add_run(run)
    store.add_evaluation(evaluation)
    assert store.add_rejections([rejection, rejection]) == Added(new=1, known=1)
    assert store.runs() == [run] == [store.run("r1")]
    assert store.evaluations() == [evaluation]
    assert store.rejections() == [rejection]
    assert kinds(store) == ["run.added", "evaluation.added", "rejection.added"]


# Events


@pytest.mark.parametrize("statement", ["DELETE FROM events", "UPDATE events SET at = ''", "DELETE FROM comments"])
def test_the_database_itself_refuses_to_forget(store: Store, statement: str) -> None:
    store.add_comments([COMMENT])
    with pytest.raises(StoreError, match="nothing said is deleted"), store.writing() as db:
        db.exec_driver_sql(statement)
    assert store.comments() == [COMMENT]


def test_a_change_and_its_event_are_kept_together_or_not_at_all(store: Store) -> None:
    with pytest.raises(RuntimeError), store.writing() as db:
        db.exec_driver_sql("INSERT INTO events (at, kind, subject, payload) VALUES ('', 'x', 'y', '{}')")
        raise RuntimeError
    assert store.events() == []


def test_everything_is_there_after_closing_and_opening_again(tmp_path: Path) -> None:
    first = database.open(tmp_path / "sayso.db", clock=counting_clock())
    first.add_comments([COMMENT])
    first.close()
    again = database.open(str(tmp_path / "sayso.db"), clock=counting_clock())
    assert again.comments() == [COMMENT]
    again.close()


# What can go wrong around it


def test_a_write_is_synchronised_and_foreign_keys_hold(sqlite_store: Store) -> None:
    with sqlite_store.reading() as db:
        answers = [db.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys")]
    assert answers == ["wal", 2, 1]


@pytest.mark.parametrize("content", [b"this is a text, not a database" * 100, b"SQLite format 3\x00" + b"\x07" * 4000])
def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sayso.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"this file is not a database|is damaged"):
        database.open(path, clock=counting_clock())
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE cats (name TEXT)")
    raw.close()
    with pytest.raises(StoreError, match=r"a database of another program \(tables cats\)"):
        database.open(path, clock=counting_clock())


def test_a_newer_schema_asks_for_a_newer_sayso(tmp_path: Path) -> None:
    path = tmp_path / "sayso.db"
    database.open(path, clock=counting_clock()).close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '0099'")
    raw.close()
    with pytest.raises(StoreError, match="schema 0099 was written by a newer sayso; this one knows up to 0003"):
        database.open(path, clock=counting_clock())


def test_a_full_disk_keeps_what_was_there_and_says_so(sqlite_store: Store) -> None:
    sqlite_store.add_comments([COMMENT])
    with sqlite_store.reading() as db:
        pages = db.exec_driver_sql("PRAGMA page_count").scalar()

    def no_more_pages(raw: sqlite3.Connection, *_others: object) -> None:
        raw.execute(f"PRAGMA max_page_count = {pages}").close()

    event.listen(sqlite_store.engine, "checkout", no_more_pages)
    with pytest.raises(StoreError, match="the disk is full; nothing of this change was kept"):
        sqlite_store.add_comments([Comment(text=f"{number} " + "long " * 2000) for number in range(20)])
    event.remove(sqlite_store.engine, "checkout", no_more_pages)
    sqlite_store.close()
    assert sqlite_store.comments() == [COMMENT]
    sqlite_store.add_comments([Comment(text="there is room again")])


def test_a_locked_database_is_waited_for_and_then_said_to_be_locked(tmp_path: Path) -> None:
    database.open(tmp_path / "sayso.db", clock=counting_clock()).close()
    impatient = database.open(tmp_path / "sayso.db", clock=counting_clock(), busy_seconds=0.05)
    with sqlite3.connect(tmp_path / "sayso.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process is writing"):
            impatient.add_comments([COMMENT])
        assert impatient.comments() == []
        other.execute("ROLLBACK")
    other.close()
    assert impatient.add_comments([COMMENT]).new == 1
    impatient.close()


@pytest.mark.parametrize(
    ("path", "sentence"), [("", "found a folder; expected a file such as"), ("missing/sayso.db", "there is no folder")]
)
def test_a_path_that_cannot_be_a_file_is_named(tmp_path: Path, path: str, sentence: str) -> None:
    with pytest.raises(StoreError, match=sentence):
        database.open(tmp_path / path, clock=counting_clock())


READ_ONLY = """
import os, sys
import alembic.command, alembic.config
from sayso.errors import StoreError
from sayso.store import database
if os.geteuid() == 0:  # who may do everything must first become somebody else
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    store = database.open(sys.argv[1], clock=lambda: "")
    store.add_prompts([])
except StoreError as error:
    print(error)
"""


@pytest.mark.parametrize("made_before", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_folder_that_may_not_be_written_to_is_named(made_before: bool) -> None:
    folder = Path(tempfile.mkdtemp())
    if made_before:
        database.open(folder / "sayso.db", clock=counting_clock()).close()
    folder.chmod(0o555)
    command = [sys.executable, "-c", READ_ONLY, str(folder / "sayso.db")]
    found = subprocess.run(command, capture_output=True, text=True)
    folder.chmod(0o755)
    shutil.rmtree(folder)
    assert found.stderr == ""
    assert "sayso.db: cannot be written" in found.stdout


def test_a_url_of_an_unknown_database_is_refused_without_showing_its_password() -> None:
    with pytest.raises(StoreError, match=r"mysql://me:\*\*\*@host/name: expected a path to a file, or a postgresql:// URL"):
        database.open("mysql://me:secret@host/name", clock=counting_clock())


def test_postgresql_without_its_driver_names_the_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'sayso\[postgres\]'"):
        database.open("postgresql://me@host/name", clock=counting_clock())


def test_threads_write_one_after_another_and_lose_nothing(store: Store) -> None:
    def say(name: str) -> None:
        for number in range(5):
            store.add_comments([Comment(text=f"{name} {number}")])

    threads = [threading.Thread(target=say, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {comment.text for comment in store.comments()} == {f"{name} {number}" for name in "abcd" for number in range(5)}


def test_the_door_is_light() -> None:
    code = "import sys, sayso.store; print([m for m in ('pydantic', 'sqlalchemy', 'alembic', 'torch') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    code = "import sys, sayso.store.database; print([m for m in ('pydantic', 'alembic', 'torch') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
