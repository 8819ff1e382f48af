"""Everything the spine needs: leads, timelines, outbox, looks, people, counts, tokens.

The statements are in the SQL file of the same name. Frozen: a change is a new revision.
"""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create it all."""
    script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    for statement in script.split("\n--\n"):
        # The driver reads % as a placeholder; plpgsql's are meant for plpgsql.
        op.get_bind().exec_driver_sql(statement.replace("%", "%%"))


def downgrade() -> None:
    """There is nothing before the first."""
    raise NotImplementedError("the first revision is where the ledger begins")
