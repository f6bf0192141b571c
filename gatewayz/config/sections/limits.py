"""How much callers may ask for."""

from typing import Literal

from gatewayz.config.sections.base import Count, Positive, PositiveInt, Section

__all__ = ["AnonymousLimits", "EndpointLimit", "LimitProfile", "Limits", "NetworkLimits", "VelocityMode"]


class LimitProfile(Section, frozen=True, kw_only=True):
    """Limits of one key (spec 00 §5.3)."""

    requests_per_minute: Count = 60
    requests_per_hour: Count = 1_000
    requests_per_day: Count = 10_000
    tokens_per_minute: Count = 10_000
    tokens_per_hour: Count = 100_000
    tokens_per_day: Count = 1_000_000
    burst: Count = 100
    """Calls at once, given back as fast as the minute allows."""
    concurrency: Count = 50


class AnonymousLimits(Section, frozen=True, kw_only=True):
    """What may be called without a key, where `access.anonymous_inference` lets that happen."""

    requests_per_day: PositiveInt = 3
    """Of one address, in a UTC day."""
    models: tuple[str, ...] = ()


class NetworkLimits(Section, frozen=True, kw_only=True):
    """Requests of one address without a valid key (spec 00 §5.1)."""

    enabled: bool = True
    requests: PositiveInt = 300
    strict_requests: PositiveInt = 60
    """For those whom the strict lists name."""
    fingerprint_requests: PositiveInt = 100
    """Of one kind of client over all addresses; shown, and enforced only when `fingerprints` is on."""
    fingerprints: bool = False
    window_s: Positive = 60.0
    strict_agents: tuple[str, ...] = ()
    """Words in `User-Agent`, in any case."""
    strict_headers: tuple[str, ...] = ()
    """Request headers that only proxies send."""
    strict_networks: tuple[str, ...] = ()
    """Addresses or CIDR ranges."""


class VelocityMode(Section, frozen=True, kw_only=True):
    """When too many requests fail by our fault, strangers may ask for less."""

    window_s: PositiveInt = 60
    min_requests: PositiveInt = 100
    failure_percent: Positive = 25.0
    duration_s: Positive = 180.0
    multiplier: Positive = 0.5


class EndpointLimit(Section, frozen=True, kw_only=True):
    """Calls of one endpoint (spec 00 §5.5)."""

    requests: PositiveInt
    window_s: Positive
    scope: Literal["address", "user", "key"] = "address"


class Limits(Section, frozen=True, kw_only=True):
    """How much callers may ask for."""

    enabled: bool = True
    """False: nothing is limited."""
    default: LimitProfile = LimitProfile()
    profiles: dict[str, LimitProfile] = {}
    profile_of_plan: dict[str, str] = {}
    """Plan to profile; other plans have the default."""
    profile_of_mail: dict[Literal["temporary", "blocked"], str] = {}
    """Profile of accounts with addresses of such mail domains, whatever their plan."""
    lease_s: Positive = 900.0
    """How long a call may hold its slot, should its process die."""
    redis_budget_s: Positive = 0.045
    """How long one request may wait for Redis before limits go local; read at the start."""
    redis_retry_s: Positive = 2.0
    """How long Redis is left alone after it failed, and between two looks whether it is back; read at the start."""
    anonymous: AnonymousLimits = AnonymousLimits()
    network: NetworkLimits = NetworkLimits()
    velocity: VelocityMode = VelocityMode()
    endpoints: dict[str, EndpointLimit] = {}

    def __post_init__(self) -> None:
        """Raise ValueError for a profile that is named and not there."""
        named = {*self.profile_of_plan.values(), *self.profile_of_mail.values()}
        if missing := sorted(named - set(self.profiles)):
            raise ValueError(f"profiles: there is none named {', '.join(missing)}")
