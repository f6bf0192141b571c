"""Run by alembic; the connection comes from `gatewayz.store.sql.schema`."""

from alembic import context

from gatewayz.store.sql.tables import metadata

connection = context.config.attributes.get("connection")
if connection is None:
    raise RuntimeError("migrations are run by `gatewayz db`, which brings the connection")
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
