"""What is said again and again: comments that say nearly the same, and making a standing comment of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from sayso.records import Comment
from sayso.store import reviewing, search, tables
from sayso.store.database import Store
from sayso.store.people import Reviewer

NEAR = 0.5
"""Share of trigrams two texts must have in common (of those in either) to be near."""
_LOOKED_AT = 300
_IDS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Similar:
    """A thing said, how often, and the comments that say it (the newest twenty)."""

    text: str
    n: int
    comment_ids: tuple[str, ...]


def similar_comments(store: Store, text: str, limit: int = 5, *, author: str | None = None) -> list[Similar]:
    """Return open comments that say nearly the same as a text, the most frequent first; case, punctuation aside."""
    folded = search.fold(text)
    if not folded:
        return []
    with store.reading() as db:
        near = _near(db, folded, author) | {search.said(text)}
        found = [item for said in near if (item := _similar(db, said, author)) is not None]
    return sorted(found, key=lambda item: (-item.n, item.text))[:limit]


def make_standing(store: Store, reviewer: Reviewer, text: str, scope_text: str = "", key: str = "") -> Comment:
    """Say a thing once and for all, without a response: of a kind of prompt where `scope_text` says which, else always."""
    reach: Any = "kind" if scope_text.strip() else "always"
    form = reviewing.CommentForm(text=text, key=key, reach=reach, scope_text=scope_text)
    return reviewing.save_comment(store, reviewer, form)


def _near(db: Connection, folded: str, author: str | None) -> set[str]:
    """Return the `said` of open comments with a text near a folded one."""
    table, words = tables.comments, tables.comment_words
    candidates = search.sharing(db, table, folded, _LOOKED_AT)
    question = select(table.c.said, func.min(words.c.words)).join(words, words.c.seq == table.c.seq)
    question = question.where(table.c.seq.in_(candidates), table.c.status == "open").group_by(table.c.said)
    if author is not None:
        question = question.where(table.c.author == author)
    wanted = set(search.trigrams(folded))
    return {said for said, other in db.execute(question) if _share(wanted, search.trigrams(other)) >= NEAR}


def _similar(db: Connection, said: str, author: str | None) -> Similar | None:
    table = tables.comments
    own = [table.c.said == said, table.c.status == "open", *([] if author is None else [table.c.author == author])]
    rows = db.execute(select(table.c.id, table.c.text).where(*own).order_by(table.c.seq.desc()).limit(_IDS)).all()
    if not rows:
        return None
    n = db.scalar(select(func.count()).select_from(table).where(*own)) or 0
    return Similar(text=rows[0].text, n=n, comment_ids=tuple(row.id for row in rows))


def _share(wanted: set[str], other: Iterable[str]) -> float:
    found = set(other)
    either = wanted | found
    return len(wanted & found) / len(either) if either else 0.0
