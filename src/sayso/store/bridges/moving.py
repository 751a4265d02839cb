"""A file of another tool comes into a store, whole or not at all; a store goes out as a file of another tool."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select

from sayso import registry
from sayso.i18n import gettext as _
from sayso.records import Refinement
from sayso.store import questions, tables
from sayso.store.bridges import EXPORTERS, IMPORTERS, Read, Write
from sayso.store.bridges.guessing import OURS
from sayso.store.bridges.ordering import in_order
from sayso.store.bridges.results import Bridged, Lost, Records, Written
from sayso.store.database import Store
from sayso.store.exchange import (
    Imported,
    Reading,
    Verify,
    check_problems,
    export_comments,
    import_comments,
    import_entries,
    read_comments,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrived:
    """What became of a file: what was imported, and what of the file a record cannot hold."""

    imported: Imported
    lost: tuple[Lost, ...]


def read(path: str | Path, name: str, *, verify: Verify | None = None) -> Bridged:
    """Read a file in a format of `IMPORTERS`, or with an outside `module:function`; nothing is kept.

    `verify` is asked of every open comment with a check, as in `exchange.read_comments`.

    Raises:
        NotFoundError: there is no such format, or no such file.
        RecordError: the file as a whole cannot be read.
    """
    reader: Read = registry.load({OURS: "", **IMPORTERS}, name, kind=_("format"))
    found = reader(Path(path))
    for entry in found.entries:
        if entry.comment is not None:
            entry.problems += check_problems(entry.comment, verify)
    return Bridged(entries=in_order(found.entries), lost=found.lost)


def look(store: Store, path: str | Path, name: str, *, verify: Verify | None = None) -> Arrived:
    """Say what `bring_in` would find in a file, and import nothing; `new` counts the comments that the store has not."""
    if name == OURS:
        reading = read_comments(path, verify=verify)
        found = Bridged(entries=())
    else:
        found = read(path, name, verify=verify)
        reading = Reading(
            comments=found.comments, refinements=found.refinements, prompts=found.prompts, responses=found.responses,
            faults=found.faults,
        )  # fmt: skip
    known = {comment.id for comment in store.comments(None)}
    new = sum(comment.id not in known for comment in reading.comments)
    imported = Imported(
        comments=reading.comments, refinements=reading.refinements, prompts=reading.prompts, responses=reading.responses,
        new=new, known=len(reading.comments) - new, faults=reading.faults,
    )  # fmt: skip
    return Arrived(imported=imported, lost=found.lost)


def bring_in(
    store: Store,
    path: str | Path,
    name: str,
    *,
    skip_bad: bool = False,
    revise: bool = False,
    verify: Verify | None = None,
) -> Arrived:
    """Bring a file of another tool into the store, in one transaction; `exchange.import_comments` says how.

    Raises:
        NotFoundError, RecordError: as `read`.
        StoreError: the database or the disk refused; nothing was imported.
    """
    if name == OURS:
        return Arrived(imported=import_comments(store, path, skip_bad=skip_bad, revise=revise, verify=verify), lost=())
    found = read(path, name, verify=verify)
    imported = import_entries(store, Path(path), found.entries, skip_bad=skip_bad, revise=revise)
    return Arrived(imported=imported, lost=found.lost)


def write_out(store: Store, path: str | Path, name: str) -> Written:
    """Write a store in a format of `EXPORTERS`, or with an outside `module:function`.

    Raises:
        NotFoundError: there is no such format.
        StoreError: the disk refused.
    """
    if name == OURS:
        return Written(count=export_comments(store, path), files=(Path(path),))
    writer: Write = registry.load({OURS: "", **EXPORTERS}, name, kind=_("format"))
    return writer(everything(store), Path(path))


def everything(store: Store) -> Records:
    """Return what a store holds at one moment: prompts, responses, comments (of any status), refinements, verdicts."""
    with store.reading() as db:
        return Records(
            comments=tuple(questions.comments(db, None)),
            refinements=tuple(questions.records(db, tables.refinements, Refinement)),
            prompts=tuple(questions.prompts(db, None)),
            responses=tuple(questions.responses(db, None)),
            verdicts=_verdicts(db),
            rejected=questions.rejected(db),
        )


def _verdicts(db: Connection) -> dict[str, tuple[str, ...]]:
    """Return the verdicts of reviewers by response; where the lead decided between them, only that one."""
    found: dict[str, tuple[str, ...]] = {}
    for row in db.execute(select(tables.verdicts).order_by(tables.verdicts.c.response_id, tables.verdicts.c.reviewer_id)):
        found[row.response_id] = (*found.get(row.response_id, ()), row.verdict)
    return found | {row.response_id: (row.verdict,) for row in db.execute(select(tables.adjudications))}
