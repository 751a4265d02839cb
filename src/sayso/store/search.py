"""Finding words in responses and comments, in any script: whatever holds the wanted characters in a row is found.

SQLite keeps the trigrams of every text in FTS5 tables, PostgreSQL in an index of pg_trgm. Trigrams only narrow the search;
what is found is compared with the text itself, so both databases find the same. A wanted text that stands nearly
everywhere is not listed: then reading along the asked order meets enough of it soon.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, false, func, literal_column, select, text, true

from sayso.records import Comment, Message, Response, identity
from sayso.store import tables

LISTED = 1000
"""At most so many matches are listed; a text with more is `everywhere`."""
_CONTINUATIONS = 400  # of one or two characters in the trigrams of SQLite; with more of them, they are everywhere
_TRIGRAMS = 24  # of the wanted text that are asked for; the comparison takes care of the rest
_RARE = 6  # trigrams that rows to compare with must have one of
_BEGINNING = 12
_LETTER_GROUPS = "LN"  # Unicode's letters and numbers; what else there is does not make two comments differ


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Where a wanted text is: the `seq` of each match, or None where there are more than `LISTED`."""

    wanted: str
    seqs: tuple[int, ...] | None


def fold(words: str) -> str:
    """Return a text as it is searched: without case, full-width forms, control characters and runs of white space."""
    plain = unicodedata.normalize("NFKC", words).casefold()
    return " ".join("".join(letter if letter >= " " else " " for letter in plain).split())


def said(words: str) -> str:
    """Return what is equal for comments that differ only in case, punctuation and white space."""
    letters = [letter for letter in fold(words) if unicodedata.category(letter)[0] in _LETTER_GROUPS]
    return identity("".join(letters) or fold(words))


def words_of_response(response: Response) -> str:
    """Return what a response is found by: the turns of its prompt but the system's, and its own text."""
    turns: Iterable[Message] = response.prompt.messages
    return fold("\n".join([*(turn.content for turn in turns if turn.role != "system"), response.text]))


def add_words(db: Connection, about: Table, words: Sequence[tuple[str, str]]) -> None:
    """Keep the words of new rows of `responses` or `comments`, given by their ids."""
    if not words:
        return
    kept = _words_table(about)
    question = text(f"INSERT INTO {kept.name} (seq, words) SELECT seq, :words FROM {about.name} WHERE id = :id")
    db.execute(question, [{"id": record_id, "words": folded} for record_id, folded in words])


def words_of_comment(comment: Comment) -> str:
    """Return what a comment is found by."""
    return fold(comment.text)


def find(db: Connection, about: Table, wanted: str) -> Found:
    """Return where a folded text stands among the responses or the comments."""
    kept = _words_table(about)
    sqlite = db.dialect.name == "sqlite"
    narrowed = _by_fts(db, kept, wanted) if sqlite else kept.c.words.like(f"%{_escaped(wanted)}%", escape="\\")
    if narrowed is None:
        return Found(wanted=wanted, seqs=None)
    question = select(kept.c.seq).where(and_(narrowed, holds(db, kept, wanted) if sqlite else true()))
    seqs = tuple(db.scalars(question.limit(LISTED + 1)))
    return Found(wanted=wanted, seqs=seqs if len(seqs) <= LISTED else None)


def sharing(db: Connection, about: Table, folded: str, most: int) -> list[int]:
    """Return the `seq` of some rows whose words share trigrams with a text: for comparing it with them."""
    kept = _words_table(about)
    parts = trigrams(folded)
    if not parts:
        return []
    if db.dialect.name != "sqlite":
        return list(db.scalars(_alike(kept, folded).limit(most)))
    rare = _rarest(db, kept, parts)
    if not rare:
        return []
    question: Select[Any] = select(literal_column("rowid")).select_from(text(_fts(kept)))
    asked = text(f"{_fts(kept)} MATCH :asked").bindparams(asked=" OR ".join(map(_quoted, rare)))
    return list(db.scalars(question.where(asked).order_by(text("rowid DESC")).limit(most)))


def holds(db: Connection, kept: Table, wanted: str) -> ColumnElement[bool]:
    """Return the condition that a row of words holds a folded text."""
    place = func.instr if db.dialect.name == "sqlite" else func.strpos
    return place(kept.c.words, wanted) > 0


def trigrams(folded: str) -> list[str]:
    """Return the different runs of three characters, in order."""
    return list(dict.fromkeys(folded[place : place + 3] for place in range(len(folded) - 2)))


def _words_table(about: Table) -> Table:
    return {"responses": tables.response_words, "comments": tables.comment_words}[about.name]


def _by_fts(db: Connection, kept: Table, wanted: str) -> ColumnElement[bool] | None:
    """Return the condition that a row has the trigrams of a text; None where nearly every row has them."""
    if len(wanted) >= 3:
        asked = " ".join(map(_quoted, trigrams(wanted)[:_TRIGRAMS]))
    else:
        terms = _continuations(db, kept, wanted)
        if len(terms) > _CONTINUATIONS:
            return None
        if not terms:
            return false()
        asked = " OR ".join(map(_quoted, terms))
    name = _fts(kept)
    matches: Select[Any] = select(literal_column("rowid")).select_from(text(name))
    return kept.c.seq.in_(matches.where(text(f"{name} MATCH :asked").bindparams(asked=asked)))


def _continuations(db: Connection, kept: Table, wanted: str) -> list[str]:
    """Return the trigrams that begin with one or two characters; every place of a text begins one, thanks to its padding."""
    question = text(f"SELECT term FROM {_fts(kept)}_terms WHERE term >= :first AND term < :last LIMIT {_CONTINUATIONS + 1}")
    return list(db.scalars(question, {"first": wanted, "last": wanted + "\U0010ffff"}))


def _rarest(db: Connection, kept: Table, parts: Sequence[str]) -> list[str]:
    """Return the few trigrams of a text that the fewest rows have."""
    question = text(f"SELECT term, doc FROM {_fts(kept)}_terms WHERE term = :term")
    found = [row for part in parts[: 2 * _TRIGRAMS] for row in db.execute(question, {"term": part})]
    return [row.term for row in sorted(found, key=lambda row: row.doc)[:_RARE]]


def _alike(kept: Table, folded: str) -> Select[Any]:
    """Ask pg_trgm, or without it for texts that begin alike."""
    return (
        select(kept.c.seq)
        .where(kept.c.words.like(_escaped(folded[:_BEGINNING]) + "%", escape="\\"))
        .order_by(kept.c.seq.desc())
    )


def _fts(kept: Table) -> str:
    return f"search_{kept.name.removesuffix('_words')}s"


def _quoted(term: str) -> str:
    return '"' + term.replace('"', '""') + '"'


def _escaped(wanted: str) -> str:
    return wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
