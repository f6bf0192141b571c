"""Stripe by its official SDK (asynchronous, over httpx).

The SDK's objects are no dictionaries: they are turned into ones at this border.
"""

from collections.abc import Awaitable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
import stripe

from gatewayz.sdk.errors import UpstreamBroken, UpstreamUnreachable
from gatewayz.sdk.payments import (
    Checkout,
    CheckoutRequest,
    Intent,
    IntentRequest,
    Notice,
    PaymentRefused,
    RefundReceipt,
    SubscriptionCheckoutRequest,
    SubscriptionState,
    WebhookEvent,
    WebhookRejected,
)
from gatewayz_plugins.payments.stripe.events import moment, object_id, read_notice, subscription_state
from gatewayz_plugins.payments.stripe.settings import StripeSettings

__all__ = ["StripeProcessor"]

_TOLERANCE_S: Final = 300
"""How far a signature's stamp may be from now, either way; the SDK looks at the past only."""
Params = dict[str, Any]


class StripeProcessor:
    """`gatewayz.sdk.payments.PaymentProcessor`."""

    def __init__(self, settings: StripeSettings) -> None:
        self._settings = settings
        self._http = stripe.HTTPXClient(timeout=settings.timeout_s)
        self._v1 = stripe.StripeClient(
            settings.api_key.reveal(), base_addresses={"api": settings.base_url}, http_client=self._http
        ).v1

    async def create_checkout(self, request: CheckoutRequest) -> Checkout:
        """Open a payment page."""
        tags = _tags(request.metadata, payment_id=request.payment_id, user_id=request.user_id)
        inline = {
            "currency": request.currency,
            "unit_amount": request.amount,
            "product_data": {"name": request.description},
        }
        item = {"price": request.price_id} if request.price_id else {"price_data": inline}
        params: Params = {
            "mode": "payment",
            "line_items": [{**item, "quantity": 1}],
            "success_url": request.success_url,
            "cancel_url": request.cancel_url,
            "client_reference_id": str(request.payment_id),
            "metadata": tags,
            "payment_intent_data": {"metadata": tags},
            **_given(customer_email=request.customer_email),
        }
        return _checkout(await self._ask(self._v1.checkout.sessions.create_async(params, _once(request.payment_id))))  # type: ignore[arg-type]

    async def find_checkout(self, session_id: str) -> Checkout:
        """Return a payment page."""
        return _checkout(await self._ask(self._v1.checkout.sessions.retrieve_async(session_id)))

    async def create_intent(self, request: IntentRequest) -> Intent:
        """Begin a payment."""
        params: Params = {
            "amount": request.amount,
            "currency": request.currency,
            "description": request.description,
            "metadata": _tags(request.metadata, payment_id=request.payment_id, user_id=request.user_id),
            **_given(receipt_email=request.customer_email),
        }
        if request.method_types:
            params["payment_method_types"] = list(request.method_types)
        else:
            params["automatic_payment_methods"] = {"enabled": True}
        return _intent(await self._ask(self._v1.payment_intents.create_async(params, _once(request.payment_id))))  # type: ignore[arg-type]

    async def find_intent(self, intent_id: str) -> Intent:
        """Return a payment."""
        return _intent(await self._ask(self._v1.payment_intents.retrieve_async(intent_id)))

    async def create_subscription_checkout(self, request: SubscriptionCheckoutRequest) -> Checkout:
        """Open a page to subscribe."""
        tags = _tags(request.metadata, user_id=request.user_id)
        params: Params = {
            "mode": request.mode,
            "success_url": request.success_url,
            "cancel_url": request.cancel_url,
            "client_reference_id": str(request.user_id),
            "metadata": tags,
            **_given(customer=request.customer_id),
        }
        if request.mode != "setup":
            params["line_items"] = [{"price": request.price_id, "quantity": 1}]
        if request.mode == "subscription":
            params["subscription_data"] = {"metadata": tags}
        if request.customer_id is None and request.customer_email:
            params["customer_email"] = request.customer_email
        options: Any = {"idempotency_key": request.key}
        return _checkout(await self._ask(self._v1.checkout.sessions.create_async(params, options)))  # type: ignore[arg-type]

    async def change_subscription(self, subscription_id: str, price_id: str, proration: str) -> SubscriptionState:
        """Move a subscription to another price."""
        found = await self._ask(self._v1.subscriptions.retrieve_async(subscription_id))
        item = found["items"]["data"][0]["id"]
        params: Any = {"items": [{"id": item, "price": price_id}], "proration_behavior": proration}
        return subscription_state(await self._ask(self._v1.subscriptions.update_async(subscription_id, params)))

    async def cancel_subscription(self, subscription_id: str, *, at_period_end: bool) -> SubscriptionState:
        """End a subscription, now or with what is paid."""
        if at_period_end:
            asked = self._v1.subscriptions.update_async(subscription_id, {"cancel_at_period_end": True})
        else:
            asked = self._v1.subscriptions.cancel_async(subscription_id)
        return subscription_state(await self._ask(asked))

    async def refund(self, intent_id: str, amount: int | None, reason: str | None, key: str) -> RefundReceipt:
        """Give a payment back, or a part of it, once for each key."""
        params: Any = {"payment_intent": intent_id, **_given(amount=amount, reason=reason)}
        made = await self._ask(self._v1.refunds.create_async(params, {"idempotency_key": key}))
        return RefundReceipt(
            id=made["id"], status=made.get("status") or "pending", amount=made["amount"], currency=made["currency"]
        )

    def verify_webhook(self, body: bytes, signature: str, now: datetime) -> WebhookEvent:
        """Return the event. Raises WebhookRejected: forged, too old, from the future, of the other mode, no event."""
        secret = self._settings.webhook_secret.reveal()
        try:
            text = body.decode()
            stripe.WebhookSignature.verify_header(text, signature, secret, _TOLERANCE_S)
            event = msgspec.json.decode(text, type=dict[str, Any])
            is_event = all(isinstance(event[name], str) for name in ("id", "type"))
            is_event = is_event and isinstance(event["data"]["object"], dict)
        except (stripe.SignatureVerificationError, msgspec.MsgspecError, UnicodeDecodeError) as err:
            raise WebhookRejected("The signature does not fit, or is too old.", param="stripe-signature") from err
        except (KeyError, TypeError) as err:
            raise WebhookRejected("This is not an event.", code="INVALID_EVENT") from err
        if _stamp(signature) > now.timestamp() + _TOLERANCE_S:
            raise WebhookRejected("The signature is from the future.", param="stripe-signature")
        if self._settings.livemode is not None and event.get("livemode") is not self._settings.livemode:
            raise WebhookRejected("The event is of the other mode (live or test).", code="INVALID_EVENT")
        if not is_event:
            raise WebhookRejected("This is not an event.", code="INVALID_EVENT")
        return WebhookEvent(id=event["id"], type=event["type"], body=text)

    async def read_event(self, body: str) -> Notice | None:
        """Return what a verified event means; None when it concerns nobody here."""
        return read_notice(msgspec.json.decode(body, type=dict[str, Any]))

    async def aclose(self) -> None:
        """Close connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def _ask(self, call: Awaitable[stripe.StripeObject]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = (await call).to_dict()
        except stripe.APIConnectionError as err:
            raise UpstreamUnreachable("Stripe cannot be reached.") from err
        except (stripe.InvalidRequestError, stripe.CardError, stripe.IdempotencyError) as err:
            message = err.user_message or "Stripe refused the request."
            raise PaymentRefused(message, param=getattr(err, "param", None)) from err
        except stripe.StripeError as err:
            raise UpstreamBroken("Stripe did not do as asked.", provider_status=err.http_status) from err
        return answer


def _checkout(found: Mapping[str, Any]) -> Checkout:
    details = found.get("customer_details") or {}
    return Checkout(
        id=found["id"],
        url=found.get("url"),
        status=found.get("status") or "open",
        payment_status=found.get("payment_status") or "unpaid",
        amount_total=found.get("amount_total"),
        currency=found.get("currency"),
        customer_email=found.get("customer_email") or details.get("email"),
        customer_id=object_id(found.get("customer")),
        intent_id=object_id(found.get("payment_intent")),
        expires_at=moment(found.get("expires_at")),
    )


def _intent(found: Mapping[str, Any]) -> Intent:
    return Intent(
        id=found["id"],
        client_secret=found.get("client_secret"),
        status=found["status"],
        amount=found["amount"],
        currency=found["currency"],
        next_action=found.get("next_action"),
    )


def _tags(metadata: Mapping[str, str], **ours: int) -> dict[str, str]:
    """Return the metadata of a call; ours cannot be overwritten by the caller's."""
    return {**metadata, **{name: str(value) for name, value in ours.items()}}


def _given(**values: Any) -> Params:
    return {name: value for name, value in values.items() if value is not None}


def _once(payment_id: int) -> Any:
    return {"idempotency_key": f"gatewayz-payment-{payment_id}"}


def _stamp(signature: str) -> int:
    for part in signature.split(","):
        name, _, value = part.partition("=")
        if name.strip() == "t" and value.isascii() and value.isdigit():
            return int(value)
    raise WebhookRejected("The signature has no stamp.", param="stripe-signature")
