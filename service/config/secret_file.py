"""Secrets kept in files: those the operator names, and the key that we make ourselves.

This file must not read the environment, nor let a secret into an error message.
"""

import os
import secrets
import stat
import tempfile
from pathlib import Path

from pydantic import SecretStr

from service.errors import ConfigError

SECRET_FILE_MAX_BYTES = 65_536
"""A secret is a line or two; a larger file is the wrong file."""

SECRET_KEY_BYTES = 32
"""256 bits: as much as the signatures made with it (SHA-256) can use."""


def content_of(path: Path) -> str:
    """The secret in the file, without the newline that editors add.

    Raises:
        ConfigError: the file cannot be read, is empty, too large or not text.
    """
    try:
        with path.open("rb") as file:
            text = file.read(SECRET_FILE_MAX_BYTES + 1).decode().strip()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: it is not text") from None  # the cause would quote the secret
    if len(text) > SECRET_FILE_MAX_BYTES:
        raise ConfigError(f"{path}: larger than {SECRET_FILE_MAX_BYTES} bytes, not a secret")
    if not text:
        raise ConfigError(f"{path}: it is empty")
    return text


def kept_secret_key(data_dir: Path) -> SecretStr:
    """The key kept in `data_dir/secret_key`, made (mode 0600) if there is none.

    Processes that start at the same moment agree on one: the first to link its file wins.

    Raises:
        ConfigError: the directory cannot be written, or the file is empty or open to others.
    """
    path = data_dir / "secret_key"
    try:
        if not path.exists():
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make_secret_key(path)
        open_to_others = stat.S_IMODE(path.stat().st_mode) & 0o077
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; or set the setting SECRET_KEY") from error
    if open_to_others:
        raise ConfigError(f"{path}: other users can read it; chmod 600 it, or make a new one")
    return SecretStr(content_of(path))


def _make_secret_key(path: Path) -> None:
    descriptor, fresh = tempfile.mkstemp(dir=path.parent, prefix=".secret_key.")
    try:
        with os.fdopen(descriptor, "w") as file:  # mkstemp made it 0600
            file.write(secrets.token_urlsafe(SECRET_KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(fresh, path)
    except FileExistsError:
        pass  # another process was first; its key is the key
    finally:
        Path(fresh).unlink()
