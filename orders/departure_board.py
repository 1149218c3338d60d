"""The departures of an airport as its screens show them: when, where to, from which gate, how far each flight is.

One statement for a page, whatever has been sold: the flights of a page by an index, and of each what its own rows say.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection

from flights.localtime import zone
from flights.models import Airport, Flight
from skybridge.pagination import decode_cursor, encode_cursor

ROWS = 40  # of a page
LOOK_BACK = timedelta(minutes=20)  # who looks at today's flights wants those that are about to leave
SAMPLE = 500  # departures that tell which airports are busy
SHOWN_AIRPORTS = 12


class Progress(StrEnum):
    """How far a flight is, as passengers are told."""

    ON_TIME = "on_time"
    DELAYED = "delayed"
    BOARDING = "boarding"
    CLOSED = "closed"
    DEPARTED = "departed"
    CANCELLED = "cancelled"


class Facts(NamedTuple):
    """`planned` is when a delayed flight was to leave; counts are of passengers who take a seat."""

    id: UUID
    carrier: str
    flight_number: int
    operational_suffix: str
    destination: str
    destination_city: str
    departs_at: datetime
    status: str
    gate: str
    closed_at: datetime | None
    planned: str | None
    seats: int
    sold: int
    checked_in: int
    boarded: int


class Row(NamedTuple):
    """A flight on the board, its times in the airport's zone."""

    facts: Facts
    departs_at: datetime
    planned_at: datetime | None
    progress: Progress

    @property
    def designator(self) -> str:
        return f"{self.facts.carrier} {self.facts.flight_number}{self.facts.operational_suffix}"


class Window(NamedTuple):
    """A day of an airport: its first moment and the next day's."""

    day: date
    begins_at: datetime
    ends_at: datetime


class Board(NamedTuple):
    """A page of a day's departures in order; `earlier` and `later` are the cursors of the pages around it."""

    rows: Sequence[Row]
    earlier: str | None
    later: str | None


BUSIEST = f"""
SELECT f.origin_id, a.city FROM (
    SELECT origin_id, (SELECT sum(sold) FROM flights_flightcabin WHERE flight_id = n.id) AS sold
    FROM flights_flight n WHERE departs_at >= %(since)s ORDER BY departs_at LIMIT {SAMPLE}
) f JOIN flights_airport a ON a.iata = f.origin_id
GROUP BY f.origin_id, a.city
ORDER BY sum(f.sold) DESC NULLS LAST, count(*) DESC, f.origin_id LIMIT {SHOWN_AIRPORTS}
"""
# When a flight was to leave before its delays: as it was retimed last, or as it was before the first delay.
PLANNED = """COALESCE(
    (SELECT after ->> 'departs_at' FROM orders_disruption WHERE flight_id = f.id AND kind = 'retime'
        ORDER BY id DESC LIMIT 1),
    (SELECT before ->> 'departs_at' FROM orders_disruption WHERE flight_id = f.id AND kind = 'delay'
        ORDER BY id LIMIT 1))"""
COLUMNS = f"""
    f.id, f.carrier_id, f.flight_number, f.operational_suffix, f.destination_id, COALESCE(NULLIF(a.city, ''), a.name),
    f.departs_at, f.status, COALESCE(d.gate, ''), d.closed_at, CASE WHEN f.status = 'delayed' THEN {PLANNED} END,
    s.seats, s.sold, k.checked_in, k.boarded"""
SOURCES = """
flights_flight f
JOIN flights_airport a ON a.iata = f.destination_id
LEFT JOIN ticketing_departure d ON d.flight_id = f.id
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(capacity), 0) AS seats, COALESCE(sum(sold), 0) AS sold
    FROM flights_flightcabin WHERE flight_id = f.id
) s
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE status IN ('C', 'L', 'F')) AS checked_in,
        count(*) FILTER (WHERE status IN ('L', 'F')) AS boarded
    FROM ticketing_coupon WHERE flight_id = f.id AND takes_seat
) k"""
# Codes and numbers as they are written with or without a blank, cities by their beginning.
MATCHES = """AND (
    f.carrier_id || f.flight_number || f.operational_suffix LIKE %(code)s || '%%'
    OR f.flight_number::text = %(code)s OR f.destination_id = %(code)s OR d.gate = %(code)s
    OR lower(a.city) LIKE %(city)s || '%%')"""


def busiest_airports(*, at: datetime) -> list[tuple[str, str]]:
    """Return code and city of the airports with the most passengers among the next departures, busiest first."""
    with connection.cursor() as cursor:
        cursor.execute(BUSIEST, {"since": at})
        return cursor.fetchall()


def window_of(airport: Airport, day: date) -> Window:
    """Return the moments between which a local day of an airport lies."""
    begins, ends = (datetime.combine(d, time(), zone(airport.timezone)) for d in (day, day + timedelta(days=1)))
    return Window(day, begins, ends)


def read_board(
    airport: Airport, window: Window, *, text: str = "", after: str = "", before: str = "", at: datetime
) -> Board:
    """Return a page of a day's departures, of today those that are still to come; one statement.

    `after` and `before` are cursors. With a text only what it names, of the whole day. Raises InvalidInput.
    """
    starts = max(window.begins_at, at - LOOK_BACK)
    is_upcoming = not (text or after or before) and window.begins_at <= at < window.ends_at
    parameters: dict[str, Any] = {
        "origin": airport.pk,
        "begins_at": starts if is_upcoming else window.begins_at,
        "ends_at": window.ends_at,
        "code": escaped("".join(text.split()).upper()),
        "city": escaped(text.strip().lower()),
    }
    found = read_rows(parameters, after, before)
    if before:
        rows, more = list(reversed(found[:ROWS])), len(found) > ROWS
        return Board(
            shown(rows, airport, at), cursor_of(rows[0]) if more else None, cursor_of(rows[-1]) if rows else None
        )
    rows, more = found[:ROWS], len(found) > ROWS
    has_earlier = bool(after) or (is_upcoming and starts > window.begins_at)
    earlier = (cursor_of(rows[0]) if rows else encode_cursor(starts, UUID(int=0))) if has_earlier else None
    return Board(shown(rows, airport, at), earlier, cursor_of(rows[-1]) if more else None)


def escaped(text: str) -> str:
    """Return a text for LIKE in which nothing stands for something else."""
    return text.replace("\0", "").replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")[:40]


def read_rows(parameters: dict[str, Any], after: str, before: str) -> list[Facts]:
    """Return the rows behind a cursor in order, or those before one from the last on; one more than a page has."""
    place, order = "", "f.departs_at, f.id"
    if cursor := before or after:
        parameters["place_at"], parameters["place_id"] = decode_cursor(cursor, datetime.fromisoformat, UUID)
        sign, order = ("<", "f.departs_at DESC, f.id DESC") if before else (">", order)
        place = f"AND (f.departs_at, f.id) {sign} (%(place_at)s::timestamptz, %(place_id)s::uuid)"
    sql = f"""SELECT {COLUMNS} FROM {SOURCES}
        WHERE f.origin_id = %(origin)s AND f.departs_at >= %(begins_at)s AND f.departs_at < %(ends_at)s
            {place} {MATCHES if parameters["code"] else ""}
        ORDER BY {order} LIMIT {ROWS + 1}"""
    with connection.cursor() as execution:
        execution.execute(sql, parameters)
        return [Facts._make(row) for row in execution.fetchall()]


def cursor_of(facts: Facts) -> str:
    return encode_cursor(facts.departs_at.isoformat(), facts.id)


def shown(rows: Sequence[Facts], airport: Airport, at: datetime) -> list[Row]:
    local = zone(airport.timezone)
    return [
        Row(
            facts,
            facts.departs_at.astimezone(local),
            datetime.fromisoformat(facts.planned).astimezone(local) if facts.planned else None,
            progress_of(facts.status, facts.departs_at, facts.closed_at, has_boarded=facts.boarded > 0, at=at),
        )
        for facts in rows
    ]


def progress_of(
    status: str, departs_at: datetime, closed_at: datetime | None, *, has_boarded: bool, at: datetime
) -> Progress:
    """Return how far a flight is, as passengers are told."""
    if status == Flight.Status.CANCELLED:
        return Progress.CANCELLED
    if status == Flight.Status.DEPARTED or at >= departs_at:
        return Progress.DEPARTED
    if closed_at or at >= departs_at - settings.BOARDING_CLOSES:
        return Progress.CLOSED
    if has_boarded or at >= departs_at - settings.BOARDING_CALL:
        return Progress.BOARDING
    return Progress.DELAYED if status == Flight.Status.DELAYED else Progress.ON_TIME
