"""Bearer tokens: only their hash is stored, so the ledger cannot give one away."""

from typing import Literal

from sqlalchemy import Connection, text

Role = Literal["manager", "api", "metrics"]

_ADD = text("insert into token (hash, role) values (:hash, :role) returning id")
_ROLE = text("select role from token where hash = :hash and revoked_at is null")
_REVOKE = text("""
update token set revoked_at = clock_timestamp() where hash = :hash and revoked_at is null
""")
_REVOKE_BY_ID = text("""
update token set revoked_at = clock_timestamp() where id = :id and revoked_at is null
""")


def add_token(conn: Connection, token_hash: str, role: Role) -> int:
    """Let whoever holds the token with this hash in; its number, by which it can be revoked."""
    return int(conn.execute(_ADD, {"hash": token_hash, "role": role}).scalar_one())


def token_role(conn: Connection, token_hash: str) -> Role | None:
    """What the token may do; None when it is unknown or revoked."""
    role: Role | None = conn.execute(_ROLE, {"hash": token_hash}).scalar()
    return role


def revoke(conn: Connection, token_hash: str) -> bool:
    """Shut the token out; False when it was unknown or shut out before."""
    return conn.execute(_REVOKE, {"hash": token_hash}).rowcount == 1


def revoke_by_id(conn: Connection, token_id: int) -> bool:
    """Like `revoke`, by the number that `add_token` gave."""
    return conn.execute(_REVOKE_BY_ID, {"id": token_id}).rowcount == 1
