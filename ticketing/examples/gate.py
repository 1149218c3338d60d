from typing import Any

from drf_spectacular.utils import OpenApiExample

from ticketing.manifests import COLUMNS

EVENT_ID = "0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b11"
COUPON_ID = "0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b21"
BARCODE = "M1LOVELACE/ADA        E4XK7TQ EWRLAXUA 1161 335Y012A0007 133>8320WW6334BUA ..."
FLIGHT = {
    "event_id": EVENT_ID,
    "flightId": "UA1161",
    "departureDate": "2026-12-01",
    "origin": "EWR",
    "destination": "LAX",
    "departs_at": "2026-12-01T12:00:00Z",
    "status": "scheduled",
    "gate": "B12",
    "boarding_opens_at": "2026-12-01T11:00:00Z",
    "boarding_closes_at": "2026-12-01T11:45:00Z",
    "closed_at": None,
}
NAME = {
    "surname": "Lovelace",
    "given_name": "Ada",
    "title": "Ms",
    "passenger_type": "ADT",
    "ticket_number": "0161234567890",
}
ACCEPTED = {
    "scan_id": "0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b31",
    "result": "accepted",
    "reason": None,
    "message": "This boarding pass is good.",
    "passenger": NAME,
    "record_locator": "4XK7TQ",
    "flight": FLIGHT,
    "cabin": "Y",
    "seat": "12A",
    "sequence_number": 7,
    "coupon_id": COUPON_ID,
    "boarded_at": None,
    "opens_at": None,
    "closed_at": None,
    "scanned_at": "2026-12-01T11:20:00.123456Z",
}
REFUSED = ACCEPTED | {
    "result": "refused",
    "reason": "already_boarded",
    "message": "The passenger has boarded already.",
    "boarded_at": "2026-12-01T11:12:07.000001Z",
}
BOARDED = ACCEPTED | {
    "message": "The passenger is aboard.",
    "boarded_at": "2026-12-01T11:20:00.123456Z",
    "nonce": "gate-b12-000417",
    "device_id": "gate-b12",
    "device_result": None,
    "received_at": "2026-12-01T11:20:00.123456Z",
    "is_conflict": False,
    "conflict": None,
}
CLASH = BOARDED | REFUSED | {
    "device_result": "accepted",
    "received_at": "2026-12-01T11:31:02.000003Z",
    "is_conflict": True,
    "conflict": {
        "kind": "boarded_twice",
        "message": "Two devices have let somebody board with this pass; the earlier scan counts.",
    },
}  # fmt: skip
LISTED = CLASH | {"kind": "board", "actor_kind": "agency", "actor_id": "0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b77"}
NEW_SCAN = {"barcode": BARCODE, "nonce": "gate-b12-000417", "device_id": "gate-b12"}
OFFLINE = NEW_SCAN | {"scanned_at": "2026-12-01T11:20:00.123456Z", "device_result": "accepted"}
BAG = {"tag_number": "0016123456", "weight_kg": 18.5, "status": "checked"}
PASSENGER = NAME | {
    "coupon_id": COUPON_ID,
    "sequence_number": 7,
    "seat": "12A",
    "record_locator": "4XK7TQ",
    "cabin": "Y",
    "state": "boarded",
    "boarded_at": "2026-12-01T11:20:00.123456Z",
    "bags": [BAG],
    "bags_kg": 18.5,
}
COUNTS = {
    "booked": 0,
    "checked_in": 0,
    "boarded": 1,
    "no_show": 1,
    "flown": 0,
    "passengers": 2,
    "infants": 0,
    "bags": 1,
    "bags_kg": 18.5,
}
MISSED = PASSENGER | {
    "surname": "Babbage",
    "given_name": "Charles",
    "title": "Mr",
    "ticket_number": "0161234567891",
    "coupon_id": "0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b22",
    "sequence_number": 8,
    "seat": "12B",
    "state": "no_show",
    "boarded_at": None,
    "bags": [],
    "bags_kg": 0,
}
MANIFEST_FLIGHT = FLIGHT | {"aircraft_type": "737-924ER", "registration": "N37419"}
CLOSED_FLIGHT = MANIFEST_FLIGHT | {"closed_at": "2026-12-01T11:45:30.000001Z"}
MANIFEST = {
    "flight": CLOSED_FLIGHT,
    "counts": COUNTS,
    "cabins": [{"cabin": "Y", **COUNTS}],
    "passengers": [PASSENGER, MISSED],
    "made_at": "2026-12-01T11:46:00.123456Z",
}
CLOSE_OUT = {
    "flight": CLOSED_FLIGHT,
    "counts": COUNTS,
    "no_shows": [MISSED],
    "bags_to_remove": [
        {
            "tag_number": "0016123457",
            "weight_kg": 21,
            "status": "removed",
            "coupon_id": MISSED["coupon_id"],
            "surname": "Babbage",
        }
    ],
}
CSV_HEAD = ",".join(COLUMNS)
CSV = f"""{CSV_HEAD}
7,12A,Lovelace,Ada,Ms,ADT,0161234567890,4XK7TQ,Y,boarded,2026-12-01T11:20:00.123456Z,0016123456,18.5
"""


def answer(name: str, value: Any, status: int = 200) -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True, status_codes=[str(status)])


def request(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, value=value, request_only=True)
