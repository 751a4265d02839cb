"""The migrations make what the tables say, go down as they came up, and may be run by two at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect
from tests.store.conftest import counting_clock

import sayso.store
from sayso.records import Comment
from sayso.store import database, schema
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
        tables = {name for name in inspect(db).get_table_names() if not name.startswith("search_")}
    assert tables == {*metadata.tables, "alembic_version"}


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
