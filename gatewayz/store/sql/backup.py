"""Copies of a SQLite database while gateways run on it. PostgreSQL brings its own (docs/operations/backup.md)."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from gatewayz.sdk.errors import ConfigurationError
from gatewayz.store.sql.database import parse_url

__all__ = ["copy_database"]


def copy_database(url: str, file: Path) -> int:
    """Copy a database as of one moment; return the copy's bytes.

    The copy is written beside its name, for its owner only, and gets the name when it is whole and on disk.
    Raises ConfigurationError: not SQLite, a database that is not there, a file that is.
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
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(unfinished)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
    with unfinished.open("rb") as written:
        os.fsync(written.fileno())
    unfinished.rename(file)
    return file.stat().st_size
