"""Examples of the calls about disruption for the API's documentation."""

from typing import Any

from bookings.examples import answers, takes

FLIGHT, NEXT = "0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b11", "0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b12"
GIVEN_UP = {
    "event_id": FLIGHT,
    "flightId": "UA1161",
    "departureDate": "2026-12-01",
    "origin": "EWR",
    "destination": "LAX",
    "departureTime": "2026-12-01T07:00:00-05:00",
}
TAKEN = GIVEN_UP | {"event_id": NEXT, "flightId": "UA1422", "departureTime": "2026-12-01T10:00:00-05:00"}
NONE = {"bookings": 0, "passengers": 0}
OUTCOME = {
    "waiting": {"bookings": 1, "passengers": 4},
    "accepted": NONE,
    "rebooked": {"bookings": 61, "passengers": 116},
    "refunded": NONE,
}
RESULT: dict[str, Any] = {"bookings": 62, "passengers": 120, "outcome": OUTCOME}
PREVIEW = RESULT | {
    "broken_connections": 0,
    "rebooked_to": [
        TAKEN | {"cabin": "Y", "bookings": 61, "passengers": 116},
    ],
    "oversold": {},
}
DISRUPTION = {
    "disruption_id": "0190d3a8-9000-7b10-8d55-0f2a6a1e4c01",
    "event_id": FLIGHT,
    "kind": "cancellation",
    "reason": "Snow storm",
    "before": {"status": "scheduled"},
    "after": {"status": "cancelled"},
    "created_at": "2026-11-30T20:00:00Z",
}
MOVE = {
    "sequence": 1,
    "cabin": "Y",
    "from": GIVEN_UP,
    "to": TAKEN,
    "lost_seats": [],
}
OF_BOOKING = DISRUPTION | {
    "booking_id": "0190d3a8-7000-7a10-8d55-0f2a6a1e4b21",
    "status": "rebooked",
    "moves": [MOVE],
    "decide_by": "2026-12-03T20:00:00Z",
    "decided_at": None,
    "choices": ["accept", "rebook", "refund"],
}
CANCELLATION = takes("Cancel", {"kind": "cancellation", "reason": "Snow storm"})
DELAY = takes(
    "Delay",
    {
        "kind": "delay",
        "departs_at": "2026-12-01T11:30:00-05:00",
        "arrives_at": "2026-12-01T14:40:00-08:00",
        "reason": "De-icing",
    },
)
AIRCRAFT = takes(
    "Another aircraft",
    {"kind": "aircraft", "aircraft_type": "A320-232", "registration": "N551UW", "cabins": {"J": 16, "Y": 150}},
)
PREVIEWED = answers("What would happen", PREVIEW)
DONE = answers("What happened", RESULT | {"flights": 1}, status=201)
LISTED = answers("Of a flight", DISRUPTION | {"outcome": OUTCOME})
OWN = answers("Rebooked", OF_BOOKING)
ACCEPT = takes("Accept", {"choice": "accept"})
REBOOK = takes("Another flight", {"choice": "rebook", "event_id": NEXT})
REFUND = takes("All of the money back", {"choice": "refund"})
