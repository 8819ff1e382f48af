"""What the operator may set: the environment, checked once. Start at `load()`.

Only wiring and the entrances import this room; everything else is handed the values it needs.
Nothing is read at import. `NAMES` is the table that the documentation is made from.
"""

from service.config.reading import child_environment, load
from service.config.secret_file import kept_secret_key
from service.config.settings import NAMES, PREFIX, Name, Settings, is_loopback

__all__ = [
    "NAMES",
    "PREFIX",
    "Name",
    "Settings",
    "child_environment",
    "is_loopback",
    "kept_secret_key",
    "load",
]
