"""Examples of check-in for the API's documentation."""

from bookings.examples import BOOKING, COUPON, FLIGHT, TICKET, answers, takes

AT = "2026-11-30T12:00:00Z"
PASS_LINK = "/boarding-passes/AZDTqHoQehGNVQ8qah5LmQ~x0kC3c6kYVq7mXoQ6oYw4m2l8YJrP1ZkYb2Qh5T9n0E"
ISSUED = {"number": "0162400000001", "displayed_number": "016-2400000001", "check_digit": 4}
BAG = {
    "tag_number": "0016000001",
    "weight_kg": 21.5,
    "status": "checked",
    "ticket_id": TICKET["ticket_id"],
    "coupon_id": COUPON["coupon_id"],
    "event_id": FLIGHT["event_id"],
    "checked_at": AT,
}
PASS = {
    "boarding_pass_id": "0190d3a8-7a10-7a11-8d55-0f2a6a1e4b99",
    "ticket_id": TICKET["ticket_id"],
    "coupon_id": COUPON["coupon_id"],
    "event_id": FLIGHT["event_id"],
    "flightId": "UA1161",
    "departureDate": "2026-12-01",
    "origin": "EWR",
    "destination": "IAH",
    "departureTime": FLIGHT["departureTime"],
    "boardingTime": "2026-12-01T04:00:00-05:00",
    "gate": None,
    "seat": "12A",
    "cabin": "Y",
    "sequence_number": 1,
    "passenger_name": "LOVELACE/ADA",
    "surname": "Lovelace",
    "given_name": "Ada",
    "record_locator": BOOKING["record_locator"],
    "ticket_number": ISSUED["number"],
    "barcode": "M1LOVELACE/ADA        EK7R2PX EWRIAHUA 1161 335Y012A0001 343>8182WW6334BUA 0016000001001",
    "status": "good",
    "issued_at": AT,
    "ended_at": None,
    "links": {
        "page": PASS_LINK,
        "phone": f"{PASS_LINK}/phone",
        "pdf": f"{PASS_LINK}.pdf",
        "svg": f"{PASS_LINK}.svg",
        "png": f"{PASS_LINK}.png",
    },
}
BOOKED = {
    "booking_id": BOOKING["booking_id"],
    "record_locator": BOOKING["record_locator"],
    "booking_status": "confirmed",
    "order_id": "0190d3a8-8b10-7b10-8d55-0f2a6a1e4c88",
}
ON_BOARD_SOON = TICKET | ISSUED | {
    "status": "checked_in",
    "issued_at": "2026-11-21T08:01:00Z",
    "coupons": [COUPON | {"status": "C", "checked_in_at": AT}],
}  # fmt: skip
TAKEN = ON_BOARD_SOON | {"status": "issued", "coupons": [COUPON]}
DONE = BOOKED | {"tickets": [ON_BOARD_SOON], "bags": [BAG], "boarding_passes": [PASS]}
PASSPORT = {
    "type": "P",
    "number": "123456789",
    "issuing_country": "USA",
    "nationality": "USA",
    "expiry_date": "2031-05-01",
    "gender": "F",
    "birth_date": "1990-12-10",
}

CHECK_IN = takes("A seat and a bag", {"seat": "12A", "bags": [{"weight_kg": 21.5}]})
CHECKED_IN = answers("Checked in", DONE)
TAKEN_OFF = answers("Not checked in any more", BOOKED | {"tickets": [TAKEN], "bags": [], "boarding_passes": []})
GROUP_CHECK_IN = takes(
    "One of the party, with a passport",
    {
        "event_id": FLIGHT["event_id"],
        "passengers": [{"ticket_id": TICKET["ticket_id"], "seat": "12A", "travel_document": PASSPORT}],
    },
)
TICKET_DETAILS = answers(
    "A checked-in ticket",
    ON_BOARD_SOON | BOOKED | {
        "user_id": "12345", "bags": [BAG], "emds": [], "boarding_passes": [PASS], "travel_document": "P USA ••••6789",
    },
)  # fmt: skip
BAGS = takes("One bag", {"bags": [{"weight_kg": 21.5}]})
WITHOUT_BAGS = answers("No bag any more", DONE | {"bags": []})
DOCUMENT = takes("A passport", PASSPORT)
MASKED = answers("Masked", {"ticket_id": TICKET["ticket_id"], "masked": "P USA ••••6789", "updated_at": AT})
