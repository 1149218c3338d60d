"""A server that speaks the part of Stripe's API that we use, and that can fail like it."""

import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from urllib.parse import parse_qs, unquote, urlsplit

CARD_DECLINED = {
    "type": "card_error",
    "code": "card_declined",
    "decline_code": "generic_decline",
    "message": "Your card was declined.",
}
NO_SUCH_METHOD = {
    "type": "invalid_request_error",
    "code": "resource_missing",
    "message": "No such PaymentMethod: 'pm_none'",
}
OTHER_PARAMETERS = {
    "type": "idempotency_error",
    "message": "Keys for idempotent requests can only be used with the same parameters they were first used with.",
}


class StripeServer:
    """`calls` lists (method, path, parameters, idempotency key); `failures` are statuses or seconds for the next calls.

    A failure of `("lost", seconds)` does what is asked and then keeps the answer back.
    """

    def __init__(self) -> None:
        self.calls: list[tuple] = []
        self.failures: list = []
        self.intents: dict[str, dict] = {}
        self.refunds: dict[str, dict] = {}
        self.answers: dict[str, tuple] = {}
        self.search_is_behind = False
        self.numbers = count(1)
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.serve(self)

            do_POST = do_GET

            def log_message(self, *args) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def serve(self, request) -> None:
        address = urlsplit(request.path)
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0)).decode()
        parameters = {name: values[0] for name, values in parse_qs(body or address.query).items()}
        key = request.headers.get("Idempotency-Key", "")
        self.calls.append((request.command, address.path, parameters, key))
        failure = self.failures.pop(0) if self.failures else None
        if isinstance(failure, int):
            answer = failure, {"error": {"type": "api_error", "message": "We are having trouble."}}
        else:
            answer = self.once(key, parameters, request.command, address.path)
        if isinstance(failure, tuple):
            time.sleep(failure[1])
        self.reply(request, *answer)

    def reply(self, request, status: int, document: dict) -> None:
        try:
            request.send_response(status)
            request.send_header("Content-Type", "application/json")
            request.end_headers()
            request.wfile.write(json.dumps(document).encode())
        except OSError:
            pass  # the client has gone

    def once(self, key: str, parameters: dict, method: str, path: str) -> tuple[int, dict]:
        if not key or method == "GET":
            return self.act(parameters, method, path)
        if key not in self.answers:
            self.answers[key] = (parameters, self.act(parameters, method, path))
        first, answer = self.answers[key]
        return answer if first == parameters else (400, {"error": OTHER_PARAMETERS})

    def act(self, parameters: dict, method: str, path: str) -> tuple[int, dict]:
        match method, path:
            case "POST", "/v1/payment_intents":
                return self.create_intent(parameters)
            case "GET", "/v1/payment_intents":
                return 200, listed(self.intents.values())
            case "GET", "/v1/payment_intents/search":
                return 200, listed([] if self.search_is_behind else self.matching(unquote(parameters["query"])))
            case "POST", "/v1/refunds":
                return self.create_refund(parameters)
            case "GET", "/v1/refunds":
                return 200, listed(
                    r for r in self.refunds.values() if r["payment_intent"] == parameters["payment_intent"]
                )
        return 404, {"error": {"type": "invalid_request_error", "message": f"Unrecognized request URL {path}"}}

    def create_intent(self, parameters: dict) -> tuple[int, dict]:
        token = parameters.get("payment_method") or parameters["payment_method_data[card][token]"]
        if token == "pm_none":
            return 400, {"error": NO_SUCH_METHOD}
        is_declined = token == "pm_card_visa_chargeDeclined"
        status = "requires_payment_method" if is_declined else "processing" if token == "pm_slow" else "succeeded"
        intent = {
            "id": f"pi_{next(self.numbers)}",
            "object": "payment_intent",
            "amount": int(parameters["amount"]),
            "currency": parameters["currency"],
            "status": status,
            "metadata": metadata_of(parameters),
            "last_payment_error": CARD_DECLINED if is_declined else None,
            "created": int(time.time()),
        }
        self.intents[intent["id"]] = intent
        return (402, {"error": CARD_DECLINED | {"payment_intent": intent}}) if is_declined else (200, intent)

    def create_refund(self, parameters: dict) -> tuple[int, dict]:
        intent, amount = self.intents[parameters["payment_intent"]], int(parameters["amount"])
        taken = sum(r["amount"] for r in self.refunds.values() if r["payment_intent"] == intent["id"])
        if taken + amount > intent["amount"]:
            message = "Refund amount is greater than unrefunded amount on charge."
            return 400, {"error": {"type": "invalid_request_error", "message": message}}
        refund = {
            "id": f"re_{next(self.numbers)}",
            "object": "refund",
            "amount": amount,
            "payment_intent": intent["id"],
            "status": "succeeded",
            "metadata": metadata_of(parameters),
        }
        self.refunds[refund["id"]] = refund
        return 200, refund

    def matching(self, query: str) -> list[dict]:
        name, value = re.fullmatch(r"metadata\['(.+)'\]:'(.+)'", query).groups()
        return [intent for intent in self.intents.values() if intent["metadata"].get(name) == value]


def metadata_of(parameters: dict) -> dict:
    return {
        name.removeprefix("metadata[").removesuffix("]"): value
        for name, value in parameters.items()
        if name.startswith("metadata[")
    }


def listed(things) -> dict:
    return {"object": "list", "data": list(things), "has_more": False, "url": "/v1"}
