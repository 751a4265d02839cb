"""The first tables: records, aliases and the events that nobody can change."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# What the database itself refuses: (table, change, name of the trigger).
GUARDS = (
    ("events", "UPDATE", "events_stay"),
    ("events", "DELETE", "events_remain"),
    ("comments", "DELETE", "comments_remain"),
    ("refinements", "DELETE", "refinements_remain"),
)


def upgrade() -> None:
    _records("prompts", sa.Column("split", sa.Text(), nullable=True))
    _records("responses", _points("responses", "prompt_id", "prompts.id"), sa.Column("version", sa.Text(), nullable=False))
    _records(
        "comments",
        _points("comments", "response_id", "responses.id", nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
    )
    _records("refinements", _points("refinements", "response_id", "responses.id"))
    for name in ("rejections", "versions", "runs", "evaluations"):
        _records(name)
    op.create_table(
        "aliases",
        sa.Column("name", sa.Text(), nullable=False),
        _points("aliases", "version_id", "versions.id"),
        sa.PrimaryKeyConstraint("name", name="pk_aliases"),
    )
    op.create_table(
        "events",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("at", "kind", "subject", "payload")),
        sa.PrimaryKeyConstraint("seq", name="pk_events"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_responses_version", "responses", ["version"])
    op.create_index("ix_comments_status", "comments", ["status"])
    op.create_index("ix_events_subject", "events", ["subject"])
    _guard()


def downgrade() -> None:
    tables = ("events", "aliases", "evaluations", "runs", "versions", "rejections", "refinements", "comments", "responses")
    for name in (*tables, "prompts"):
        op.drop_table(name)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION sayso_refuse()")


def _records(name: str, *columns: sa.Column[Any]) -> None:
    op.create_table(
        name,
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        *columns,
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=f"pk_{name}"),
        sa.UniqueConstraint("id", name=f"uq_{name}_id"),
        sqlite_autoincrement=True,
    )


def _points(table: str, name: str, target: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), sa.ForeignKey(target, name=f"fk_{table}_{name}"), nullable=nullable)


def _guard() -> None:
    postgres = op.get_bind().dialect.name == "postgresql"
    if postgres:
        op.execute(
            "CREATE FUNCTION sayso_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'nothing said is deleted'; END $$"
        )
    for table, change, name in GUARDS:
        action = (
            "EXECUTE FUNCTION sayso_refuse()" if postgres else "BEGIN SELECT RAISE(ABORT, 'nothing said is deleted'); END"
        )
        op.execute(f"CREATE TRIGGER {name} BEFORE {change} ON {table} FOR EACH ROW {action}")
