"""Finding words in responses and comments, in any script: whatever holds the wanted characters in a row is found.

SQLite keeps the trigrams of every text in FTS5 tables, PostgreSQL in a `tsvector` with a GIN index; neither needs an
extension. A text is padded, so that every place of it begins a trigram: one or two characters are found by the trigrams
that begin with them. Trigrams only narrow the search; what is found is compared with the text itself, so both databases
find the same. A wanted text that stands nearly everywhere is not listed: then reading along the asked order meets enough
of it soon.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, false, func, literal_column, select, text

from sayso.records import Comment, Message, Response, identity
from sayso.store import tables

LISTED = 1000
"""At most so many matches are listed; a text with more is `everywhere`."""
_CONTINUATIONS = 400  # of one or two characters in the trigrams of SQLite; with more of them, they are everywhere
_TRIGRAMS = 24  # of the wanted text that are asked for; the comparison takes care of the rest
_RARE = 6  # trigrams that rows to compare with must have one of
_BEGINNING = 12  # characters that texts on PostgreSQL must begin with alike, to be compared
_PADDING = "\x03\x03"  # no folded text holds control characters; the triggers on SQLite add the same
_MANY = "\x01"  # stands for the trigrams of a text with too many, and is asked for in every search
_FITTING = 65_536  # different trigrams, of at most 12 bytes each; in a `tsvector` a megabyte has room
_BETWEEN = "\x02"
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
    if db.dialect.name == "sqlite":
        question = text(f"INSERT INTO {kept.name} (seq, words) SELECT seq, :words FROM {about.name} WHERE id = :id")
        db.execute(question, [{"id": record_id, "words": folded} for record_id, folded in words])
        return
    question = text(
        f"INSERT INTO {kept.name} (seq, words, grams) SELECT seq, :words, {GRAMS} FROM {about.name} WHERE id = :id"
    )
    db.execute(question, [{"id": record_id, "words": folded, "grams": grams(folded)} for record_id, folded in words])


def words_of_comment(comment: Comment) -> str:
    """Return what a comment is found by."""
    return fold(comment.text)


def find(db: Connection, about: Table, wanted: str) -> Found:
    """Return where a folded text stands among the responses or the comments."""
    kept = _words_table(about)
    narrowed = _by_fts(db, kept, wanted) if db.dialect.name == "sqlite" else _by_grams(kept, wanted)
    if narrowed is None:
        return Found(wanted=wanted, seqs=None)
    question = select(kept.c.seq).where(and_(narrowed, holds(db, kept, wanted)))
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


def grams(folded: str) -> str:
    """Return what PostgreSQL keeps of a text beside its words, as `GRAMS` takes it."""
    found = trigrams(folded + _PADDING)
    return _BETWEEN.join(found if len(found) <= _FITTING else [_MANY])


GRAMS = f"array_to_tsvector(string_to_array(:grams, chr({ord(_BETWEEN)})))"  # one text is sent sooner than an array
"""SQL that makes a `tsvector` of what `grams` returns."""


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


def _by_grams(kept: Table, wanted: str) -> ColumnElement[bool]:
    """Return the condition on PostgreSQL that a row has the trigrams of a text, or one that begins with it, or too many."""
    terms = [_lexeme(part) for part in trigrams(wanted)[:_TRIGRAMS]] or [f"{_lexeme(wanted)}:*"]
    asked = f"{' & '.join(terms)} | {_lexeme(_MANY)}"
    column: ColumnElement[Any] = literal_column(f"{kept.name}.grams")
    return column.bool_op("@@")(text("CAST(:asked AS tsquery)").bindparams(asked=asked))


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
    """Ask PostgreSQL, which does not tell how rare a trigram is, for the newest texts that begin alike."""
    beginning = folded[:_BEGINNING]
    alike = and_(_by_grams(kept, beginning), func.starts_with(kept.c.words, beginning))
    return select(kept.c.seq).where(alike).order_by(kept.c.seq.desc())


def _fts(kept: Table) -> str:
    return f"search_{kept.name.removesuffix('_words')}s"


def _quoted(term: str) -> str:
    return '"' + term.replace('"', '""') + '"'


def _lexeme(term: str) -> str:
    return "'" + term.replace("\\", "\\\\").replace("'", "''") + "'"
