"""Every operation that the API describes, and how to call each on a booking or an order of Acme's."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from uuid import uuid4

from django.db import connection
from drf_spectacular.generators import SchemaGenerator

from flights.models import Flight
from orders.models import Product
from tests.orders import shop

CUSTOMER = "customer-1"  # of Acme's
SCHEMA = SchemaGenerator().get_schema(request=None, public=True)
# What a refused call must leave as it is.
TABLES = (
    "bookings_booking", "ticketing_ticket", "ticketing_coupon", "flights_flight", "flights_flightcabin",
    "flights_seathold", "bookings_quote", "skybridge_event", "skybridge_idempotencykey", "orders_product",
    "orders_order", "orders_orderitem", "orders_orderquote", "orders_execution", "orders_executionevent",
    "orders_backup", "partners_account", "partners_ledgerentry", "partners_payment", "partners_refund",
)  # fmt: skip
PRODUCT = "PROD001"


@dataclass(frozen=True)
class Subject:
    """What a call is about: a flight, and what Acme made for `CUSTOMER`: a booking of two seats, an order of a product.

    The quote is of what the call is about, if it is about one.
    """

    flight: Flight
    booking_id: str
    order_id: str
    quote_id: str = ""
    agency_id: str = ""

    def id_of(self, noun: str) -> str:
        return self.booking_id if noun == "booking" else self.order_id

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
    def is_for_staff(self) -> bool:
        return self.path == "/api/v1/settlements"

    @property
    def noun(self) -> str:
        """Return what the call names: a booking, an order, an execution, or "" for none of them."""
        if "{booking_id}" in self.path or self.path in ("/cancel", "/update"):
            return "booking"
        return "order" if "{order_id}" in self.path else "execution" if "{identifier}" in self.path else ""

    @property
    def creates(self) -> str:
        """Return what the call makes: a booking, an order, or "" for neither."""
        if self.method != "POST" or self.noun or self.is_money:
            return ""
        return "order" if self.path.endswith("/orders") else "booking"

    @property
    def lists(self) -> str:
        """Return whose things decide on the answer: a `booking`'s, an `order`'s, or "" where it is the same for all."""
        if self.is_unsafe or self.noun or self.path.endswith("/available"):
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
    body = {"event_id": str(flight.pk), "ticket_quantity": 2, "user_id": CUSTOMER}
    booking_id = acme.post("/api/v1/mgmt/bookings", body).json()["booking_id"]
    order_id = make_order(acme)
    if path.endswith("/refund"):
        assert acme.put(f"/api/v1/mgmt/bookings/{booking_id}/confirm").status_code == 200
    if path.endswith("/redrive"):
        assert acme.put(f"/orders/{order_id}", {"status": "failed"}).status_code == 200
    made = Subject(flight, booking_id, order_id, agency_id=acme.id)
    return replace(made, quote_id=make_quote(acme, made, path)) if "{quote_id}" in path else made


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
