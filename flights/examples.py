"""Examples of the flights' calls for the API's documentation: seats."""

from bookings.examples import FLIGHT, answers, takes
from ticketing.examples.tickets import PASSENGER_SEAT

SEAT = {
    "number": "12A",
    "letter": "A",
    "status": "free",
    "is_exit": True,
    "characteristics": ["1A", "E", "IE", "L", "W"],
    "product_id": "SEATEXIT",
    "price": 49,
    "currency": "USD",
}
SEAT_MAP = answers(
    "A row",
    {
        "event_id": FLIGHT["event_id"],
        "flightId": "UA1161",
        "departureDate": "2026-12-01",
        "aircraft_type": "737-924ER",
        "layout": "Boeing 737-900",
        "cabins": [
            {
                "cabin": "Y",
                "letters": "ABC-DEF",
                "capacity": 159,
                "free": 120,
                "rows": [{"row": 12, "is_exit": True, "seats": [SEAT]}],
            }
        ],
        "characteristics": [{"code": "W", "name": "at a window"}],
    },
)
OTHER_SEAT = PASSENGER_SEAT | {"ticket_id": "0190d3a8-7a10-7a12-8d55-0f2a6a1e4b67", "seat": "14C"}
SWAP = takes("Two passengers", {"ticket_ids": [PASSENGER_SEAT["ticket_id"], OTHER_SEAT["ticket_id"]]})
SWAPPED = answers(
    "Both seats",
    {
        "event_id": FLIGHT["event_id"],
        "seats": [PASSENGER_SEAT, OTHER_SEAT | {"coupon_id": "0190d3a8-7a10-7a13-8d55-0f2a6a1e4b78"}],
    },
)
