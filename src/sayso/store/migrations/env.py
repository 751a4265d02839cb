"""Alembic calls this; the connection comes from `sayso.store.schema`, inside a transaction that is already open."""

from alembic import context

from sayso.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
