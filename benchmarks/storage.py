"""What one call leaves in the database, by table: `python -m benchmarks.storage URL [CALLS]`.

URL names an empty database (`sqlite:////tmp/a.db`, `postgresql+asyncpg://...`). The echo provider answers, so that only
the gateway's own records grow. docs/operations/capacity.md has the figures.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.fakes.gateway_process import GatewayProcess

CONNECTIONS = 16
SIZES = {
    "sqlite": "SELECT name, SUM(pgsize) FROM dbstat GROUP BY name",
    "postgresql": "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r' AND relnamespace ="
    " 'public'::regnamespace",
}


async def sizes(url: str) -> dict[str, int]:
    """Return bytes by table, indexes with their table on PostgreSQL and by their own name on SQLite."""
    engine = create_async_engine(url.replace("sqlite://", "sqlite+aiosqlite://", 1))
    try:
        async with engine.connect() as connection:
            rows = await connection.execute(text(SIZES[engine.dialect.name]))
            return {name: int(size) for name, size in rows}
    finally:
        await engine.dispose()


async def call(base: str, key: str, count: int) -> float:
    """Make that many calls; return the seconds they took."""
    body = {"model": "acme/one", "messages": [{"role": "user", "content": "hello there"}]}
    left = iter(range(count))
    async with httpx.AsyncClient(base_url=base, headers={"authorization": f"Bearer {key}"}) as client:

        async def work() -> None:
            for _ in left:
                (await client.post("/v1/chat/completions", json=body, timeout=30)).raise_for_status()

        started = time.monotonic()
        await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
        return time.monotonic() - started


async def grown(url: str, gateway: GatewayProcess, key: str, count: int) -> None:
    """Print what grew."""
    await call(gateway.base, key, 50)
    await asyncio.sleep(1)
    before = await sizes(url)
    took = await call(gateway.base, key, count)
    await asyncio.sleep(2)
    after = await sizes(url)
    growth = {name: (size - before.get(name, 0)) / count for name, size in after.items() if size > before.get(name, 0)}
    print(f"{count} calls in {took:.1f} s; bytes a call:")
    for name, each in sorted(growth.items(), key=lambda item: -item[1]):
        print(f"  {name:<40}{each:10.1f}")
    print(f"  {'all':<40}{sum(growth.values()):10.1f}")


def main() -> None:
    """Run it."""
    url, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    offer = {"id": "echo", "price": {"input": "1", "output": "2"}}
    config = {
        "store": {"url": url},
        "billing": {"use": "credits"},
        "providers": {"echo": {"use": "echo"}},
        "models": {"acme/one": {"offers": {"echo": offer}}},
    }
    with tempfile.TemporaryDirectory() as folder, GatewayProcess(Path(folder), config) as gateway:
        key = gateway.create_user("a@example.com", "--credits", "100")
        asyncio.run(grown(url, gateway, key, count))


if __name__ == "__main__":
    main()
