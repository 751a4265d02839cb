"""The database's schema: which migration it is at, and up or down to another."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from sayso.errors import StoreError

HEAD = "0003"
"""The newest migration in `migrations/versions`; a test holds the two together."""
_MIGRATIONS = Path(__file__).parent / "migrations"


def revision(db: Connection) -> str | None:
    """Return the migration a database is at; None when it has none."""
    if not inspect(db).has_table("alembic_version"):
        return None
    found = db.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def bring_up(db: Connection, where: str) -> None:
    """Bring a database to the newest schema, inside the transaction of `db`.

    Raises:
        StoreError: the database belongs to another program, or a newer sayso wrote it.
    """
    found = revision(db)
    if found == HEAD:
        return
    if found is not None and found > HEAD:
        raise StoreError(
            "{where}: schema {found} was written by a newer sayso; this one knows up to {known}: "
            "upgrade with `pip install -U sayso`",
            where=where, found=found, known=HEAD,
        )  # fmt: skip
    tables = sorted(set(inspect(db).get_table_names()) - {"alembic_version"})
    if found is None and tables:
        raise StoreError(
            "{where}: a database of another program (tables {tables}); expected a new file, or one of sayso's own",
            where=where, tables=", ".join(tables[:5]),
        )  # fmt: skip
    migrate(db, HEAD)


def migrate(db: Connection, target: str) -> None:
    """Move a database to the migration `target`, up or down; `base` is before the first."""
    from alembic import command  # alembic is slow to load and seldom needed
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = db
    if target == "base" or target < (revision(db) or ""):
        command.downgrade(config, target)
    else:
        command.upgrade(config, target)
