"""The data directory: made private, held by one owner at a time, with a place for the sockets.

This file must not start or stop anything.
"""

import fcntl
import os
import stat
import tempfile
from pathlib import Path

from service.embedded.account import Account
from service.errors import MachineError

SOCKET_PATH_MAX_BYTES = 103
"""`sun_path` holds 104 bytes on macOS and 108 on Linux, one of them a zero; the smaller rules."""

SOCKET_NAME_MAX_BYTES = len("/.s.PGSQL.5432")
"""The longest name put into the directory (PostgreSQL's)."""


class DataDirectory:
    """A directory for the servers' data, and the lock that says whose it is."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: int | None = None

    @property
    def held(self) -> bool:
        """Whether this process has the lock by this object."""
        return self._lock is not None

    def take(self) -> None:
        """Make the directory (mode 0700) and lock it for this process.

        The kernel drops the lock when the process ends, however it ends.

        Raises:
            MachineError: another process holds it (its pid is named), or it cannot be written.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise MachineError(f"{self.path} cannot be used: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(lock, 32).decode(errors="replace").strip() or "unknown"
            os.close(lock)
            raise MachineError(_refusal(self.path, holder, error)) from error
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        self._lock = lock

    def release(self) -> None:
        """Give the lock back. The lock file stays: removing it would let two owners in."""
        if self._lock is not None:
            os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = None

    def sockets(self, account: Account | None) -> Path:
        """A directory for the sockets that only `account` (None: we) and root may enter.

        It is `sockets` beside the data; when that path is too long for a socket, a private
        directory under the machine's temporary one, whose place is kept in `sockets.at`.
        """
        near = self.path / "sockets"
        path = near if _short_enough(near) else self._far_away(account)
        path.mkdir(mode=0o700, exist_ok=True)
        path.chmod(0o700)
        if account is not None:
            os.chown(path, account.uid, account.gid)
        return path

    def forget_sockets(self) -> None:
        """Remove the temporary directory, if there is one. Only when both servers have ended."""
        record = self.path / "sockets.at"
        if not record.exists():
            return
        far = Path(record.read_text().strip())
        record.unlink()
        if far.is_dir() and not far.is_symlink():
            for left in far.iterdir():
                left.unlink(missing_ok=True)
            far.rmdir()

    def _far_away(self, account: Account | None) -> Path:
        record = self.path / "sockets.at"
        if record.exists():
            far = Path(record.read_text().strip())
            if _is_private(far, account):
                return far
        for parent in (tempfile.gettempdir(), "/tmp"):  # mkdtemp makes it private
            far = Path(tempfile.mkdtemp(prefix="speedtolead-", dir=parent))
            if _short_enough(far):
                fresh = self.path / ".sockets.at"
                fresh.write_text(f"{far}\n")
                fresh.replace(record)
                return far
            far.rmdir()
        raise MachineError(f"{self.path}: no path short enough for a socket; set TMPDIR to one")


def _short_enough(directory: Path) -> bool:
    return len(os.fsencode(directory)) + SOCKET_NAME_MAX_BYTES <= SOCKET_PATH_MAX_BYTES


def _is_private(directory: Path, account: Account | None) -> bool:
    """Whether this is still our directory: in a shared one, somebody may have put up another."""
    try:
        found = directory.lstat()
    except OSError:
        return False
    owner = os.geteuid() if account is None else account.uid
    return stat.S_ISDIR(found.st_mode) and found.st_uid == owner and not found.st_mode & 0o077


def _refusal(path: Path, holder: str, error: OSError) -> str:
    if isinstance(error, BlockingIOError):
        return (
            f"{path} is in use by process {holder}: stop that one first, "
            "or give this one another --data-dir and --port"
        )
    return f"{path} cannot be locked ({error.strerror}): give a --data-dir on a local disk"
