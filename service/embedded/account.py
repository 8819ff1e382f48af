"""Which user the servers run as, because PostgreSQL refuses to be root.

As a plain user they run as that user, and nothing here happens. As root they run as another,
unprivileged user, who keeps one single capability: to pass through directories that are closed
to others, since the programs or the data may lie under /root. The alternatives, opening those
directories or adding a system user, would change the operator's machine behind their back.
This file must not start anything.
"""

import ctypes
import os
import pwd
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from service.errors import MachineError

PREFERRED = ("postgres", "nobody")
"""The first of these that exists. Its other processes gain nothing: the data directory is closed
to them, and they do not have the capability."""

_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 47, 2
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Account:
    """A user, who is not root."""

    uid: int
    gid: int


def account_for(data: Path) -> Account | None:
    """The user for the servers of `data`; None: the one we are.

    Data, or a directory for it, that exists stays with its owner, so that a single run with sudo
    does not lock a plain user out of it.

    Raises:
        MachineError: we are root and the machine has no other user to run as.
    """
    if os.geteuid() != 0:
        return None
    for place in (data, data.parent):
        if place.exists() and (found := place.stat()).st_uid != 0:
            return Account(found.st_uid, found.st_gid)
    for name in PREFERRED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise MachineError(f"PostgreSQL does not run as root, and there is no user {PREFERRED[-1]}")


def becoming(account: Account | None) -> Callable[[], None] | None:
    """What a child does between fork and exec to become that user; None when nothing is to do."""
    if account is None:
        return None
    grants = [_grant(_CAP_DAC_READ_SEARCH), _grant(_CAP_DAC_OVERRIDE)]

    def become() -> None:
        # Between fork and exec: system calls only, on what was prepared above.
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
        os.setgroups([])
        os.setgid(account.gid)
        os.setuid(account.uid)
        if _LIBC is not None:
            _keep_one(_LIBC, grants)

    return become


def _keep_one(libc: ctypes.CDLL, grants: list[tuple[int, ctypes.Array[ctypes.c_uint32]]]) -> None:
    """Keep, across exec, the first capability we have: containers are seldom given the lesser.

    With neither, the servers still start when nothing on the way is closed to them.
    """
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    for capability, data in grants:
        if libc.capset(header, data) == 0:
            libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0)
            return


def _grant(capability: int) -> tuple[int, ctypes.Array[ctypes.c_uint32]]:
    """The kernel's `struct __user_cap_data_struct[2]`: effective, permitted, inheritable."""
    bit = 1 << capability
    return capability, (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
