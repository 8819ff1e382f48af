"""What Alembic runs, on the connection that `migrate` opened.

A transaction to each revision, in which it is also recorded; `steps.take` leaves that of its own
revision for as long as its steps last.
"""

from alembic import context

from service.ledger.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
