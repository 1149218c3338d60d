"""Examples of the bookings' calls for the API's documentation."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

FLIGHT = {
    "event_id": "0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b11",
    "flightId": "UA1161",
    "carrier": "UA",
    "flight_number": 1161,
    "departureDate": "2026-12-01",
    "departureCity": "Newark",
    "destinationCity": "Houston",
    "origin": "EWR",
    "destination": "IAH",
    "departureTime": "2026-12-01T05:00:00-05:00",
    "arrivalTime": "2026-12-01T07:56:00-06:00",
    "duration_minutes": 236,
    "aircraft_type": "737-924ER",
    "status": "scheduled",
}
COUPON = {
    "coupon_id": "0190d3a8-7a10-7a11-8d55-0f2a6a1e4b77",
    "sequence": 1,
    "event_id": FLIGHT["event_id"],
    "flightId": "UA1161",
    "departureDate": "2026-12-01",
    "cabin": "Y",
    "status": "O",
    "seat": "12A",
    "checked_in_at": None,
    "boarded_at": None,
    "is_no_show": False,
    "fare_basis": "YXOW",
    "fare_amount": 151.0,
    "taxes": [{"code": "US", "amount": 11.33, "refundable": False}],
    "total_amount": 162.33,
    "currency": "USD",
    "fare_rules": {
        "is_refundable": False,
        "is_changeable": True,
        "change_fee_amount": 99,
        "cancel_fee_amount": 99,
        "free_cancel_hours": 24,
        "free_cancel_days_ahead": 7,
        "void_same_day": True,
        "involuntary_until": None,
    },
}
TICKET = {
    "ticket_id": "0190d3a8-7a10-7a10-8d55-0f2a6a1e4b66",
    "booking_id": "0190d3a8-7a0f-7a0f-8d55-0f2a6a1e4b55",
    "number": None,
    "displayed_number": None,
    "check_digit": None,
    "status": "held",
    "passenger_type": "ADT",
    "surname": "Lovelace",
    "given_name": "Ada",
    "title": "",
    "birth_date": None,
    "issued_at": None,
    "created_at": "2026-11-21T08:00:00Z",
    "coupons": [COUPON],
}
BOOKING: dict[str, Any] = {
    "booking_id": TICKET["booking_id"],
    "bookingId": TICKET["booking_id"],
    "record_locator": "K7R2PX",
    "status": "pending",
    "booking_status": "pending",
    "agency": "Acme Travel",
    "user_id": "12345",
    "userId": "12345",
    "contact": {"email": "ada@example.com", "phone": "+12125550123"},
    "order_id": None,
    "event_id": FLIGHT["event_id"],
    "seats": 1,
    "ticket_quantity": 1,
    "created_at": "2026-11-21T08:00:00Z",
    "updated_at": "2026-11-21T08:00:00Z",
    "expires_at": "2026-11-21T08:20:00Z",
    "total_amount": 162.33,
    "refunded_amount": 0,
    "currency": "USD",
    "price_lines": [
        {"code": "FARE", "amount": 151.0, "currency": "USD"},
        {"code": "US", "amount": 11.33, "currency": "USD"},
    ],
    "flights": [FLIGHT],
    "tickets": [TICKET],
    "available_actions": ["confirm", "cancel"],
}
ACTIONS = {"pending": ["confirm", "cancel"], "confirmed": ["cancel", "refund"]}


def takes(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, value=value, request_only=True)


def answers(name: str, value: Any, status: int = 200) -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True, status_codes=[str(status)])


def booking(status: str = "pending", **fields: Any) -> OpenApiExample:
    value = BOOKING | {
        "status": status,
        "booking_status": status,
        "available_actions": ACTIONS.get(status, []),
        **fields,
    }
    return answers(f"A {status} booking", value)


def message(text: str, status: str = "pending") -> OpenApiExample:
    return booking(status, message=text)


CREATED = answers("The booking", BOOKING, 201)
AGENCY_BOOKING = takes("The founding document's call", {"agency": "PartnerCo"})
BOOK_FLIGHT = takes("Two seats", {"userId": "12345", "flightId": "FL123", "seats": 2, "departureDate": "2026-12-20"})
BOOKING_ID = takes("By id", {"bookingId": BOOKING["booking_id"]})
UPDATE = takes("Three seats", {"bookingId": BOOKING["booking_id"], "seats": 3})
MANAGED_BOOKING = takes("Two tickets", {"event_id": FLIGHT["event_id"], "ticket_quantity": 2})
NEW_BOOKING = takes(
    "A family on two flights",
    {
        "flights": [
            {"flightId": "UA1161", "departureDate": "2026-12-01"},
            {"event_id": FLIGHT["event_id"]},
        ],
        "passengers": [
            {"surname": "Lovelace", "given_name": "Ada"},
            {"passenger_type": "INF"},
        ],
        "user_id": "12345",
        "contact": {"email": "ada@example.com", "phone": "+1 212 555 0123"},
    },
)
CHANGE = takes("Name a passenger", {"passengers": [{"surname": "Lovelace", "given_name": "Ada"}]})
# Of a bare array an example is one row; drf-spectacular puts it into an array.
BY_EVENT = answers(
    "One event",
    {
        "event_id": FLIGHT["event_id"],
        "title": "UA1161 Newark – Houston",
        "date": "2026-12-01",
        "bookings": [BOOKING],
    },
)
BOOKING_PAGE = answers("A page", {"bookings": [BOOKING], "limit": 20, "next": None})
QUOTE = {
    "quote_id": "0190d3a8-7b20-7b20-8d55-0f2a6a1e4b88",
    "booking_id": BOOKING["booking_id"],
    "kind": "cancellation",
    "status": "open",
    "due_amount": 0,
    "refund_amount": 87.33,
    "penalty_amount": 75.0,
    "kept_amount": 0,
    "currency": "USD",
    "lines": [
        {"code": "FARE", "amount": -151.0},
        {"code": "US", "amount": -11.33},
        {"code": "PENALTY", "amount": 75.0},
    ],
    "created_at": "2026-11-22T09:00:00Z",
    "expires_at": "2026-11-22T09:15:00Z",
    "confirmed_at": None,
}
CHANGE_QUOTE = QUOTE | {
    "kind": "change",
    "due_amount": 82.25,
    "refund_amount": 0,
    "penalty_amount": 50.0,
    "lines": [
        {"code": "FARE", "amount": 30.0},
        {"code": "US", "amount": 2.25},
        {"code": "PENALTY", "amount": 50.0},
    ],
}
CANCELLATION = takes("One passenger", {"ticket_ids": [TICKET["ticket_id"]]})
MOVE = takes("Another date", {"departureDate": "2026-12-02"})


def quote(value: dict[str, Any], status: int = 200) -> OpenApiExample:
    return answers(f"A {value['kind']}'s quote", value, status)


def quoted(value: dict[str, Any], status: str) -> OpenApiExample:
    return booking(status, quote=value | {"status": "confirmed", "confirmed_at": "2026-11-22T09:01:00Z"})
