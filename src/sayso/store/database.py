"""Open the database and keep it whole: one file `sayso.db` (SQLite), or PostgreSQL by its URL.

SQLite runs with a write-ahead log, full synchronisation and foreign keys: when a call that writes has returned, what it
wrote is on disk. A write is one transaction, and there is one writer at a time.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from sayso.errors import MissingExtraError, RecordError, StoreError
from sayso.records import (
    Comment,
    Evaluation,
    Prompt,
    Refinement,
    Rejection,
    Response,
    Run,
    Split,
    Status,
    Version,
)
from sayso.store import intake, questions, schema, tables
from sayso.store.questions import Added, Event, Move
from sayso.store.turns import Turns

BUSY_SECONDS = 30.0
"""How long a write waits for another's write before it gives up."""
_POOL: dict[str, Any] = {"pool_size": 8, "max_overflow": 24}
"""Connections that stay open, and how many more there may be: as many threads as a server has read at once."""
_WRITER = 0x736179736F  # "sayso": the number of the lock that writers on PostgreSQL take in turn
_AGAIN_SECONDS = 0.01  # between two tries of what SQLite does not wait for itself
_LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's name for a wait that took too long


def open(where: str | Path, *, clock: Callable[[], str], busy_seconds: float = BUSY_SECONDS) -> Store:  # noqa: A001 (read as store.open)
    """Open the store at a path, or at a `postgresql://` URL, making or migrating it where needed.

    `clock` returns the present time as ISO 8601 with its zone; it dates the events.

    Raises:
        StoreError: not a database, another program's, a newer sayso's, read-only, locked, or the disk is full.
        MissingExtraError: a PostgreSQL URL without its driver installed.
    """
    name = str(where)
    engine = _postgres(name) if "://" in name else _sqlite(Path(where), busy_seconds)
    shown = engine.url.render_as_string(hide_password=True) if "://" in name else name
    store = Store(engine, where=shown, clock=clock, busy_seconds=busy_seconds)
    try:
        with store.reading() as db:
            current = schema.revision(db) == schema.HEAD
        if not current:
            with store.writing() as db:
                schema.bring_up(db, shown)
    except StoreError:
        store.close()
        raise
    return store


class Store:
    """The records that are kept, and the questions that are asked of them; safe to share between threads."""

    def __init__(self, engine: Engine, *, where: str, clock: Callable[[], str], busy_seconds: float = BUSY_SECONDS) -> None:
        self.engine = engine
        self.where = where
        self.clock = clock
        self._busy_seconds = busy_seconds
        self._turns = Turns()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give one write transaction: all of it is kept when the block ends, none when it raises."""
        with self._turn(), _clear(self.where), self.engine.connect().execution_options(writes=True) as db, db.begin():
            if db.dialect.name == "postgresql":  # SQLite has one writer by itself
                patience = {"most": f"{self._busy_seconds * 1000:.0f}", "lock": _WRITER}
                db.execute(text("SELECT set_config('lock_timeout', :most, true), pg_advisory_xact_lock(:lock)"), patience)
            yield db

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give one read transaction: every question in it sees the same state."""
        with _clear(self.where), self.engine.connect() as db, db.begin():
            yield db

    def add_comments(self, comments: Sequence[Comment]) -> Added:
        """Add comments, and the responses and prompts they carry; those known already are left as they are.

        Raises:
            RecordError: a comment breaks a rule, has the id of another, or supersedes an unknown one; none is added.
        """
        with self.writing() as db:
            room = questions.intake_for(db, comments)
            return self._write(db, room, [_admit(intake.admit_comment, room, "comment", item) for item in comments])

    def add_refinements(self, refinements: Sequence[Refinement]) -> Added:
        """Add refinements, and the responses they improve on.

        Raises:
            RecordError: a refinement breaks a rule, has the id of another, or addresses an unknown comment; none is added.
        """
        with self.writing() as db:
            room = questions.intake_for(db, refinements=refinements)
            return self._write(db, room, [_admit(intake.admit_refinement, room, "refinement", item) for item in refinements])

    def add_prompts(self, prompts: Sequence[Prompt]) -> Added:
        """Add prompts; one that is known without a family or a split gains it.

        Raises:
            RecordError: a prompt breaks a rule, has the id of another, or changes family or split; none is added.
        """
        with self.writing() as db:
            room = questions.intake_for(db, prompts=prompts)
            return self._write(db, room, [_admit(intake.admit_prompt, room, "prompt", item) for item in prompts])

    def add_responses(self, responses: Sequence[Response]) -> Added:
        """Add responses and their prompts.

        Raises:
            RecordError: a response breaks a rule or has the id of another; none is added.
        """
        with self.writing() as db:
            room = questions.intake_for(db, responses=responses)
            return self._write(db, room, [_admit(intake.admit_response, room, "response", item) for item in responses])

    def add_rejections(self, rejections: Sequence[Rejection]) -> Added:
        """Add candidate refinements that were not kept."""
        return self._add(tables.rejections, rejections)

    def add_version(self, version: Version) -> Added:
        """Add a model version; RecordError where its id is taken by another, or is an alias."""
        if self.alias(version.id) is not None:
            raise RecordError("version {id!r} has the name of an alias; expected another id", id=version.id)
        return self._add(tables.versions, [version])

    def add_run(self, run: Run) -> Added:
        """Add a training run; RecordError where its id is taken by another."""
        return self._add(tables.runs, [run])

    def add_evaluation(self, evaluation: Evaluation) -> Added:
        """Add an evaluation; RecordError where its id is taken by another."""
        return self._add(tables.evaluations, [evaluation])

    def comments(self, status: Status | None = "open") -> list[Comment]:
        """Return the comments of a status (None: all), in order of arrival."""
        with self.reading() as db:
            return questions.comments(db, status)

    def comment(self, comment_id: str) -> Comment:
        """Return one comment; NotFoundError names near ids."""
        with self.reading() as db:
            return questions.comment(db, comment_id)

    def withdraw(self, comment_id: str, reason: str) -> None:
        """Withdraw a comment: it stays, with the status `withdrawn`, and is learnt from no more."""
        with self.writing() as db:
            questions.withdraw(db, comment_id, reason, self.clock())

    def prompts(self, split: Split | None = None) -> list[Prompt]:
        """Return the prompts of a split (None: all), in order of arrival."""
        with self.reading() as db:
            return questions.prompts(db, split)

    def responses(self, version: str | None = None) -> list[Response]:
        """Return what a version wrote (None: any), in order of arrival."""
        with self.reading() as db:
            return questions.responses(db, version)

    def refinements(self) -> list[Refinement]:
        """Return every refinement, in order of arrival."""
        with self.reading() as db:
            return questions.records(db, tables.refinements, Refinement)

    def wanted_refinements(self) -> list[Refinement]:
        """Return the refinements but those that people rejected and nobody accepted, in order of arrival."""
        with self.reading() as db:
            refused = questions.rejected(db)
            return [item for item in questions.records(db, tables.refinements, Refinement) if item.id not in refused]

    def rejections(self) -> list[Rejection]:
        """Return every candidate refinement that was not kept, in order of arrival."""
        with self.reading() as db:
            return questions.records(db, tables.rejections, Rejection)

    def versions(self) -> list[Version]:
        """Return every model version, in order of arrival."""
        with self.reading() as db:
            return questions.records(db, tables.versions, Version)

    def version(self, id_or_alias: str) -> Version:
        """Return one version by id or alias; NotFoundError names near ids."""
        with self.reading() as db:
            return questions.version(db, id_or_alias)

    def set_alias(self, name: str, version_id: str) -> None:
        """Point an alias such as `champion` at a version, in one step."""
        with self.writing() as db:
            questions.set_alias(db, name, version_id, self.clock())

    def alias(self, name: str) -> str | None:
        """Return the id of the version an alias points at, or None."""
        with self.reading() as db:
            return questions.alias(db, name)

    def alias_history(self, name: str) -> list[Move]:
        """Return when an alias was pointed at which version, oldest first: what a rollback goes back through."""
        with self.reading() as db:
            return questions.alias_history(db, name)

    def runs(self) -> list[Run]:
        """Return every training run, in order of arrival."""
        with self.reading() as db:
            return questions.records(db, tables.runs, Run)

    def run(self, run_id: str) -> Run:
        """Return one training run; NotFoundError names near ids."""
        with self.reading() as db:
            return questions.one(db, tables.runs, Run, run_id)

    def evaluations(self) -> list[Evaluation]:
        """Return every evaluation, in order of arrival."""
        with self.reading() as db:
            return questions.records(db, tables.evaluations, Evaluation)

    def events(self) -> list[Event]:
        """Return every change that was made, oldest first."""
        with self.reading() as db:
            return questions.events(db)

    def close(self) -> None:
        """Let go of the database; what was written is on disk already."""
        self.engine.dispose()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        # The threads of this process queue here: in the database they would poll, and some would wait for very long.
        with ExitStack() as stack:
            try:
                stack.enter_context(self._turns.turn(self._busy_seconds))
            except TimeoutError as error:
                raise _busy(self.where) from error
            yield

    def _add(self, table: Any, found: Sequence[Any]) -> Added:
        with self.writing() as db:
            return questions.add_records(db, table, found, self.clock())

    def _write(self, db: Connection, room: intake.Intake, new: Sequence[bool]) -> Added:
        questions.write(db, room, self.clock())
        return Added(new=sum(new), known=len(new) - sum(new))


def _admit(admit: Callable[[intake.Intake, Any], bool], room: intake.Intake, kind: str, record: Any) -> bool:
    try:
        return admit(room, record)
    except RecordError as error:
        raise intake.named(kind, record.id, error) from error


def _sqlite(path: Path, busy_seconds: float) -> Engine:
    if path.is_dir():
        raise StoreError(
            "{where}: found a folder; expected a file such as {file}", where=str(path), file=str(path / "sayso.db")
        )
    if not path.absolute().parent.is_dir():
        raise StoreError("{where}: there is no folder {folder}; make it first", where=str(path), folder=str(path.parent))
    engine = create_engine(f"sqlite:///{path.absolute()}", connect_args={"timeout": busy_seconds}, **_POOL)
    event.listen(engine, "connect", lambda raw, _record: _prepare(raw, busy_seconds))
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(raw: sqlite3.Connection, busy_seconds: float) -> None:
    raw.isolation_level = None  # transactions are begun by `_begin`, not guessed by the driver
    _keep_a_log(raw, busy_seconds)
    for pragma in ("synchronous = FULL", "foreign_keys = ON"):
        raw.execute(f"PRAGMA {pragma}").close()


def _keep_a_log(raw: sqlite3.Connection, busy_seconds: float) -> None:
    # SQLite does not wait where two connections turn one new file to the write-ahead log: one of them is refused at once.
    until = time.monotonic() + busy_seconds
    while True:
        try:
            raw.execute("PRAGMA journal_mode = WAL").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_AGAIN_SECONDS)
        else:
            return


def _begin(db: Connection) -> None:
    # A write takes its lock at once: two writers then wait for each other instead of failing half-way.
    db.exec_driver_sql("BEGIN IMMEDIATE" if db.get_execution_options().get("writes") else "BEGIN")


def _postgres(name: str) -> Engine:
    try:
        url = make_url(name)
    except ArgumentError as error:
        raise StoreError("{where!r} is no database URL; expected postgresql://user@host/name", where=name) from error
    if not url.drivername.startswith("postgres"):
        raise StoreError(
            "{where}: expected a path to a file, or a postgresql:// URL", where=url.render_as_string(hide_password=True)
        )
    try:
        return create_engine(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, **_POOL)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "PostgreSQL needs its driver, which is not installed; get it with `pip install 'sayso[postgres]'`"
        ) from error


@contextmanager
def _clear(where: str) -> Iterator[None]:
    """Turn the database's own errors into one clear line."""
    try:
        yield
    except DBAPIError as error:
        raise _refusal(where, error) from error


def _busy(where: str) -> StoreError:
    return StoreError("{where}: another process is writing and did not finish in time; try again", where=where)


def _refusal(where: str, error: DBAPIError) -> StoreError:
    reason = " ".join(str(error.orig).split())
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF  # the low byte is the class of the error
    if code == sqlite3.SQLITE_NOTADB:
        return StoreError("{where}: this file is not a database; name another path, or move the file away", where=where)
    if code == sqlite3.SQLITE_FULL:
        return StoreError(
            "{where}: the disk is full; nothing of this change was kept, all before it is safe: free space, do it again",
            where=where,
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or getattr(error.orig, "sqlstate", "") == _LOCK_NOT_AVAILABLE:
        return _busy(where)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return StoreError(
            "{where}: cannot be written ({reason}); expected a file in a folder you may write to", where=where, reason=reason
        )
    if code == sqlite3.SQLITE_CORRUPT:
        return StoreError(
            "{where}: the file is damaged ({reason}); restore a copy, or `sqlite3 FILE .recover`", where=where, reason=reason
        )
    return StoreError(
        "{where}: the database refused ({reason}); nothing of this change was kept", where=where, reason=reason
    )
