"""A file of another tool comes into a store, whole or not at all; a store goes out as a file of another tool."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sayso import registry
from sayso.i18n import gettext as _
from sayso.records import Refinement
from sayso.store import questions, tables
from sayso.store.bridges import EXPORTERS, IMPORTERS, Read, Write
from sayso.store.bridges.ordering import in_order
from sayso.store.bridges.results import Bridged, Lost, Records, Written
from sayso.store.database import Store
from sayso.store.exchange import Imported, Verify, check_problems, import_entries


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
    reader: Read = registry.load(IMPORTERS, name, kind=_("format"))
    found = reader(Path(path))
    for entry in found.entries:
        if entry.comment is not None:
            entry.problems += check_problems(entry.comment, verify)
    return Bridged(entries=in_order(found.entries), lost=found.lost)


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
    found = read(path, name, verify=verify)
    imported = import_entries(store, Path(path), found.entries, skip_bad=skip_bad, revise=revise)
    return Arrived(imported=imported, lost=found.lost)


def write_out(store: Store, path: str | Path, name: str) -> Written:
    """Write a store in a format of `EXPORTERS`, or with an outside `module:function`.

    Raises:
        NotFoundError: there is no such format.
        StoreError: the disk refused.
    """
    writer: Write = registry.load(EXPORTERS, name, kind=_("format"))
    return writer(everything(store), Path(path))


def everything(store: Store) -> Records:
    """Return all that a store holds of prompts, responses, comments (of any status) and refinements, of one moment."""
    with store.reading() as db:
        return Records(
            comments=tuple(questions.comments(db, None)),
            refinements=tuple(questions.records(db, tables.refinements, Refinement)),
            prompts=tuple(questions.prompts(db, None)),
            responses=tuple(questions.responses(db, None)),
        )
