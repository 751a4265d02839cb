"""A whole history, from a file to a file: the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import inspect
from tests.store.conftest import counting_clock
from tests.store.test_exchange import GOOD, write

from sayso.errors import StoreError
from sayso.records import Comment, Version
from sayso.store import database, exchange, schema
from sayso.store.database import Store


def test_the_same_history_on_every_database(store: Store, tmp_path: Path) -> None:
    assert exchange.import_comments(store, write(tmp_path / "in.jsonl", *GOOD)).new == len(GOOD)
    assert exchange.import_comments(store, tmp_path / "in.jsonl").known == len(GOOD)
    store.add_comments([Comment(id="nul", text="\x00x", author="\x00")])
    store.withdraw("nul", "not a word")
    store.add_version(Version(id="v1", path="p", form="base"))
    store.set_alias("champion", "v1")
    assert [move.version_id for move in store.alias_history("champion")] == ["v1"]
    with pytest.raises(StoreError, match="nothing said is deleted"), store.writing() as db:
        db.exec_driver_sql("DELETE FROM events")
    _write_in_threads(store)
    seqs = [event.seq for event in store.events()]
    assert seqs == sorted(set(seqs))
    _copy_is_equal(store, tmp_path)
    with store.writing() as db:
        schema.migrate(db, "base")
        assert inspect(db).get_table_names() == ["alembic_version"]


def _write_in_threads(store: Store) -> None:
    def say(name: str) -> None:
        for number in range(3):
            store.add_comments([Comment(text=f"{name} {number}")])

    before = len(store.comments())
    threads = [threading.Thread(target=say, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.comments()) == before + 9


def _copy_is_equal(store: Store, folder: Path) -> None:
    copy = database.open(folder / "copy.db", clock=counting_clock())
    exchange.export_comments(store, folder / "out.jsonl")
    exchange.import_comments(copy, folder / "out.jsonl")
    assert copy.comments(None) == store.comments(None)
    assert {item.id: item for item in copy.refinements()} == {item.id: item for item in store.refinements()}
    copy.close()
