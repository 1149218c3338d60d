"""What tests of gates do and look at: passengers who are checked in, scans, and what they have changed."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from flights.models import Flight
from orders.checkin import check_in_booking
from partners.callers import Caller
from tests.bookings.sales import confirmed, query
from tests.conftest import Api
from ticketing.models import BoardingPass, Coupon

STAFF = Caller(kind="staff", id="1", door="api", is_staff=True)
ADA = {"surname": "Lovelace", "given_name": "Ada", "title": "Ms"}
BOB = {"surname": "Babbage", "given_name": "Charles"}
# What an attempt must leave as it is; the attempts themselves are kept.
TABLES = (
    "orders_order", "orders_backup", "bookings_booking", "ticketing_ticket", "ticketing_coupon", "ticketing_emd",
    "ticketing_boardingpass", "ticketing_bag", "ticketing_departure", "flights_flight", "flights_flightcabin",
    "skybridge_event",
)  # fmt: skip
nonces = count(1)


def check_in(api: Api, flight: Flight, *passengers: Any, minutes: float = 40, **more: Any) -> list[BoardingPass]:
    """Sell a flight to passengers (Ada unless named), check them in, and let it leave in so many minutes."""
    booking = confirmed(api, flight, passengers=list(passengers) or [ADA], **more)
    check_in_booking(UUID(booking["booking_id"]), caller=STAFF, at=timezone.now())
    leave_in(flight, minutes)
    return passes_of(booking)


def passes_of(booking: dict) -> list[BoardingPass]:
    found = BoardingPass.objects.filter(coupon__ticket__booking=booking["booking_id"], ended_at=None)
    return list(found.order_by("sequence_number"))


def leave_in(flight: Flight, minutes: float) -> datetime:
    """Move a flight in time; return when it leaves."""
    departs_at = timezone.now() + timedelta(minutes=minutes)
    times = {"departs_at": departs_at, "arrives_at": departs_at + timedelta(hours=6)}
    Flight.objects.filter(pk=flight.pk).update(**times)
    return departs_at


def before(minutes: float) -> str:
    return (timezone.now() - timedelta(minutes=minutes)).isoformat()


def new_scan(shown: BoardingPass | str, **more: Any) -> dict:
    barcode = shown if isinstance(shown, str) else shown.barcode
    return {"barcode": barcode, "nonce": f"n{next(nonces)}", **more}


def offline(shown: BoardingPass | str, minutes_ago: float, result: str = "accepted", **more: Any) -> dict:
    """Return what a device says that has decided by itself some minutes ago."""
    return new_scan(shown, scanned_at=before(minutes_ago), device_result=result, **more)


def scan(api: Any, flight: Flight, shown: BoardingPass | str | dict, **more: Any):
    body = shown if isinstance(shown, dict) else new_scan(shown, **more)
    return api.post(f"/api/v1/flights/{flight.pk}/scans", body)


def scanned(api: Any, flight: Flight, shown: BoardingPass | str | dict, **more: Any) -> dict:
    answer = scan(api, flight, shown, **more)
    assert answer.status_code == 200, answer.content
    return answer.json()


def look(api: Any, shown: BoardingPass | str, **more: Any) -> dict:
    barcode = shown if isinstance(shown, str) else shown.barcode
    answer = api.post("/boarding-passes/validate", {"barcode": barcode, **more})
    assert answer.status_code == 200, answer.content
    return answer.json()


def post(api: Any, flight: Flight, action: str, body: Any = None):
    return api.post(f"/api/v1/flights/{flight.pk}/{action}", body)


def status_of(boarding_pass: BoardingPass) -> tuple[str, bool]:
    """Return a passenger's coupon status, and whether they are a no-show."""
    return Coupon.objects.values_list("status", "is_no_show").get(pk=boarding_pass.coupon_id)


def everything() -> dict[str, str]:
    """Return the whole content of the tables, to show that nothing has changed."""
    return {
        table: query(f"SELECT md5(string_agg(r::text, E'\\n' ORDER BY r::text)) FROM {table} r")[0][0]
        for table in TABLES
    }


def actions_on(subject_id: Any) -> list[str]:
    """Return what has happened to something, but for its seat."""
    sql = "SELECT action FROM skybridge_event WHERE subject_id = %s AND action <> 'coupon.seated' ORDER BY id"
    return [action for (action,) in query(sql, subject_id)]


def statements(call: Callable[[], Any]) -> int:
    """Count the SQL statements of a call; beginning and ending a transaction is none."""
    ends = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    with CaptureQueriesContext(connection) as captured:
        call()
    return sum(not query["sql"].startswith(ends) for query in captured.captured_queries)
