"""Which version runs, by the package's own record."""

from importlib.metadata import PackageNotFoundError, version


def _installed() -> str:
    try:
        return version("speedtolead")
    except PackageNotFoundError:  # started from a copy of the source that nobody installed
        return "0+source"


VERSION = _installed()
