"""How our tables spell their columns: shorthands that `schema` and `schema_leads` share.

Instants named `*_clock`, `woken_at`, `lease_until`, `first_seen` and those of `beat` and `pace`
are read from PostgreSQL's own clock; every other instant is business time given by the caller.
"""

from sqlalchemy import TIMESTAMP, Column, ForeignKey, MetaData, Text, text
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s",
    }
)


def one_of(column: str, values: tuple[str, ...]) -> str:
    """A condition: the column holds one of these."""
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} in ({listed})"


def instant(name: str, *, null: bool = False) -> Column[object]:
    """An instant with its zone, given by the caller."""
    return Column(name, TIMESTAMP(timezone=True), nullable=null)


def clock_stamp(name: str) -> Column[object]:
    """An instant that PostgreSQL itself stamps, so that no test's clock moves it."""
    return Column(
        name,
        TIMESTAMP(timezone=True),
        nullable=False,
        server_default=text("clock_timestamp()"),
    )


def words(name: str, *, null: bool = False) -> Column[str]:
    """Text of any length."""
    return Column(name, Text, nullable=null)


def lead_id(*, null: bool = False) -> Column[str]:
    """A lead that exists."""
    return Column("lead_id", Text, ForeignKey("lead.id"), nullable=null)


def json_value(name: str, empty: str = "{}") -> Column[object]:
    """JSON that is never null: `empty` when nothing is given."""
    return Column(name, JSONB, nullable=False, server_default=text(f"'{empty}'"))
