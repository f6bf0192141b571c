"""The few routes of Stripe that the gateway calls, on a loopback socket; and its signatures."""

import hashlib
import hmac
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs

import msgspec

__all__ = ["StripeServer", "sign", "stripe_server"]


def sign(body: bytes, secret: str, stamp: int) -> str:
    """Return the header of a signed event. Source: docs.stripe.com/webhooks, read 2026-11."""
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"


class StripeServer:
    """Remembers what it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.objects: dict[str, dict[str, Any]] = {}
        self._numbers = count(1)

    def answer(self, path: str, form: dict[str, str], method: str) -> tuple[int, dict[str, Any]]:
        self.seen.append((path, form))
        name = path.rsplit("/", 1)[1]
        if name in self.objects:
            return 200, self._change(self.objects[name], form, method)
        number = next(self._numbers)
        if path == "/v1/checkout/sessions" and form:
            amount = form.get("line_items[0][price_data][unit_amount]")
            made = {
                "id": f"cs_{number}",
                "object": "checkout.session",
                "url": f"{self.url}/pay/{number}",
                "status": "open",
                "payment_status": "unpaid",
                "currency": "usd",
                "customer": None,
                "amount_total": int(amount) if amount else None,
                "expires_at": 1893456000,
            }
        elif path == "/v1/payment_intents" and form:
            made = {
                "id": f"pi_{number}",
                "object": "payment_intent",
                "client_secret": f"pi_{number}_secret",
                "status": "requires_payment_method",
                "amount": int(form["amount"]),
                "currency": form["currency"],
            }
        elif path == "/v1/refunds" and form.get("payment_intent") in self.objects:
            whole = self.objects[form["payment_intent"]]["amount"]
            made = {
                "id": f"re_{number}",
                "object": "refund",
                "status": "succeeded",
                "amount": int(form.get("amount", whole)),
                "currency": "usd",
            }
        else:
            return 404, {"error": {"type": "invalid_request_error", "message": "No such object"}}
        self.objects[str(made["id"])] = made
        return 200, made

    def subscribe(self, id: str, product: str, **more: Any) -> dict[str, Any]:
        """Have an active subscription; its price is named like its product."""
        price = {"id": f"price_of_{product}", "product": product}
        item = {"id": f"si_{id}", "price": price, "current_period_end": 1893456000}
        made = {"id": id, "object": "subscription", "status": "active", "customer": "cus_1", **more}
        self.objects[id] = {**made, "cancel_at_period_end": False, "items": {"object": "list", "data": [item]}}
        return self.objects[id]

    @staticmethod
    def _change(found: dict[str, Any], form: dict[str, str], method: str) -> dict[str, Any]:
        if found["object"] != "subscription":
            return found
        if method == "DELETE":
            found.update(status="canceled", canceled_at=1700000000)
        if form.get("cancel_at_period_end"):
            found["cancel_at_period_end"] = form["cancel_at_period_end"].lower() == "true"
        if price := form.get("items[0][price]"):
            found["items"]["data"][0]["price"] = {"id": price, "product": price.removeprefix("price_of_")}
        return found


@contextmanager
def stripe_server() -> Iterator[StripeServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply({})

        def do_DELETE(self) -> None:
            self._reply({})

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            self._reply({name: values[0] for name, values in parse_qs(text).items()})

        def _reply(self, form: dict[str, str]) -> None:
            status, body = server.answer(self.path.partition("?")[0], form, self.command)
            encoded = msgspec.json.encode(body)
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(encoded)))
            self.end_headers()
            self.wfile.write(encoded)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = StripeServer(f"http://127.0.0.1:{http.server_port}")
    thread = threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join(5)
        http.server_close()
