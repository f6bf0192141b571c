"""Copies of a SQLite database while gateways run on it. PostgreSQL brings its own (docs/operations/backup.md)."""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from gatewayz.sdk.errors import ConfigurationError
from gatewayz.store.sql.database import parse_url

__all__ = ["copy_database"]


def copy_database(url: str, file: Path) -> int:
    """Copy a database as of one moment; return the copy's bytes.

    The copy is written beside its name, for its owner only, and gets the name when it is whole and on disk.
    Raises ConfigurationError: not SQLite, a database that is not there, a file that is, no room or no right to write.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() != "sqlite":
        raise ConfigurationError("PostgreSQL is copied by its own pg_dump; see docs/operations/backup.md")
    database = Path(parsed.database or "")
    if not database.is_file():
        raise ConfigurationError(f"there is no database {database}")
    if file.exists():
        raise ConfigurationError(f"{file} exists already")
    unfinished = file.with_name(f"{file.name}.unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        unfinished.touch(mode=0o600)
        _copy(database, unfinished)
        unfinished.rename(file)
    except (OSError, sqlite3.Error) as err:
        with suppress(OSError):  # a folder that is not there has nothing to take away
            unfinished.unlink(missing_ok=True)
        raise ConfigurationError(f"{database} could not be copied to {file}: {err}") from err
    return file.stat().st_size


def _copy(database: Path, file: Path) -> None:
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(file)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
    with file.open("rb") as written:
        os.fsync(written.fileno())
