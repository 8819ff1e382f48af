"""Which revision a ledger is at, and which one this version of the software needs.

Apart from `migrations`, which loads Alembic: every process asks this at its start. It must not
change anything.
"""

from pathlib import Path

from sqlalchemy import Connection, text

VERSIONS = Path(__file__).parent / "migrations" / "versions"

# Alembic's own table, on the search path of this connection.
_KNOWN = text("select to_regclass('alembic_version') is not null")
_AT = text("select version_num from alembic_version")


def known() -> tuple[str, ...]:
    """The revisions of this version of the software, oldest first: they are numbered."""
    return tuple(sorted(path.stem.partition("_")[0] for path in VERSIONS.glob("[0-9]*.py")))


def newest() -> str:
    """The newest revision of this version of the software: the one that it needs."""
    return known()[-1]


def revision(conn: Connection) -> str | None:
    """The revision that the ledger is at; None when it is empty."""
    if not conn.execute(_KNOWN).scalar_one():
        return None
    at: str | None = conn.execute(_AT).scalar()
    return at


def is_newer(at: str | None) -> bool:
    """Whether a ledger at this revision was migrated by a newer version than this one."""
    return at is not None and at not in known()


def what_is_missing(at: str | None) -> str | None:
    """What this version needs of a ledger at that revision, as a sentence for the operator.

    None when it can work. That includes a ledger that is newer: a migration leaves processes of
    the version before at work.
    """
    if at == newest() or is_newer(at):
        return None
    found = "is empty" if at is None else f"is at {at}"
    return f"the ledger {found}, this version needs {newest()}: run `speedtolead migrate`"
