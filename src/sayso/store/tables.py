"""The tables. Each record is kept whole as JSON in `body`, which never changes; what is asked for has its own column.

`seq` is the order of arrival. The migrations make these tables; a test holds both to the same shape.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, Table, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _records(name: str, *columns: Column[str] | Column[str | None]) -> Table:
    return Table(
        name,
        metadata,
        Column("seq", Integer, primary_key=True, autoincrement=True),
        Column("id", Text, nullable=False, unique=True),
        *columns,
        Column("body", Text, nullable=False),
        sqlite_autoincrement=True,
    )


prompts = _records("prompts", Column("split", Text, nullable=True))
responses = _records(
    "responses",
    Column("prompt_id", Text, ForeignKey("prompts.id"), nullable=False),
    Column("version", Text, nullable=False),
)
comments = _records(
    "comments",
    Column("response_id", Text, ForeignKey("responses.id"), nullable=True),
    Column("status", Text, nullable=False),
)
refinements = _records("refinements", Column("response_id", Text, ForeignKey("responses.id"), nullable=False))
rejections = _records("rejections")
versions = _records("versions")
runs = _records("runs")
evaluations = _records("evaluations")

aliases = Table(
    "aliases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version_id", Text, ForeignKey("versions.id"), nullable=False),
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

Index("ix_responses_version", responses.c.version)
Index("ix_comments_status", comments.c.status)
Index("ix_events_subject", events.c.subject)
