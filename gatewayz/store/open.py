"""Opening the store that the settings name; SQLAlchemy is imported here and not before."""

from typing import TYPE_CHECKING

from gatewayz.config.sections.serving import Store as StoreSettings

if TYPE_CHECKING:
    from gatewayz.store.sql.store import SqlStore

__all__ = ["open_store"]


async def open_store(settings: StoreSettings) -> "SqlStore":
    """Return the store, its schema up to date when `settings.migrate` says so.

    Raises ConfigurationError for a URL that cannot be used, or for a database newer than this
    release; StoreUnavailable when migrating needs a database that does not answer.
    """
    from gatewayz.store.sql import schema  # noqa: PLC0415  (300 ms: paid by who opens a store)
    from gatewayz.store.sql.database import open_database  # noqa: PLC0415
    from gatewayz.store.sql.store import SqlStore  # noqa: PLC0415

    database = open_database(settings.url)
    if settings.migrate:
        await schema.upgrade(settings.url)
    return SqlStore(database, sync_commits=settings.sync_commits)
