"""The migrations make what the tables say, go down as they came up, and may be run by two at once."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from tests.store.conftest import counting_clock, emptied

import sayso.store
from sayso.records import Comment, Response, ask
from sayso.store import database, review, schema, search, tables
from sayso.store.database import Store
from sayso.store.tables import metadata


def differences(db: Connection) -> list[tuple[str, object]]:
    """Return what the tables say otherwise than the database; what a search is narrowed by is the migrations' alone."""

    def ours(_item: object, name: str | None, *_others: object) -> bool:
        return name != "grams" and not str(name).startswith("search_")

    context = MigrationContext.configure(db, opts={"compare_type": True, "include_object": ours})
    return list(compare_metadata(context, metadata))


def test_the_migrations_make_what_the_tables_say(store: Store) -> None:
    with store.reading() as db:
        assert differences(db) == []
        made = {name for name in inspect(db).get_table_names() if not name.startswith("search_")}
    assert made == {*metadata.tables, "alembic_version"}


def test_a_table_that_no_migration_makes_would_be_noticed(sqlite_store: Store) -> None:
    with sqlite_store.writing() as db:
        db.exec_driver_sql("DROP INDEX ix_comments_status")
        assert differences(db)[0][0] == "add_index"


def test_the_newest_migration_is_the_one_that_opening_expects() -> None:
    folder = Path(sayso.store.__file__).parent / "migrations"
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


def test_down_and_up_again_leaves_an_empty_store_that_works(store: Store) -> None:
    store.add_comments([Comment(text="x")])
    with store.writing() as db:
        schema.migrate(db, "base")
        assert inspect(db).get_table_names() == ["alembic_version"]
    with store.writing() as db:
        schema.bring_up(db, "here")
    assert store.comments() == []
    assert store.add_comments([Comment(text="x")]).new == 1


def test_what_is_searched_stays_found_up_and_down(store: Store) -> None:
    many = [Comment(text=f"number {n}") for n in range(1100)]  # more than one step of the filling
    store.add_comments([Comment(text="先道歉"), *many, Comment(text="它's \\")])
    store.add_responses([Response(prompt=ask("我的钥匙"), text="在哪里"), Response(prompt=ask("?"), text="")])
    for target in ("0002", "0003"):
        with store.writing() as db:
            schema.migrate(db, target)
            kept = {column["name"] for column in inspect(db).get_columns("comment_words")}
            assert ("grams" in kept) == (target == "0003" and db.dialect.name == "postgresql")
    with store.reading() as db:
        found = [sorted(search.find(db, tables.comments, words).seqs or ()) for words in ("歉", "'s", "109", "r 42", "谦")]
        assert found == [[1], [1102], [111, *range(1092, 1102)], [44, *range(422, 432)], []]
        found = [sorted(search.find(db, tables.responses, words).seqs or ()) for words in ("钥匙", "里", "?", "x")]
        assert found == [[1], [1], [2], []]
    store.add_comments([Comment(text="新")])
    assert [item.text for item in review.comment_page(store, search="新").comments] == ["新"]


def test_a_search_on_postgresql_needs_no_extension(migrated_postgres: str) -> None:
    store = database.open(emptied(migrated_postgres), clock=counting_clock())
    with store.reading() as db:
        assert db.scalars(text("SELECT extname FROM pg_extension")).all() == ["plpgsql"]
        asked = "EXPLAIN SELECT seq FROM comment_words WHERE grams @@ CAST($$'ab':*$$ AS tsquery)"
        db.execute(text("SET LOCAL enable_seqscan = off"))
        assert any("search_comment_words" in line for line in db.scalars(text(asked)))
    store.close()


def test_a_migration_that_fails_leaves_the_database_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(db: object, target: str) -> None:
        migrate(db, target)  # type: ignore[arg-type]
        raise RuntimeError

    migrate = schema.migrate
    monkeypatch.setattr(schema, "migrate", broken)
    with pytest.raises(RuntimeError):
        database.open(tmp_path / "sayso.db", clock=counting_clock())
    monkeypatch.undo()
    store = database.open(tmp_path / "sayso.db", clock=counting_clock())
    assert store.events() == []
    store.close()


@pytest.mark.slow
def test_several_processes_may_open_a_new_store_at_once(tmp_path: Path) -> None:
    code = "import sys; from sayso.store import database; database.open(sys.argv[1], clock=lambda: '').close()"
    path = str(tmp_path / "sayso.db")
    several = [subprocess.Popen([sys.executable, "-c", code, path], stderr=subprocess.PIPE) for _ in range(3)]
    assert [(process.communicate()[1], process.returncode) for process in several] == [(b"", 0)] * 3


@pytest.mark.slow
def test_threads_that_open_a_new_store_at_the_same_moment_wait_for_each_other(tmp_path: Path) -> None:
    # SQLite refuses at once where two turn a new file to the write-ahead log; without waiting, one round in ten failed.
    def opened(path: Path) -> bool:
        gate.wait()
        database.open(path, clock=counting_clock()).close()
        return True

    gate = Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        for n in range(30):
            assert list(pool.map(opened, [tmp_path / f"{n}.db"] * 4)) == [True] * 4
