"""What an operations manager wants to know of the airline now: problems, today's departures, sales, and what is ahead.

A day is one of UTC, as everywhere in the back office. Each part is one statement on an index with a window, so that it
costs the same however much has been sold; what would be counted from very many rows is counted by the beat. What nobody
may see is not asked for.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection

from orders import backups
from orders.dashboard_kept import keep, kept
from orders.dashboard_sales import DAYS_BACK, Day, sales_by_day
from partners.buckets import most_refused
from partners.models import Agency
from skybridge.models import Approval
from skybridge.times import day_start

SHOWN = 8  # of a kind
DAYS_AHEAD = 7
LATE_BACKUPS = backups.LATE_SECONDS
MOST_FAILED = 1000
KEPT_SECONDS = 90  # three rounds of the beat


class Hour(NamedTuple):
    """The departures of one hour of today: flights, and of those that are not cancelled seats and passengers."""

    at: datetime
    flights: int = 0
    left: int = 0
    delayed: int = 0
    cancelled: int = 0
    seats: int = 0
    sold: int = 0
    checked_in: int = 0
    boarded: int = 0


class NextFlight(NamedTuple):
    id: UUID
    designator: str
    origin: str
    destination: str
    departs_at: datetime
    status: str
    gate: str
    seats: int
    sold: int
    checked_in: int
    boarded: int

    @property
    def load(self) -> int:
        return percent(self.sold, self.seats)

    @property
    def load_text(self) -> str:
        return share_text(self.sold, self.seats)


class Trouble(NamedTuple):
    """A flight that is delayed or cancelled, or whose passengers have to choose."""

    id: UUID
    designator: str
    origin: str
    destination: str
    departs_at: datetime
    status: str
    minutes_late: int
    is_oversold: bool
    bookings: int
    passengers: int


class Failure(NamedTuple):
    """An order whose execution has failed, and that nobody has redriven or cancelled."""

    order_id: UUID
    state: str
    error: str
    stopped_at: datetime | None
    amount: Decimal
    currency: str
    locator: str | None  # of its first booking


class Throttled(NamedTuple):
    agency_id: UUID
    name: str
    calls: int


class DayAhead(NamedTuple):
    day: date
    flights: int
    seats: int
    sold: int


class Route(NamedTuple):
    origin: str
    destination: str
    flights: int
    seats: int
    sold: int

    @property
    def load(self) -> int:
        return percent(self.sold, self.seats)

    @property
    def load_text(self) -> str:
        return share_text(self.sold, self.seats)


@dataclass
class Dashboard:
    """All that is shown; what somebody may not see is None."""

    at: datetime
    currency: str
    hours: Sequence[Hour] | None = None
    shows_passengers: bool = False
    next_flights: Sequence[NextFlight] | None = None
    troubles: Sequence[Trouble] | None = None
    trouble_count: int = 0
    failures: Sequence[Failure] | None = None
    failure_count: int = 0
    approval_count: int = 0
    lag: backups.Lag | None = None
    throttled: Sequence[Throttled] | None = None
    days: Sequence[Day] | None = None
    shows_revenue: bool = False
    ahead: Sequence[DayAhead] | None = None
    routes: Sequence[Route] | None = None

    @property
    def today(self) -> Hour:
        """Return today's departures in one."""
        sums = [sum(counts) for counts in zip(*(hour[1:] for hour in self.hours or ()), strict=True)]
        return Hour(day_start(self.at.date()), *sums)

    @property
    def is_behind(self) -> bool:
        return self.lag is not None and self.lag.seconds > LATE_BACKUPS


def percent(part: int, whole: int) -> int:
    """Return a share in whole percent, rounded down; 0 of nothing."""
    return 100 * part // whole if whole else 0


def share_text(part: int, whole: int) -> str:
    """Return a share such as `83 %`, a small one such as `1.3 %`; a dash of nothing."""
    if not whole:
        return "–"
    return f"{1000 * part // whole / 10:.1f} %" if 0 < 10 * part < whole else f"{percent(part, whole)} %"


def read_dashboard(sees: Collection[str], *, at: datetime) -> Dashboard:
    """Return what somebody may see who sees lists such as `flights.flight`. At most eleven statements."""
    board = Dashboard(at, settings.CURRENCY)
    if "flights.flight" in sees:
        board.shows_passengers = "ticketing.coupon" in sees
        board.hours = hours_of_today(at, with_passengers=board.shows_passengers)
        board.next_flights = next_flights(at)
        board.troubles, board.trouble_count = troubles(at, may_see_bookings="orders.disruptedbooking" in sees)
        board.ahead, board.routes = days_ahead(at)
    if "orders.execution" in sees:
        board.failures, board.failure_count = failures()
    if "skybridge.approval" in sees:
        board.approval_count = Approval.objects.filter(decided_at=None).count()
    if "orders.backup" in sees:
        board.lag = backups.lag(at)
    if "partners.agency" in sees:
        board.throttled = throttled_agencies(at)
    if "bookings.booking" in sees:
        board.shows_revenue = "partners.ledgerentry" in sees
        board.days = sales_by_day(at, days=DAYS_BACK, with_revenue=board.shows_revenue)
    return board


def rows_of(sql: str, parameters: dict[str, Any]) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


# --- Departures ---

HOURS = """
SELECT date_trunc('hour', f.departs_at), count(*), count(*) FILTER (WHERE f.status = 'departed'),
    count(*) FILTER (WHERE f.status = 'delayed'), count(*) FILTER (WHERE f.status = 'cancelled'),
    COALESCE(sum(c.capacity) FILTER (WHERE f.status <> 'cancelled'), 0)::int,
    COALESCE(sum(c.sold) FILTER (WHERE f.status <> 'cancelled'), 0)::int
FROM flights_flight f
LEFT JOIN LATERAL (
    SELECT sum(capacity) AS capacity, sum(sold) AS sold FROM flights_flightcabin WHERE flight_id = f.id
) c ON true
WHERE f.departs_at >= %(first)s::timestamptz AND f.departs_at < %(last)s::timestamptz
GROUP BY 1
"""
PASSENGERS = """
SELECT date_trunc('hour', f.departs_at), sum(k.checked_in)::int, sum(k.boarded)::int
FROM flights_flight f
CROSS JOIN LATERAL (
    SELECT count(*) AS checked_in, count(*) FILTER (WHERE status <> 'C') AS boarded FROM ticketing_coupon
    WHERE flight_id = f.id AND status IN ('C', 'L', 'F') AND takes_seat
) k
WHERE f.departs_at >= %(first)s::timestamptz AND f.departs_at < %(last)s::timestamptz AND f.status <> 'cancelled'
GROUP BY 1
"""
NEXT = """
SELECT f.id, f.carrier_id || f.flight_number || f.operational_suffix, f.origin_id, f.destination_id, f.departs_at,
    f.status, COALESCE(d.gate, ''), COALESCE(c.capacity, 0)::int, COALESCE(c.sold, 0)::int, k.checked_in, k.boarded
FROM (
    SELECT * FROM flights_flight
    WHERE status IN ('scheduled', 'delayed') AND departs_at >= %(first)s::timestamptz
        AND departs_at < %(last)s::timestamptz
        AND EXISTS (SELECT FROM flights_flightcabin WHERE flight_id = flights_flight.id AND sold > 0)
    ORDER BY departs_at, id LIMIT %(most)s
) f
LEFT JOIN ticketing_departure d ON d.flight_id = f.id
LEFT JOIN LATERAL (
    SELECT sum(capacity) AS capacity, sum(sold) AS sold FROM flights_flightcabin WHERE flight_id = f.id
) c ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS checked_in, count(*) FILTER (WHERE status <> 'C') AS boarded FROM ticketing_coupon
    WHERE flight_id = f.id AND status IN ('C', 'L', 'F') AND takes_seat
) k ON true
ORDER BY f.departs_at, f.id
"""


def hours_of_today(at: datetime, *, with_passengers: bool) -> list[Hour]:
    """Return the 24 hours of today. One statement, and one more for passengers that nobody has counted lately."""
    window = window_of(at)
    hours = {hour: Hour(hour) for hour in (window["first"] + timedelta(hours=n) for n in range(24))}
    hours |= {row[0]: Hour(*row) for row in rows_of(HOURS, window)}
    for hour, checked_in, boarded in passengers_of(at) if with_passengers else ():
        hours[hour] = hours[hour]._replace(checked_in=checked_in, boarded=boarded)
    return list(hours.values())


def window_of(at: datetime) -> dict[str, datetime]:
    first = day_start(at.date())
    return {"first": first, "last": first + timedelta(days=1)}


def passengers_of(at: datetime) -> list[tuple[datetime, int, int]]:
    """Return who has checked in and boarded by hour of departure, as the beat has counted it or counted now."""
    day = kept("passengers")
    if day is None or day["first"] != window_of(at)["first"].isoformat():
        return rows_of(PASSENGERS, window_of(at))
    return [(datetime.fromisoformat(hour), checked_in, boarded) for hour, checked_in, boarded in day["hours"]]


def keep_passengers(at: datetime) -> None:
    """Count today's passengers for those who look next. One statement, linear in their number."""
    hours = [(hour.isoformat(), *counts) for hour, *counts in rows_of(PASSENGERS, window_of(at))]
    keep("passengers", {"first": window_of(at)["first"].isoformat(), "hours": hours}, KEPT_SECONDS)


def next_flights(at: datetime) -> list[NextFlight]:
    """Return the flights that leave next with passengers, within a day. One statement."""
    window = {"first": at, "last": at + timedelta(days=1), "most": SHOWN}
    return [NextFlight(*row) for row in rows_of(NEXT, window)]


# --- Problems ---

# An aircraft that is too small keeps places that it does not have for as long as somebody waits: that is oversold.
TROUBLES = """
WITH waiting AS (
    SELECT d.flight_id, count(*) AS bookings, sum(x.passengers) AS passengers, bool_or(d.kind = 'aircraft') AS oversold
    FROM orders_disruptedbooking x JOIN orders_disruption d ON d.id = x.disruption_id
    WHERE x.status = 'waiting' GROUP BY 1
), troubled AS (
    SELECT id FROM flights_flight
    WHERE status IN ('delayed', 'cancelled') AND departs_at >= %(first)s::timestamptz
        AND departs_at < %(last)s::timestamptz
    UNION SELECT flight_id FROM waiting
), shown AS (
    SELECT f.*, COALESCE(w.bookings, 0)::int AS bookings, COALESCE(w.passengers, 0)::int AS passengers,
        COALESCE(w.oversold, false) AS oversold, count(*) OVER () AS troubles
    FROM troubled JOIN flights_flight f USING (id) LEFT JOIN waiting w ON w.flight_id = f.id
    ORDER BY w.passengers IS NULL, f.departs_at, f.id LIMIT %(most)s
)
SELECT id, carrier_id || flight_number || operational_suffix, origin_id, destination_id, departs_at, status,
    COALESCE((SELECT extract(epoch FROM shown.departs_at - (d.before ->> 'departs_at')::timestamptz) / 60
        FROM orders_disruption d WHERE d.flight_id = shown.id AND d.kind = 'delay' ORDER BY d.id LIMIT 1), 0)::int,
    oversold, bookings, passengers, troubles
FROM shown ORDER BY passengers = 0, departs_at, id
"""
FAILED = """
SELECT id, state, error, stopped_at, total_amount, currency,
    (SELECT locator FROM bookings_booking WHERE order_id = failed.id ORDER BY id LIMIT 1), counted
FROM (
    SELECT o.id, e.state, e.error, e.stopped_at, o.total_amount, o.currency, count(*) OVER () AS counted
    FROM (
        SELECT id, total_amount, currency FROM orders_order WHERE status = 'failed' AND deleted_at IS NULL
        ORDER BY id DESC LIMIT %(counted)s
    ) o JOIN orders_execution e ON e.order_id = o.id
    WHERE e.status IN ('FAILED', 'TIMED_OUT')
    ORDER BY o.id DESC LIMIT %(most)s
) failed
ORDER BY id DESC
"""


def troubles(at: datetime, *, may_see_bookings: bool) -> tuple[list[Trouble], int]:
    """Return the flights with trouble that leave within 48 hours, or on which somebody waits, and how many there are.

    One statement: those first on which somebody waits.
    """
    window = {"first": at - timedelta(hours=1), "last": at + timedelta(hours=48), "most": SHOWN}
    rows = rows_of(TROUBLES, window)
    found = [Trouble(*row[:-1]) for row in rows]
    if not may_see_bookings:
        found = [trouble._replace(bookings=0, passengers=0) for trouble in found]
    return found, rows[0][-1] if rows else 0


def failures() -> tuple[list[Failure], int]:
    """Return the orders that failed last and wait for somebody, and how many do (a thousand are counted)."""
    rows = rows_of(FAILED, {"counted": MOST_FAILED, "most": SHOWN})
    return [Failure(*row[:-1]) for row in rows], rows[0][-1] if rows else 0


def throttled_agencies(at: datetime) -> list[Throttled] | None:
    """Return the agencies whose calls were refused most often in this hour and the last one. At most one statement.

    None while Valkey, which counts them, is away.
    """
    refused = most_refused(at.timestamp(), SHOWN)
    if not refused:
        return None if refused is None else []
    names = dict(Agency.objects.filter(pk__in=[row.agency_id for row in refused]).values_list("pk", "name"))
    return [Throttled(pk, names[pk], calls) for pk, calls in refused if pk in names]


# --- What is ahead ---

AHEAD = """
SELECT day, f.origin_id, f.destination_id, count(*), COALESCE(sum(c.capacity), 0)::int, COALESCE(sum(c.sold), 0)::int
FROM flights_flight f
CROSS JOIN LATERAL (SELECT (f.departs_at AT TIME ZONE 'UTC')::date) AS its (day)
LEFT JOIN LATERAL (
    SELECT sum(capacity) AS capacity, sum(sold) AS sold FROM flights_flightcabin WHERE flight_id = f.id
) c ON true
WHERE f.departs_at >= %(first)s::timestamptz AND f.departs_at < %(last)s::timestamptz AND f.status <> 'cancelled'
GROUP BY GROUPING SETS ((day), (f.origin_id, f.destination_id))
ORDER BY day, 6 DESC, 5 DESC, 2, 3 LIMIT %(most)s
"""


def days_ahead(at: datetime) -> tuple[list[DayAhead], list[Route]]:
    """Return the coming days with today, and the routes of which most is sold. One statement, over those flights."""
    first = day_start(at.date())
    window = {"first": first, "last": first + timedelta(days=DAYS_AHEAD), "most": DAYS_AHEAD + SHOWN}
    rows = rows_of(AHEAD, window)
    sold = {row[0]: DayAhead(row[0], *row[3:]) for row in rows if row[0]}
    days = [first.date() + timedelta(days=n) for n in range(DAYS_AHEAD)]
    routes = [Route(*row[1:]) for row in rows if not row[0]]
    return [sold.get(day, DayAhead(day, 0, 0, 0)) for day in days], routes[:SHOWN]
