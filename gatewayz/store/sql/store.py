"""All aggregates on one SQL database."""

from gatewayz.store.sql.database import Database
from gatewayz.store.sql.identity import SqlIdentityStore
from gatewayz.store.sql.keys import SqlKeyStore
from gatewayz.store.sql.usage import SqlUsageStore
from gatewayz.store.sql.users import SqlAccountStore

__all__ = ["SqlStore"]


class SqlStore:
    """The ports of `gatewayz.store.ports`, each an attribute."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.identity = SqlIdentityStore(database)
        self.users = SqlAccountStore(database)
        self.keys = SqlKeyStore(database)
        self.usage = SqlUsageStore(database)

    async def ping(self) -> None:
        """Ask the database for a sign of life. Raises StoreUnavailable."""
        await self.identity.identity_revision()

    async def aclose(self) -> None:
        """Wait for running work, then close every connection."""
        await self.database.aclose()
