from bookings.examples import COUPON, FLIGHT, TICKET, answers, takes

TICKETS = answers("One ticket", TICKET | {"user_id": "12345", "booking_status": "pending"})
AVAILABLE = answers("Seats left", {"event_id": FLIGHT["event_id"], "available": 175})
PASSENGER_SEAT = {
    "booking_id": TICKET["booking_id"],
    "ticket_id": TICKET["ticket_id"],
    "coupon_id": COUPON["coupon_id"],
    "event_id": FLIGHT["event_id"],
    "cabin": "Y",
    "status": "O",
    "seat": "12A",
}
SEAT_CHOICE = takes("A window", {"event_id": FLIGHT["event_id"], "seat": "12A"})
SEAT = answers("The seat", PASSENGER_SEAT)
NO_SEAT = answers("No seat", PASSENGER_SEAT | {"seat": None})
PARTY_SEATS = takes(
    "One wants a window, the others sit with her",
    {
        "event_id": FLIGHT["event_id"],
        "seats": [{"ticket_id": TICKET["ticket_id"], "seat": "12A"}],
        "assign_rest": True,
    },
)
PARTY_SEATED = answers("The party's seats", {"event_id": FLIGHT["event_id"], "seats": [PASSENGER_SEAT]})
