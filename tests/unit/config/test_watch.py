import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gatewayz.config.load import Loaded
from gatewayz.config.problems import ConfigurationInvalid, Problem
from gatewayz.config.watch import Watch
from gatewayz.sdk.errors import ConfigurationError
from tests.fakes.config_files import ConfigFolder


class Server:
    """Takes configurations over, or refuses them."""

    def __init__(self) -> None:
        self.taken: asyncio.Queue[Loaded] = asyncio.Queue()
        self.refused: asyncio.Queue[tuple[Problem, ...]] = asyncio.Queue()
        self.fails_with: Exception | None = None

    async def take(self, loaded: Loaded) -> None:
        if self.fails_with is not None:
            raise self.fails_with
        self.taken.put_nowait(loaded)


@pytest.fixture
def folder(tmp_path: Path) -> ConfigFolder:
    return ConfigFolder(tmp_path)


def watch_of(folder: ConfigFolder, server: Server) -> Watch:
    return Watch(
        folder.load("server: {port: 1}\n"),
        overlay=None,
        environ=dict,
        on_loaded=server.take,
        on_refused=server.refused.put_nowait,
        debounce_s=0.05,
    )


@asynccontextmanager
async def running(watch: Watch) -> AsyncIterator[None]:
    task = asyncio.create_task(watch.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def saved(folder: ConfigFolder, text: str, queue: asyncio.Queue[object]) -> object:
    """Save until it is noticed: a watcher may need a moment to start."""
    for _ in range(50):
        temporary = folder.write(text, "gatewayz.yaml.tmp")
        temporary.replace(folder.main)
        try:
            return await asyncio.wait_for(queue.get(), 0.3)
        except TimeoutError:
            continue
    raise AssertionError("the change was not noticed")


async def test_a_saved_file_is_taken_over(folder: ConfigFolder) -> None:
    server = Server()
    watch = watch_of(folder, server)
    async with running(watch):
        loaded = await saved(folder, "server: {port: 2}\n", server.taken)  # type: ignore[arg-type]
        assert isinstance(loaded, Loaded)
        assert loaded.settings.server.port == 2
        assert watch.current is loaded


async def test_a_wrong_file_is_refused_whole_and_the_next_right_one_taken(folder: ConfigFolder) -> None:
    server = Server()
    watch = watch_of(folder, server)
    before = watch.current
    async with running(watch):
        problems = await saved(folder, "server: {port: x}\n", server.refused)  # type: ignore[arg-type]
        assert [str(each.path) for each in problems] == ["('server', 'port')"]  # type: ignore[attr-defined]
        assert watch.current is before
        await saved(folder, "server: {port: 3}\n", server.taken)  # type: ignore[arg-type]
        assert watch.current.settings.server.port == 3


async def test_reload_on_request(folder: ConfigFolder) -> None:
    server = Server()
    watch = watch_of(folder, server)
    async with running(watch):
        watch.reload()
        assert (await asyncio.wait_for(server.taken.get(), 5)).settings.server.port == 1


@pytest.mark.parametrize(
    "error",
    [ConfigurationInvalid([Problem(message="no")]), ConfigurationError("no"), RuntimeError("a fault of ours")],
)
async def test_whatever_the_take_over_runs_into_the_old_one_stays(
    folder: ConfigFolder, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server()
    server.fails_with = error
    watch = watch_of(folder, server)
    before = watch.current
    assert await watch.reload_now() is False
    assert watch.current is before
    assert server.refused.qsize() == isinstance(error, ConfigurationError)
    assert "the old one keeps serving" in caplog.text


def test_only_files_of_the_configuration_concern_it(folder: ConfigFolder) -> None:
    folder.write("{}\n", "config/models.yaml")
    watch = watch_of(folder, Server())
    root = folder.root.resolve()
    assert watch.folders() == {root, root / "config"}
    for name in ("gatewayz.yaml", "config/models.yaml", "config/new.yaml"):
        assert watch.concerns(str(root / name))
    for name in ("gatewayz.yaml.tmp", "other.yaml", "config/.models.yaml.swp", "config/.hidden.yaml", "var/x.db"):
        assert not watch.concerns(str(root / name))
