"""`/api/stripe`: packages, payment pages, payment intents, history, subscription, refunds, webhook."""

from dataclasses import dataclass
from typing import Final, cast
from uuid import uuid4

from quart import Response, request

from gatewayz.areas.payments.schema import (
    CancelBody,
    ChangeBody,
    CheckoutBody,
    IntentBody,
    PageQuery,
    RefundBody,
    SubscribeBody,
)
from gatewayz.areas.payments.service import credit_for, price_of, show_packages, show_payment, show_subscription
from gatewayz.domain.payments.subscribing import tier_of
from gatewayz.sdk.errors import InvalidRequest, ResourceNotFound
from gatewayz.sdk.payments import (
    CheckoutRequest,
    IntentRequest,
    PaymentProcessor,
    PaymentsNotConfigured,
    SubscriptionCheckoutRequest,
    SubscriptionState,
    WebhookRejected,
)
from gatewayz.store.payment_records import NewPayment
from gatewayz.web.bodies import read_json
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]

_DESCRIPTION: Final = "Gatewayz credits"


@dataclass(frozen=True, slots=True)
class _Buyer:
    id: int
    email: str | None


async def list_packages(call: Call) -> Response:
    """What is for sale (11.1)."""
    return json_response(show_packages(call.edition.settings.credit_packages))


async def create_checkout_session(call: Call) -> Response:
    """Open a payment page; its payment is noted first (11.2)."""
    body, processor, buyer = await read_json(CheckoutBody), _processor(call), _buyer(call)
    packages, store = call.edition.settings.credit_packages, call.services.store.payments
    credit = credit_for(packages, body.amount, body.credit_value, body.currency)
    payment = _payment(call, body, credit)
    payment_id = await store.add(payment, call.services.clock.now())
    made = await processor.create_checkout(
        CheckoutRequest(
            payment_id=payment_id,
            user_id=buyer.id,
            amount=body.amount,
            currency=body.currency,
            description=body.description or _DESCRIPTION,
            success_url=body.success_url or f"{packages.return_url}/payment/success?session_id={{CHECKOUT_SESSION_ID}}",
            cancel_url=body.cancel_url or f"{packages.return_url}/payment/cancel",
            customer_email=body.customer_email or buyer.email,
            price_id=price_of(packages, body.amount, credit, body.currency),
            metadata=body.metadata,
        )
    )
    await store.update(payment_id, session_id=made.id)
    shown = {
        "session_id": made.id,
        "url": made.url,
        "payment_id": payment_id,
        "status": made.status,
        "amount": body.amount,
        "currency": body.currency,
        "expires_at": made.expires_at,
    }
    return json_response(shown)


async def show_checkout_session(call: Call, session_id: str) -> Response:
    """One of the caller's own payment pages (11.3)."""
    processor = _processor(call)
    if await call.services.store.payments.find_by_session(session_id, user_id=_buyer(call).id) is None:
        raise ResourceNotFound("There is no such session.", code="SESSION_NOT_FOUND", param="session_id")
    found = await processor.find_checkout(session_id)
    shown = {
        "session_id": found.id,
        "payment_status": found.payment_status,
        "status": found.status,
        "amount_total": found.amount_total,
        "currency": found.currency,
        "customer_email": found.customer_email,
    }
    return json_response(shown)


async def create_payment_intent(call: Call) -> Response:
    """Begin a payment on the caller's own page (11.4)."""
    body, processor, buyer = await read_json(IntentBody), _processor(call), _buyer(call)
    credit = credit_for(call.edition.settings.credit_packages, body.amount, None, body.currency)
    store = call.services.store.payments
    payment_id = await store.add(_payment(call, body, credit), call.services.clock.now())
    methods = tuple(body.payment_method_types or (() if body.automatic_payment_methods else ("card",)))
    made = await processor.create_intent(
        IntentRequest(
            payment_id=payment_id,
            user_id=buyer.id,
            amount=body.amount,
            currency=body.currency,
            description=body.description or _DESCRIPTION,
            customer_email=body.customer_email or buyer.email,
            method_types=methods,
            metadata=body.metadata,
        )
    )
    await store.update(payment_id, intent_id=made.id)
    shown = {"payment_intent_id": made.id, "client_secret": made.client_secret, "payment_id": payment_id}
    rest = {"status": made.status, "amount": made.amount, "currency": made.currency, "next_action": made.next_action}
    return json_response({**shown, **rest})


async def show_payment_intent(call: Call, intent_id: str) -> Response:
    """One of the caller's own payments, as the processor has it."""
    processor = _processor(call)
    if await call.services.store.payments.find_by_intent(intent_id, user_id=_buyer(call).id) is None:
        raise ResourceNotFound("There is no such payment intent.", param="intent_id")
    found = await processor.find_intent(intent_id)
    shown = {"payment_intent_id": found.id, "status": found.status, "amount": found.amount, "currency": found.currency}
    return json_response(shown)


async def list_payments(call: Call) -> Response:
    """The caller's payments, newest first (11.5)."""
    query = read_query(PageQuery)
    store = call.services.store.payments
    found, total = await store.list_payments(_buyer(call).id, limit=query.limit, offset=query.offset)
    paging = {"total": total, "limit": query.limit, "offset": query.offset}
    return json_response({"payments": [show_payment(payment) for payment in found], **paging})


async def show_one_payment(call: Call, payment_id: int) -> Response:
    """One of the caller's payments."""
    found = await call.services.store.payments.find(payment_id, user_id=_buyer(call).id)
    if found is None:
        raise ResourceNotFound("There is no such payment.", param="payment_id")
    return json_response(show_payment(found))


async def show_own_subscription(call: Call) -> Response:
    """The caller's subscription (11.6)."""
    return json_response(show_subscription(await call.services.store.payments.find_subscription(_buyer(call).id)))


async def create_subscription_checkout(call: Call) -> Response:
    """Open a page to subscribe (11.7)."""
    body, processor, buyer = await read_json(SubscribeBody), _processor(call), _buyer(call)
    known = await call.services.store.payments.find_subscription(buyer.id)
    made = await processor.create_subscription_checkout(
        SubscriptionCheckoutRequest(
            user_id=buyer.id,
            price_id=body.price_id,
            mode=body.mode,
            success_url=body.success_url,
            cancel_url=body.cancel_url,
            key=f"gatewayz-subscribe-{uuid4().hex}",
            customer_email=body.customer_email or buyer.email,
            customer_id=None if known is None else known.customer_id,
            metadata=body.metadata,
        )
    )
    return json_response(
        {"session_id": made.id, "url": made.url, "customer_id": made.customer_id, "status": made.status}
    )


async def change_subscription(call: Call) -> Response:
    """Move the caller's subscription to another price; allowance and tier follow with the processor's event."""
    body, processor = await read_json(ChangeBody), _processor(call)
    subscription_id = await _own_subscription(call)
    state = await processor.change_subscription(subscription_id, body.new_price_id, body.proration_behavior)
    return _changed(call, state, "The subscription is changed")


async def cancel_subscription(call: Call) -> Response:
    """End the caller's subscription, now or with what is paid."""
    body, processor = await read_json(CancelBody, default=CancelBody()), _processor(call)
    subscription_id = await _own_subscription(call)
    state = await processor.cancel_subscription(subscription_id, at_period_end=body.cancel_at_period_end)
    return _changed(call, state, "The subscription ends")


async def refund_payment(call: Call) -> Response:
    """Give a payment back; its credit is taken when the processor says that the money is on its way."""
    body, processor = await read_json(RefundBody), _processor(call)
    payment = await call.services.store.payments.find_by_intent(body.payment_intent_id)
    if payment is None:
        raise ResourceNotFound("There is no such payment.", param="payment_intent_id")
    left = payment.paid - payment.returned
    if left <= 0 or (body.amount or 0) > left:
        raise InvalidRequest(f"{left} of this payment can be given back.", param="amount")
    key = f"gatewayz-refund-{payment.id}-{payment.returned}-{body.amount or left}"
    made = await processor.refund(body.payment_intent_id, body.amount, body.reason, key)
    return json_response(
        {"refund_id": made.id, "status": made.status, "amount": made.amount, "currency": made.currency}
    )


async def receive_webhook(call: Call) -> Response:
    """Take an event; always 200 but when it could not be stored (11.8)."""
    body = cast(bytes, await request.get_data(as_text=False))
    try:
        processor = _processor(call)
        signature = request.headers.get("stripe-signature", "")
        event = processor.verify_webhook(body, signature, call.services.clock.now())
    except (WebhookRejected, PaymentsNotConfigured) as err:
        return _heard(call, False, None, None, err.message)
    is_well, message = await call.services.inbox.receive(event)
    return _heard(call, is_well, event.type, event.id, message)


def _heard(call: Call, success: bool, kind: str | None, event_id: str | None, message: str) -> Response:
    shown = {"success": success, "event_type": kind, "event_id": event_id, "message": message}
    return json_response({**shown, "processed_at": call.services.clock.now()})


def _changed(call: Call, state: SubscriptionState, message: str) -> Response:
    shown = {
        "success": True,
        "subscription_id": state.id,
        "status": state.status,
        "current_tier": tier_of(call.edition.settings.subscriptions, state.product_id),
        "message": message,
        "effective_date": state.period_end if state.cancel_at_period_end else call.services.clock.now(),
        "proration_amount": None,  # the processor puts it on a later invoice; a preview would be a guess (0111)
    }
    return json_response(shown)


def _processor(call: Call) -> PaymentProcessor:
    processor = call.edition.payments
    if processor is None:
        raise PaymentsNotConfigured("Payments are not configured on this gateway.")
    return processor


def _buyer(call: Call) -> _Buyer:
    if call.caller.user_id is None:
        raise InvalidRequest("This route needs the key of a user.")
    return _Buyer(call.caller.user_id, call.caller.email)


def _payment(call: Call, body: CheckoutBody | IntentBody, credit: int) -> NewPayment:
    return NewPayment(
        user_id=_buyer(call).id,
        processor=call.edition.settings.payments.use,
        amount=body.amount,
        credit=credit,
        currency=body.currency,
        description=body.description,
        metadata=body.metadata,
    )


async def _own_subscription(call: Call) -> str:
    found = await call.services.store.payments.find_subscription(_buyer(call).id)
    if found is None or found.status == "canceled":
        raise ResourceNotFound("There is no subscription.", code="RESOURCE_NOT_FOUND")
    return found.subscription_id


_P: Final = "/api/stripe"
ROUTES: Final = (
    Route(method="GET", path=f"{_P}/credit-packages", handler=list_packages, guard="public"),
    Route(
        method="POST", path=f"{_P}/checkout-session", handler=create_checkout_session, guard="user", body=CheckoutBody
    ),
    Route(method="GET", path=f"{_P}/checkout-session/<session_id>", handler=show_checkout_session, guard="user"),
    Route(method="POST", path=f"{_P}/payment-intent", handler=create_payment_intent, guard="user", body=IntentBody),
    Route(method="GET", path=f"{_P}/payment-intent/<intent_id>", handler=show_payment_intent, guard="user"),
    Route(method="GET", path=f"{_P}/payments", handler=list_payments, guard="user", query=PageQuery),
    Route(
        method="GET",
        path=f"{_P}/payments/<int(max=9007199254740991):payment_id>",
        handler=show_one_payment,
        guard="user",
    ),
    Route(method="GET", path=f"{_P}/subscription", handler=show_own_subscription, guard="user"),
    Route(
        method="POST",
        path=f"{_P}/subscription-checkout",
        handler=create_subscription_checkout,
        guard="user",
        body=SubscribeBody,
    ),
    Route(method="POST", path=f"{_P}/subscription/upgrade", handler=change_subscription, guard="user", body=ChangeBody),
    Route(
        method="POST", path=f"{_P}/subscription/downgrade", handler=change_subscription, guard="user", body=ChangeBody
    ),
    Route(method="POST", path=f"{_P}/subscription/cancel", handler=cancel_subscription, guard="user", body=CancelBody),
    Route(method="POST", path=f"{_P}/refund", handler=refund_payment, guard="admin", body=RefundBody),
    Route(method="POST", path=f"{_P}/webhook", handler=receive_webhook, guard="public"),
)
