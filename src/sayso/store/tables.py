"""The tables. Each record is kept whole as JSON in `body`, which never changes; what is asked for has its own column.

`seq` is the order of arrival. Beside `body`, a column is either a copy of something in it, or counted from other tables
(`store.counted`). The migrations make these tables; a test holds both to the same shape. To search the tables of words they
also make, on SQLite, the full-text tables `search_…`, which triggers fill, and on PostgreSQL a column `grams` with an index.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, MetaData, PrimaryKeyConstraint, Table, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _records(name: str, *columns: Column[Any]) -> Table:
    return Table(
        name,
        metadata,
        Column("seq", Integer, primary_key=True, autoincrement=True),
        Column("id", Text, nullable=False, unique=True),
        *columns,
        Column("body", Text, nullable=False),
        sqlite_autoincrement=True,
    )


def _words(name: str, default: str = "") -> Column[Any]:
    return Column(name, Text, nullable=False, server_default=default)


def _number(name: str, kind: type[Any] = Integer) -> Column[Any]:
    return Column(name, kind, nullable=False, server_default="0")


def _link(name: str, target: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Text, ForeignKey(target), nullable=nullable)


def _pair(table: str, one: str, other: str) -> PrimaryKeyConstraint:
    return PrimaryKeyConstraint(one, other, name=f"pk_{table}")


prompts = _records("prompts", Column("split", Text, nullable=True), Column("family", Text, nullable=True), _words("head"))
responses = _records(
    "responses",
    _link("prompt_id", "prompts.id"),
    Column("version", Text, nullable=False),
    _words("head"),  # the first characters
    _number("shuffle"),  # a number that says nothing, for a random order
    Column("score", Float, nullable=True),  # mean log-probability of a token, where a model gave one
    _number("n_comments"),  # open ones
    _number("doubt", Float),  # how uncertain: see `store.counted`
    _number("spread", Float),  # how far apart the verdicts are, 0 to 1
    _number("contested"),  # 1 where verdicts or kinds differ between people
)
comments = _records(
    "comments",
    _link("response_id", "responses.id", nullable=True),
    Column("status", Text, nullable=False),
    _words("author"),
    _words("kind", "fix"),
    Column("severity", Text, nullable=True),
    _words("created"),
    _words("text"),
    _words("said"),  # of the text without case and punctuation, to find what is said again
    _words("places"),  # the spans' offsets as JSON; empty without spans
)
refinements = _records("refinements", _link("response_id", "responses.id"))
rejections = _records("rejections", Column("response_id", Text, nullable=True))
versions = _records("versions")
runs = _records("runs")
evaluations = _records("evaluations")

aliases = Table(
    "aliases",
    metadata,
    Column("name", Text, primary_key=True),
    _link("version_id", "versions.id"),
)

events = Table(
    "events",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("at", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("payload", Text, nullable=False),
    sqlite_autoincrement=True,
)

# What is searched: folded as `store.search.fold` does, by the `seq` of what it stands for.
response_words = Table(
    "response_words", metadata, Column("seq", Integer, primary_key=True, autoincrement=False), _words("words")
)
comment_words = Table(
    "comment_words", metadata, Column("seq", Integer, primary_key=True, autoincrement=False), _words("words")
)

# People, and what they do beside commenting.
reviewers = Table(
    "reviewers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("language", Text, nullable=True),
    Column("created", Text, nullable=False),
    Column("active", Integer, nullable=False),
)
tokens = Table(
    "tokens",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    _link("reviewer_id", "reviewers.id", nullable=True),
    Column("role", Text, nullable=True),
    _words("name"),
    Column("created", Text, nullable=False),
    Column("expires", Text, nullable=False),
    Column("used", Text, nullable=True),
)
drafts = Table(
    "drafts",
    metadata,
    _link("reviewer_id", "reviewers.id"),
    _link("response_id", "responses.id"),
    Column("body", Text, nullable=False),
    Column("updated", Text, nullable=False),
    _pair("drafts", "reviewer_id", "response_id"),
)
assignments = Table(
    "assignments",
    metadata,
    _link("response_id", "responses.id"),
    _link("reviewer_id", "reviewers.id"),
    Column("state", Text, nullable=False),
    _link("assigned_by", "reviewers.id", nullable=True),  # None: nobody asked for it
    Column("updated", Text, nullable=False),
    _pair("assignments", "response_id", "reviewer_id"),
)
verdicts = Table(
    "verdicts",
    metadata,
    _link("response_id", "responses.id"),
    _link("reviewer_id", "reviewers.id"),
    Column("verdict", Text, nullable=False),
    Column("updated", Text, nullable=False),
    _pair("verdicts", "response_id", "reviewer_id"),
)
signoffs = Table(
    "signoffs",
    metadata,
    _link("refinement_id", "refinements.id"),
    _link("reviewer_id", "reviewers.id"),
    Column("decision", Text, nullable=False),
    Column("created", Text, nullable=False),
    _pair("signoffs", "refinement_id", "reviewer_id"),
)
choices = Table(
    "choices",
    metadata,
    _link("reviewer_id", "reviewers.id"),
    _link("left_id", "responses.id"),
    _link("right_id", "responses.id"),
    Column("choice", Text, nullable=False),
    _words("reason"),
    Column("created", Text, nullable=False),
    PrimaryKeyConstraint("reviewer_id", "left_id", "right_id", name="pk_choices"),
)
adjudications = Table(
    "adjudications",
    metadata,
    Column("response_id", Text, ForeignKey("responses.id"), primary_key=True),
    _link("reviewer_id", "reviewers.id"),
    Column("verdict", Text, nullable=False),
    _words("reason"),
    Column("created", Text, nullable=False),
)
guideline = Table(
    "guideline",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("text", Text, nullable=False),
    _link("author", "reviewers.id"),
    Column("created", Text, nullable=False),
    sqlite_autoincrement=True,
)

Index("ix_prompts_family", prompts.c.family)
Index("ix_responses_version", responses.c.version, responses.c.seq)
Index("ix_responses_prompt_id", responses.c.prompt_id, responses.c.version)
for _order in ("shuffle", "doubt", "spread"):  # an order of the queue, over everything and over one version
    Index(f"ix_responses_{_order}", responses.c[_order], responses.c.seq)
    Index(f"ix_responses_version_{_order}", responses.c.version, responses.c[_order], responses.c.seq)
for _column, _places in ((responses.c.n_comments, ("seq",)), (responses.c.contested, ("spread", "seq"))):
    _name, _some = f"ix_responses_{_column.name.removeprefix('n_')}", _column > 0
    Index(_name, *(responses.c[name] for name in _places), _column, sqlite_where=_some, postgresql_where=_some)
Index("ix_comments_status", comments.c.status)
# Without these further columns SQLite, which knows no counts, would rather read every open comment.
Index("ix_comments_response_id", comments.c.response_id, comments.c.status, comments.c.author, comments.c.kind)
Index("ix_comments_author", comments.c.author, comments.c.seq, comments.c.created)
Index("ix_comments_said", comments.c.said)
Index("ix_refinements_response_id", refinements.c.response_id)
Index("ix_rejections_response_id", rejections.c.response_id)
Index("ix_assignments_reviewer_id", assignments.c.reviewer_id, assignments.c.state)
Index("ix_verdicts_reviewer_id", verdicts.c.reviewer_id)
Index("ix_events_subject", events.c.subject)
