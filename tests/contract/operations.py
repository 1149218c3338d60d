"""Every operation that the API describes, and how to call each on a booking, its tickets, or an order of Acme's."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any
from uuid import uuid4

from django.db import connection
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator

from flights.models import Flight
from orders.disruption.services import cancel_flights
from orders.models import Disruption, Product
from skybridge.events import system
from tests.orders import shop

CUSTOMER = "customer-1"  # of Acme's
SCHEMA = SchemaGenerator().get_schema(request=None, public=True)
# What a refused call must leave as it is.
TABLES = (
    "bookings_booking", "ticketing_ticket", "ticketing_coupon", "flights_flight", "flights_flightcabin",
    "flights_seathold", "bookings_quote", "skybridge_event", "skybridge_idempotencykey", "orders_product",
    "orders_order", "orders_orderitem", "orders_orderquote", "orders_execution", "orders_executionevent",
    "orders_backup", "partners_account", "partners_ledgerentry", "partners_payment", "partners_refund",
    "ticketing_departure", "ticketing_boardingpass", "ticketing_bag", "ticketing_bagtagseries", "ticketing_scan",
    "ticketing_traveldocument", "ticketing_emd", "orders_disruption", "orders_disruptedbooking",
)  # fmt: skip
PRODUCT = "PROD001"
PASSENGERS = [{"surname": "Lovelace", "given_name": "Ada"}, {"surname": "Babbage", "given_name": "Charles"}]
PASSPORT = {
    "type": "P", "number": "X1234567", "issuing_country": "GBR", "nationality": "GBR", "expiry_date": "2099-01-01",
}  # fmt: skip
AT_THE_DESK = ("/checkin", "/check-in", "/bags", "/boarding-passes", "/scans", "/close", "/reopen")
CHECKED_IN = ("/bags", "/bags/{tag_number}", "/boarding-passes", "/boarding-passes/validate", "/scans")
AT_THE_GATE = tuple(
    f"/api/v1/flights/{{flight_id}}/{noun}"
    for noun in ("scans", "manifest", "manifest.csv", "manifest.pdf", "gate", "close")
)
FOR_STAFF = ("/api/v1/settlements", "/api/v1/flights/{flight_id}/reopen", "/api/v1/flights/{flight_id}/disruptions")


@dataclass(frozen=True)
class Subject:
    """What a call is about: a flight, and what Acme made for `CUSTOMER`: a booking of two seats, an order of a product.

    The quote is of what the call is about, if it is about one. At the desk the order is the booking's, and where the
    call is about who is checked in, both passengers are, with the first one's bag and boarding pass.
    """

    flight: Flight
    booking_id: str
    order_id: str
    ticket_ids: tuple[str, ...] = ()
    quote_id: str = ""
    agency_id: str = ""
    tag_number: str = "0999000001"
    barcode: str = "M1"
    disruption_id: str = ""

    def id_of(self, noun: str) -> str:
        return {"booking": self.booking_id, "ticket": self.ticket_ids[0]}.get(noun, self.order_id)

    @property
    def flight_fields(self) -> dict[str, str]:
        return {"flightId": self.flight.designator, "departureDate": str(self.flight.departure_date)}


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    description: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_unsafe(self) -> bool:
        return self.method != "GET"

    @property
    def is_money(self) -> bool:
        """Tell whether the call is about an account; `tests/partners/test_statement.py` says who may make it."""
        return self.path.startswith(("/api/v1/statement", "/api/v1/settlements"))

    @property
    def caller(self) -> str:
        """Return the fixture of somebody who may make the call: Acme, the ground handler, or staff."""
        if self.path in FOR_STAFF:
            return "staff"
        return "handler" if self.path in AT_THE_GATE else "acme"

    @property
    def noun(self) -> str:
        """Return what the call names: a booking, a ticket, an order, an execution, or "" for none of them."""
        if "{booking_id}" in self.path or self.path in ("/cancel", "/update"):
            return "booking"
        if "{ticket_id}" in self.path or self.path.endswith("/seat-swaps"):
            return "ticket"
        if "{order_id}" in self.path or self.path == "/checkin":
            return "order"
        return "execution" if "{identifier}" in self.path else ""

    @property
    def creates(self) -> str:
        """Return what the call makes: a booking, an order, or "" for neither."""
        if self.method != "POST" or self.noun or self.caller != "acme" or self.path.endswith("/validate"):
            return ""
        return "order" if self.path.endswith("/orders") else "booking"

    @property
    def lists(self) -> str:
        """Return whose things decide on the answer: a `booking`'s, an `order`'s, or "" where it is the same for all."""
        if self.is_unsafe or self.noun or self.caller != "acme" or self.path.endswith("/available"):
            return ""
        if self.path.endswith(("/orders", "/executions")):
            return "order"
        whose = self.path.startswith(("/api/v1/tickets", "/api/v1/mgmt")) or self.path == "/api/v1/bookings"
        return "booking" if whose else ""

    @cached_property
    def query(self) -> dict[str, dict]:
        parameters = self.description.get("parameters", ())
        return {p["name"]: p["schema"] for p in parameters if p["in"] == "query"}

    @cached_property
    def needed_query(self) -> list[str]:
        return [p["name"] for p in self.description.get("parameters", ()) if p["in"] == "query" and p.get("required")]

    @cached_property
    def body(self) -> dict[str, Any]:
        """Return the schema of the body, {} for a call without one."""
        content = self.description.get("requestBody", {}).get("content", {})
        return resolved(content["application/json"]["schema"]) if content else {}

    def url(self, subject: Subject) -> str:
        """Return the path for a subject, with the query that the call needs."""
        path = self.path.format(
            booking_id=subject.booking_id, flight_id=subject.flight.pk, event_id=subject.flight.pk, user_id=CUSTOMER,
            quote_id=subject.quote_id or subject.booking_id, order_id=subject.order_id, identifier=subject.order_id,
            ticket_id=subject.ticket_ids[0], tag_number=subject.tag_number,
            disruption_id=subject.disruption_id or subject.booking_id,
        )  # fmt: skip
        places = {"departureCity": "JFK", "destinationCity": "LAX", "departureDate": subject.flight.departure_date}
        query = "&".join(f"{name}={places[name]}" for name in self.needed_query)
        return f"{path}?{query}" if query else path

    def valid_body(self, subject: Subject) -> dict[str, Any] | None:
        event_id = str(subject.flight.pk)
        new_order = {"customer_id": CUSTOMER, "items": [{"product_id": PRODUCT, "quantity": 3}]}
        return {
            "/booking": {"agency": "Acme Travel", **subject.flight_fields},
            "/bookFlight": {"userId": CUSTOMER, "seats": 2, **subject.flight_fields},
            "/cancel": {"bookingId": subject.booking_id},
            "/update": {"bookingId": subject.booking_id, "seats": 3},
            "/api/v1/mgmt/bookings": {"event_id": event_id, "ticket_quantity": 2, "user_id": CUSTOMER},
            "/api/v1/bookings": {"flights": [{"event_id": event_id}], "user_id": CUSTOMER},
            "/api/v1/bookings/{booking_id}": {"seats": 3},
            "/api/v1/bookings/{booking_id}/cancellations": {"flights": [event_id]},
            "/api/v1/bookings/{booking_id}/changes": {"seats": 3},
            "/ticket": {"pax": "Ada Lovelace", "user_id": CUSTOMER, **subject.flight_fields},
            "/checkin": {"order_id": subject.order_id},
            "/boarding-passes/validate": {"barcode": subject.barcode},
            "/api/v1/bookings/{booking_id}/check-in": {},
            "/api/v1/bookings/{booking_id}/seats": {"event_id": event_id, "assign_rest": True},
            "/api/v1/tickets/{ticket_id}/check-in": {"event_id": event_id} if self.method == "POST" else None,
            "/api/v1/tickets/{ticket_id}/bags": {"bags": [{"weight_kg": 20}]},
            "/api/v1/tickets/{ticket_id}/seat": {"seat": "9A"} if self.method == "PUT" else None,
            "/api/v1/tickets/{ticket_id}/travel-document": {**PASSPORT},
            "/api/v1/flights/{flight_id}/seat-swaps": {"ticket_ids": list(subject.ticket_ids)},
            "/api/v1/flights/{flight_id}/scans": {"barcode": subject.barcode, "nonce": "device-1:1"},
            "/api/v1/flights/{flight_id}/gate": {"gate": "B12"},
            "/api/v1/flights/{flight_id}/reopen": {"reason": "Closed too early."},
            "/api/v1/flights/{flight_id}/disruptions": {"kind": "cancellation", "reason": "Snow."},
            "/api/v1/bookings/{booking_id}/disruptions/{disruption_id}/choice": {"choice": "refund"},
            "/orders": new_order,
            "/orders/{order_id}": {"status": "processing"} if self.method == "PUT" else None,
            "/api/v1/orders": new_order,
            "/api/v1/orders/{order_id}": {"status": "processing"} if self.method == "PATCH" else None,
            "/api/v1/executions/{identifier}/stop": {"cause": "The customer called."},
            "/api/v1/executions/{identifier}/redrive": {},
            "/api/v1/settlements": {
                "agency_id": subject.agency_id, "amount": 12.5, "currency": "USD", "reference": "Transfer 7",
            },
        }.get(self.path) if self.is_unsafe else None  # fmt: skip

    def call(self, api, subject: Subject, **headers: str):
        return api.call(self.method, self.url(subject), self.valid_body(subject), **headers)


def all_operations() -> Iterator[Operation]:
    for path, methods in SCHEMA["paths"].items():
        for method, description in methods.items():
            yield Operation(method.upper(), path.rstrip("/"), description)


OPERATIONS = list(all_operations())
UNSAFE = [operation for operation in OPERATIONS if operation.is_unsafe]


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema that a `$ref` stands for, or the schema itself."""
    reference = schema.get("$ref") or next((part["$ref"] for part in schema.get("allOf", ()) if "$ref" in part), None)
    return SCHEMA["components"]["schemas"][reference.rpartition("/")[2]] if reference else schema


def make_subject(acme, flight: Flight, operation: Operation | None = None) -> Subject:
    """Make a booking and an order of Acme's from which the operation is allowed."""
    path = operation.path if operation else ""
    is_at_desk = any(place in path for place in AT_THE_DESK)
    if is_at_desk:
        leave_in(flight, hours=5)
    body = {"event_id": str(flight.pk), "ticket_quantity": 2, "user_id": CUSTOMER, "passengers": PASSENGERS}
    if not is_at_desk:
        del body["passengers"]
    booking = acme.post("/api/v1/mgmt/bookings", body).json()
    booking_id, tickets = booking["booking_id"], tuple(ticket["ticket_id"] for ticket in booking["tickets"])
    made = Subject(flight, booking_id, make_order(acme), tickets, agency_id=acme.id)
    if is_at_desk or path.endswith("/refund"):
        confirmed = acme.put(f"/api/v1/mgmt/bookings/{booking_id}/confirm")
        assert confirmed.status_code == 200
        made = replace(made, order_id=confirmed.json()["order_id"]) if is_at_desk else made
    return prepared(acme, made, operation) if operation else made


def prepared(acme, made: Subject, operation: Operation) -> Subject:
    """Return the subject with what the operation asks for besides."""
    path = operation.path
    if path.endswith("/redrive"):
        assert acme.put(f"/orders/{made.order_id}", {"status": "failed"}).status_code == 200
    if path.endswith("/seat-swaps"):
        wish = {"event_id": str(made.flight.pk), "assign_rest": True}
        assert acme.post(f"/api/v1/bookings/{made.booking_id}/seats", wish).status_code == 200
    if path.endswith("/travel-document"):
        assert acme.put(f"/api/v1/tickets/{made.ticket_ids[0]}/travel-document", PASSPORT).status_code == 200
    if path.endswith(CHECKED_IN) or (path.endswith("/check-in") and operation.method == "DELETE"):
        made = check_in(acme, made)
    if path.endswith("/bags/{tag_number}"):
        bags = acme.post(f"/api/v1/tickets/{made.ticket_ids[0]}/bags", {"bags": [{"weight_kg": 20}]}).json()["bags"]
        made = replace(made, tag_number=bags[0]["tag_number"])
    if path.endswith(("/disruptions", "/choice")) and operation.method + operation.caller != "POSTstaff":
        assert acme.put(f"/api/v1/mgmt/bookings/{made.booking_id}/confirm").status_code == 200
        cancel_flights([made.flight.pk], "Snow.", actor=system("tests"), at=timezone.now())
        made = replace(made, disruption_id=str(Disruption.objects.get().pk))
    if path.endswith(("/scans", "/validate", "/close")):
        leave_in(made.flight, minutes=30)
    return replace(made, quote_id=make_quote(acme, made, path)) if "{quote_id}" in path else made


def leave_in(flight: Flight, **time: float) -> None:
    flight.departs_at = timezone.now() + timedelta(**time)
    flight.arrives_at = flight.departs_at + timedelta(hours=6)
    flight.save()


def check_in(acme, made: Subject) -> Subject:
    answer = acme.post(f"/api/v1/bookings/{made.booking_id}/check-in", {})
    assert answer.status_code == 200, answer.content
    return replace(made, barcode=answer.json()["boarding_passes"][0]["barcode"])


def make_order(api, customer: str = CUSTOMER) -> str:
    """Order two pieces of `PRODUCT`, which is there from then on, and return the order's id."""
    if not Product.objects.filter(pk=PRODUCT).exists():
        shop.product(PRODUCT)
    return shop.order(api, (PRODUCT, 2), customer=customer)["order_id"]


def make_quote(acme, subject: Subject, path: str) -> str:
    """Return the id of a quote of the kind that a path asks for."""
    collection = path.partition("/{quote_id}")[0]
    address = collection.format(booking_id=subject.booking_id, order_id=subject.order_id)
    answer = acme.post(address, {"seats": 3} if collection.endswith("/changes") else {})
    assert answer.status_code == 201, answer.content
    return answer.json()["quote_id"]


def snapshot() -> list[str]:
    """Return a digest of every table that a call may change."""
    digests = ", ".join(f"(SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {name} t)" for name in TABLES)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {digests}")
        return list(cursor.fetchone())


def refusal(response, status: int, code: str | None = None) -> dict[str, Any]:
    """Check that an answer is a refusal in the one error body; return it."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["message"] == problem["error"] == problem["detail"] != ""
    assert {"type", "title", "instance", "code", "errors"} <= problem.keys()
    assert problem["request_id"] == response["X-Request-ID"] or response.has_header("Idempotent-Replayed")
    assert code in (None, problem["code"])
    return problem


def unknown_id() -> str:
    return str(uuid4())
