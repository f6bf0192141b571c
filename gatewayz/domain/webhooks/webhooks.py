"""Endpoints of users, and events to be told to them. Source: spec 08 §5; docs/webhooks.md."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from secrets import token_bytes
from typing import Any, Final, Protocol

from gatewayz.domain.identity.keys import KeyVault
from gatewayz.domain.webhooks.signing import NONCE_BYTES, reveal
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import Conflict, InvalidRequest, ResourceNotFound
from gatewayz.sdk.secret import Secret
from gatewayz.store.webhook_records import (
    ALL_EVENTS,
    MAX_ENDPOINTS,
    TRY_FOR_MS,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointChanges,
    EventType,
    NewEndpoint,
    WebhookStore,
    event_of,
    milliseconds,
)

__all__ = ["CheckUrl", "Webhooks"]

_OLD_SECRET: Final = timedelta(hours=24)
_PING: Final = "webhook.ping"


class CheckUrl(Protocol):
    """Refuses URLs that the gateway does not go to."""

    async def __call__(self, url: str) -> None:
        """Raise InvalidRequest for a URL that will not be fetched."""
        ...


class Webhooks:
    """The service.

    :param check_url: asked before an endpoint is kept; the same guard is asked again at every delivery.
    :param draw: source of random bytes.
    """

    def __init__(
        self,
        store: WebhookStore,
        vault: KeyVault,
        clock: Clock,
        check_url: CheckUrl,
        draw: Callable[[int], bytes] = token_bytes,
    ) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._check_url = check_url
        self._draw = draw

    async def emit(self, user_id: int, type: EventType, data: Mapping[str, Any], *, source: str | None = None) -> int:
        """Have something told to a user's endpoints that listen; return to how many. On disk when it returns.

        :param data: JSON values.
        :param source: what it comes of (`batch 17`): told once, however often this is called for the same.
        Raises StoreUnavailable.
        """
        return await self._store.emit(event_of(user_id, type, data, milliseconds(self._clock.now()), source))

    async def create(
        self, user_id: int, url: str, events: tuple[str, ...], description: str
    ) -> tuple[Endpoint, Secret]:
        """Make an endpoint; return its secret, too. Raises InvalidRequest (the URL), Conflict (there are too many)."""
        await self._check(url, "url")
        new = NewEndpoint(url=url, events=events, nonce=self._draw(NONCE_BYTES), description=description)
        made = await self._store.add(user_id, new, self._clock.now())
        if made is None:
            raise Conflict(f"There are {MAX_ENDPOINTS} endpoints already: delete one first.", code="TOO_MANY_WEBHOOKS")
        return made, reveal(self._vault, made.nonce)

    async def list_endpoints(self, user_id: int) -> Sequence[Endpoint]:
        """Return a user's endpoints, oldest first."""
        return await self._store.list_endpoints(user_id)

    async def find(self, user_id: int, endpoint_id: int) -> Endpoint:
        """Return one. Raises ResourceNotFound."""
        return _known(await self._store.find(user_id, endpoint_id))

    async def change(self, user_id: int, endpoint_id: int, changes: EndpointChanges) -> Endpoint:
        """Change one. Raises ResourceNotFound, InvalidRequest (the URL)."""
        if isinstance(changes.url, str):
            _known(await self._store.find(user_id, endpoint_id))
            await self._check(changes.url, "url")
        return _known(await self._store.change(user_id, endpoint_id, changes, self._clock.now()))

    async def rotate(self, user_id: int, endpoint_id: int) -> tuple[Endpoint, Secret]:
        """Give one another secret; for a day the one before signs, too. Raises ResourceNotFound."""
        now, nonce = self._clock.now(), self._draw(NONCE_BYTES)
        old_until_ms = milliseconds(now + _OLD_SECRET)
        changed = _known(await self._store.rotate(user_id, endpoint_id, nonce, old_until_ms, now))
        return changed, reveal(self._vault, changed.nonce)

    async def delete(self, user_id: int, endpoint_id: int) -> None:
        """Forget one and its deliveries. Raises ResourceNotFound."""
        if not await self._store.delete(user_id, endpoint_id):
            raise _missing()

    async def ping(self, user_id: int, endpoint_id: int) -> Delivery:
        """Have a test delivered. Raises ResourceNotFound."""
        now_ms = milliseconds(self._clock.now())
        event = event_of(user_id, _PING, {"message": "This is a test."}, now_ms)
        sent = await self._store.emit_to(user_id, endpoint_id, event)
        if sent is None:
            raise _missing()
        return sent

    async def list_deliveries(
        self, user_id: int, endpoint_id: int, *, state: DeliveryState | None, before: int | None, limit: int
    ) -> Sequence[Delivery]:
        """Return deliveries, newest first. Raises ResourceNotFound."""
        _known(await self._store.find(user_id, endpoint_id))
        return await self._store.list_deliveries(user_id, endpoint_id, state=state, before=before, limit=limit)

    async def redeliver(self, user_id: int, endpoint_id: int, delivery_id: int) -> Delivery:
        """Have one delivered again, under the same id. Raises ResourceNotFound."""
        now_ms = milliseconds(self._clock.now())
        again = await self._store.redeliver(user_id, endpoint_id, delivery_id, now_ms, now_ms + TRY_FOR_MS)
        if again is None:
            raise ResourceNotFound("There is no such delivery.", code="DELIVERY_NOT_FOUND", param="delivery_id")
        return again

    async def set_of_preferences(self, user_id: int, url: str | None) -> Secret | None:
        """Keep, redirect or (None) forget the one URL of the preferences, which listens to all.

        Returns the secret when there was no such URL before. Raises InvalidRequest (the URL).
        """
        if url is not None:
            await self._check(url, "webhook_url")
        nonce = self._draw(NONCE_BYTES)
        new = None if url is None else NewEndpoint(url=url, events=(ALL_EVENTS,), nonce=nonce, is_of_preferences=True)
        kept = await self._store.set_of_preferences(user_id, new, self._clock.now())
        return reveal(self._vault, nonce) if kept is not None and kept.nonce == nonce else None

    async def find_of_preferences(self, user_id: int) -> Endpoint | None:
        """Return the endpoint of the preferences."""
        return next((each for each in await self._store.list_endpoints(user_id) if each.is_of_preferences), None)

    async def _check(self, url: str, param: str) -> None:
        try:
            await self._check_url(url)
        except InvalidRequest as err:
            raise InvalidRequest(f"{param}: {err.message}.", code=err.code, param=param) from err


def _known(endpoint: Endpoint | None) -> Endpoint:
    if endpoint is None:
        raise _missing()
    return endpoint


def _missing() -> ResourceNotFound:
    return ResourceNotFound("There is no such webhook.", code="WEBHOOK_NOT_FOUND", param="webhook_id")
