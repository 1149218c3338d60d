"""Examples of founding document 000's calls for the API's documentation."""

from bookings.examples import BOOKING, answers, takes
from ticketing.examples.check_in import BOOKED, ON_BOARD_SOON, PASS, TAKEN
from ticketing.examples.check_in import ISSUED as NUMBERED

ORDER_ID = BOOKED["order_id"]
ISSUED = answers(
    "The ticket",
    BOOKING | BOOKED | {
        "status": "ISSUED",
        "expires_at": None,
        "tickets": [TAKEN],
        "available_actions": ["cancel", "refund"],
        "ticket_id": TAKEN["ticket_id"],
        "ticket_number": NUMBERED["number"],
    },
    201,
)  # fmt: skip
OPEN_TICKET = takes("The founding document's call: an open ticket", {"pax": "Ada Lovelace"})
ISSUE = takes("On a flight", {"pax": "Ada Lovelace", "flightId": "UA1161", "departureDate": "2026-12-01"})
CHECK_IN = takes("The founding document's call", {"order_id": ORDER_ID})
CHECKED_IN = answers(
    "Checked in",
    {
        "order_id": ORDER_ID,
        "status": "CHECKED_IN",
        "boarding_pass": PASS,
        "boarding_passes": [PASS],
        "tickets": [ON_BOARD_SOON | {"user_id": "12345", "booking_status": "confirmed"}],
    },
)
PASSES = answers("One pass", {"boarding_passes": [PASS]})
