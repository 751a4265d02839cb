"""What a response's row says about everything said of it: counted again, in the same transaction, whenever that changes.

The queue sorts and filters by these columns, so that no question of it reads a body.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, select, update

from sayso.store import tables

VERDICTS = ("good", "needs_work", "bad")
"""In order: the first and the last are twice as far apart as neighbours."""
_CHUNK = 500


class _Said(NamedTuple):
    author: str
    kind: str
    n: int


def count_again(db: Connection, response_ids: Iterable[str | None]) -> None:
    """Bring the counted columns of these responses up to date."""
    wanted = sorted({item for item in response_ids if item is not None})
    for first in range(0, len(wanted), _CHUNK):
        _count_chunk(db, wanted[first : first + _CHUNK])


def spread(verdicts: Sequence[str]) -> float:
    """Return how far apart verdicts are: the mean distance between two of them, from 0 (all alike) to 1."""
    places = [VERDICTS.index(item) for item in verdicts]
    pairs = [abs(one - other) for one, other in combinations(places, 2)]
    return sum(pairs) / len(pairs) / (len(VERDICTS) - 1) if pairs else 0.0


def doubt(score: float | None, rejected: int, n_comments: int) -> float:
    """Return how uncertain a response is, to sort by.

    Where the model gave a score (the mean log-probability of a token), the lowest score is the most uncertain, and comes
    before every response without one; of those, the one with the most rejected refinements, then with the fewest comments.
    """
    if score is not None:
        return 1e6 - score
    return rejected + 1 / (1 + n_comments)


def opposed(said: Iterable[tuple[str, str]]) -> bool:
    """Say whether one person only praises what another only faults, from (author, kind) of open comments."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for author, kind in said:
        kinds[author] |= {kind} & {"keep", "fix", "concern"}
    only_praise = any(found == {"keep"} for found in kinds.values())
    return only_praise and any(found and "keep" not in found for found in kinds.values())


def _count_chunk(db: Connection, ids: Sequence[str]) -> None:
    said, verdicts, rejected = _said(db, ids), _verdicts(db, ids), _rejected(db, ids)
    rows = []
    for row in db.execute(select(tables.responses.c.id, tables.responses.c.score).where(tables.responses.c.id.in_(ids))):
        n_comments = sum(item.n for item in said[row.id])
        apart = spread(verdicts[row.id])
        differ = apart > 0 or opposed((item.author, item.kind) for item in said[row.id])
        rows.append(
            {
                "about": row.id,
                "n_comments": n_comments,
                "doubt": doubt(row.score, rejected[row.id], n_comments),
                "spread": apart,
                "contested": int(differ),
            }
        )
    if rows:
        db.execute(update(tables.responses).where(tables.responses.c.id == bindparam("about")), rows)


def _said(db: Connection, ids: Sequence[str]) -> dict[str, list[_Said]]:
    table = tables.comments
    question = select(table.c.response_id, table.c.author, table.c.kind, func.count().label("n"))
    question = question.where(table.c.response_id.in_(ids), table.c.status == "open")
    found: dict[str, list[_Said]] = defaultdict(list)
    for row in db.execute(question.group_by(table.c.response_id, table.c.author, table.c.kind)):
        found[row.response_id].append(_Said(row.author, row.kind, row.n))
    return found


def _verdicts(db: Connection, ids: Sequence[str]) -> dict[str, list[str]]:
    table = tables.verdicts
    found: dict[str, list[str]] = defaultdict(list)
    for row in db.execute(select(table.c.response_id, table.c.verdict).where(table.c.response_id.in_(ids))):
        found[row.response_id].append(row.verdict)
    return found


def _rejected(db: Connection, ids: Sequence[str]) -> Counter[str]:
    """Count the refinements that were not kept: by the refiner's own selection, and by people."""
    found: Counter[str] = Counter()
    table = tables.rejections
    question: Any = select(table.c.response_id).where(table.c.response_id.in_(ids))
    found.update(db.scalars(question))
    made, signed = tables.refinements, tables.signoffs
    question = select(made.c.response_id).join(signed, signed.c.refinement_id == made.c.id)
    found.update(db.scalars(question.where(made.c.response_id.in_(ids), signed.c.decision == "rejected")))
    return found
