"""The trigrams of what is searched, on PostgreSQL too: a column with a GIN index, which needs no extension."""

import sqlalchemy as sa
from alembic import op

from sayso.store import search

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CHUNK = 1000
WORDS = ("response_words", "comment_words")
PENDING_KB = 1024  # what the index has not yet sorted in; every search reads it, and the write that fills it sorts it in


def upgrade() -> None:
    """Fill the column; SQLite has its trigrams since the migration before."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in WORDS:
        # An index of pg_trgm, where there was one, is not needed any more; the extension may serve others, and stays.
        op.execute(f"DROP INDEX IF EXISTS search_{table}")
        op.execute(f"ALTER TABLE {table} ADD COLUMN grams tsvector")
        _fill(table)
        # With statistics a common text would be looked for by reading the table, which is slow where it stands late in it.
        op.execute(f"ALTER TABLE {table} ALTER COLUMN grams SET NOT NULL, ALTER COLUMN grams SET STATISTICS 0")
        op.execute(f"CREATE INDEX search_{table} ON {table} USING gin (grams) WITH (gin_pending_list_limit = {PENDING_KB})")


def downgrade() -> None:
    """Drop the column and its index; a search then reads every text."""
    if op.get_bind().dialect.name == "postgresql":
        for table in WORDS:
            op.execute(f"ALTER TABLE {table} DROP COLUMN grams")


def _fill(table: str) -> None:
    last, db = -1, op.get_bind()
    question = sa.text(f"SELECT seq, words FROM {table} WHERE seq > :last ORDER BY seq LIMIT {CHUNK}")
    change = sa.text(f"UPDATE {table} SET grams = {search.GRAMS} WHERE seq = :seq")
    while rows := db.execute(question, {"last": last}).all():
        db.execute(change, [{"seq": row.seq, "grams": search.grams(row.words)} for row in rows])
        last = rows[-1].seq
