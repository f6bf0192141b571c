"""Settings of customers' webhooks."""

from ipaddress import ip_network

from gatewayz.config.sections.base import Positive, PositiveInt, Section

__all__ = ["Webhooks"]


class Webhooks(Section, frozen=True, kw_only=True):
    """Where customers may be told of events, and how hard that is tried; `docs/webhooks.md`."""

    enabled: bool = True
    """False delivers nothing; what is told by its cause is written down all the same, for `keep_days`."""
    allow_http: bool = False
    """Whether endpoints may be without TLS."""
    allowed_networks: tuple[str, ...] = ()
    """Networks (CIDR) that are reached although they are not public."""
    ca_file: str | None = None
    """Whom to trust as the issuer of endpoints' certificates, beside none: the system's without one."""
    timeout_s: Positive = 10.0
    """For one try."""
    retry_s: Positive = 5.0
    """Before the second try; each further pause is four times as long, at most six hours, up to a day in all."""
    disable_after_s: Positive = 432_000.0
    """An endpoint that has failed for so long is switched off."""
    poll_s: Positive = 1.0
    """How often each process looks what is due."""
    check_s: Positive = 15.0
    """How often one process looks for low balances and outages, and each one who listens to limits."""
    keep_days: PositiveInt = 30
    """Deliveries are forgotten after this."""

    def __post_init__(self) -> None:
        """Raise ValueError for what is not a network."""
        for network in self.allowed_networks:
            ip_network(network)
