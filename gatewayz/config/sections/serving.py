"""Settings of the process: its server, its store, its log."""

from typing import Literal

from gatewayz.config.sections.base import Port, Positive, PositiveInt, Section

__all__ = ["Logging", "Server", "Store"]


class Server(Section, frozen=True, kw_only=True):
    """The listening side."""

    host: str = "127.0.0.1"
    port: Port = 8000
    workers: PositiveInt = 1
    backlog: PositiveInt = 2048
    fast_http: bool = True
    """Use our own HTTP/1.1 protocol on plain connections; false leaves everything to stock Hypercorn."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or CIDR ranges whose forwarded headers count."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names answered; empty answers all."""
    max_body_bytes: PositiveInt = 20 * 1024 * 1024
    max_json_depth: PositiveInt = 128
    max_header_bytes: PositiveInt = 64 * 1024
    max_headers: PositiveInt = 128
    keep_alive_s: Positive = 75.0
    head_timeout_s: Positive = 10.0
    body_timeout_s: Positive = 30.0
    write_timeout_s: Positive = 60.0
    """How long a client may refuse to read before it is cut off."""
    graceful_timeout_s: Positive = 30.0
    """How long running requests may finish after SIGTERM."""
    max_concurrent_requests: PositiveInt = 1000
    """Requests worked on at once by one process; more answer 503. Streams waiting on a provider do not count."""
    access_log: bool = False
    http2: bool = False


class Store(Section, frozen=True, kw_only=True):
    """Where state lives."""

    url: str = "sqlite+aiosqlite:///var/gatewayz.db"
    redis_url: str = ""
    """Empty: process memory."""
    migrate: bool = True
    """Bring the schema up to date at start, under a lock."""
    poll_changes_s: Positive = 0.5
    """How often a process looks for keys changed by another one."""
    sync_commits: bool = True
    """Money waits for the disk at each commit, shared by those that run at once; false may lose the last ones."""


class Logging(Section, frozen=True, kw_only=True):
    """Log lines on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "console"
