from bookings.examples import FLIGHT, TICKET, answers

TICKETS = answers("One ticket", TICKET | {"user_id": "12345", "booking_status": "pending"})
AVAILABLE = answers("Seats left", {"event_id": FLIGHT["event_id"], "available": 175})
