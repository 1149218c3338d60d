"""The check-in desk of an airport: find the passengers who stand there, and what they need.

One text finds: a locator, a ticket number, a surname (perhaps with the given name), or a scanned boarding pass or
ticket. A name is sought among the airport's flights whose check-in is open; locators and tickets everywhere, so that
the desk can say where else the passenger has to go.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import OuterRef

from bookings.models import Booking
from flights.borders import is_international
from flights.localtime import zone
from flights.models import Airport, Flight
from orders.finding import LAST_CHARACTER, Question, understand
from ticketing.bcbp import BcbpError, decode_leniently
from ticketing.models import Bag, BoardingPass, Coupon
from ticketing.passes import readable
from ticketing.proposals import proposed_seats

PASSENGERS = 60  # of all parties that are found


class Why(StrEnum):
    """Why nobody of a party can be checked in here now."""

    OTHER_AIRPORT = "other_airport"
    NOT_OPEN = "not_open"
    CLOSED_OUT = "closed_out"
    DEPARTED = "departed"
    CANCELLED = "cancelled"
    NOT_CONFIRMED = "not_confirmed"


class Facts(NamedTuple):
    """A passenger with a flight, as the statement reads it; `is_meant` is who the text names.

    `later` are the flights after it whose check-in is open, `later_countries` from where to where they go (`USGB`);
    `is_next` tells that nothing comes before it.
    """

    booking_id: UUID
    locator: str
    booking_status: str
    flight_id: UUID
    carrier: str
    flight_number: int
    operational_suffix: str
    origin: str
    origin_zone: str
    origin_country: str
    destination: str
    destination_city: str
    destination_country: str
    departs_at: datetime
    flight_status: str
    gate: str
    closed_at: datetime | None
    ticket_id: UUID
    coupon_id: UUID
    surname: str
    given_name: str
    title: str
    passenger_type: str
    ticket_number: str | None
    status: str
    cabin: str
    seat: str | None
    bags: int
    document: str | None
    is_meant: bool
    later: list[str]
    later_countries: list[str]
    is_next: bool

    @property
    def name(self) -> str:
        given = " ".join(filter(None, (self.given_name, self.title)))
        return ", ".join(filter(None, (self.surname, given)))

    @property
    def is_open(self) -> bool:
        return self.status == Coupon.Status.OPEN

    @property
    def needs_document(self) -> bool:
        return not self.document and is_international(self.origin_country, self.destination_country)

    @property
    def needs_document_later(self) -> bool:
        return not self.document and any(is_international(pair[:2], pair[2:]) for pair in self.later_countries)


@dataclass
class Party:
    """The passengers of a booking on one flight; `seats` are proposed by coupon id to who has none."""

    passengers: Sequence[Facts]
    why: Why | None
    seats: dict[UUID, str]

    @property
    def first(self) -> Facts:
        return self.passengers[0]

    @property
    def key(self) -> tuple[UUID, UUID]:
        return self.first.booking_id, self.first.flight_id

    @property
    def designator(self) -> str:
        return f"{self.first.carrier} {self.first.flight_number}{self.first.operational_suffix}"

    @property
    def departs_locally_at(self) -> datetime:
        return self.first.departs_at.astimezone(zone(self.first.origin_zone))

    @property
    def opens_locally_at(self) -> datetime:
        return self.departs_locally_at - settings.CHECK_IN_OPENS

    @property
    def onward(self) -> list[str]:
        """Return the flights on which the party can be checked in with this one."""
        return self.first.later if all(passenger.is_next for passenger in self.passengers) else []

    @property
    def is_done(self) -> bool:
        return not any(passenger.is_open for passenger in self.passengers)


LIVE = "k.status IN ('O', 'C', 'L') AND NOT k.is_superseded AND NOT t.is_superseded"
TRAVEL = f"""
    ticketing_ticket t
    JOIN ticketing_coupon k ON k.ticket_id = t.id AND {LIVE}
    JOIN flights_flight f ON f.id = k.flight_id"""
BY_LOCATOR = f"""(
    SELECT t.booking_id, k.flight_id, k.id FROM {TRAVEL}
    WHERE t.booking_id = (SELECT id FROM bookings_booking WHERE locator = %(locator)s) AND f.departs_at > %(since)s
)"""
BY_NUMBER = f"""(
    SELECT t.booking_id, k.flight_id, k.id FROM {TRAVEL} WHERE t.number = %(number)s AND f.departs_at > %(since)s
)"""
# All that it reads is the airport's day, however many have the name.
BY_NAME = f"""(
    SELECT t.booking_id, k.flight_id, k.id FROM {TRAVEL}
    WHERE f.origin_id = %(airport)s AND f.departs_at > %(at)s AND f.departs_at <= %(until)s
        AND f.status IN ('scheduled', 'delayed') AND t.surname <> '' AND t.number IS NOT NULL
        AND fold_name(t.surname) ~>=~ fold_name(%(surname_{{n}})s)
        AND fold_name(t.surname) ~<~ (fold_name(%(surname_{{n}})s) || %(last)s)
        AND fold_name(t.given_name) ~>=~ fold_name(%(given_name_{{n}})s)
        AND fold_name(t.given_name) ~<~ (fold_name(%(given_name_{{n}})s) || %(last)s)
    ORDER BY k.status <> 'O', f.departs_at, k.id LIMIT {PASSENGERS}
)"""
PARTIES = f"""
SELECT b.id, b.locator, b.status, f.id, f.carrier_id, f.flight_number, f.operational_suffix, f.origin_id, o.timezone,
    o.country, f.destination_id, COALESCE(NULLIF(a.city, ''), a.name), a.country, f.departs_at, f.status,
    COALESCE(d.gate, ''), d.closed_at, t.id, k.id, t.surname, t.given_name, t.title, t.passenger_type, t.number,
    k.status, k.cabin, k.seat, (SELECT count(*) FROM ticketing_bag g WHERE g.coupon_id = k.id AND g.status = 'checked'),
    p.masked, m.meant @> ARRAY[k.id], COALESCE(l.flights, '{{}}'), COALESCE(l.countries, '{{}}'),
    NOT EXISTS (
        SELECT FROM ticketing_coupon j LEFT JOIN flights_flight e ON e.id = j.flight_id
        WHERE j.ticket_id = t.id AND j.sequence < k.sequence AND NOT j.is_superseded
            AND (e.id IS NULL OR (e.status <> 'departed' AND e.departs_at > %(at)s))
    )
FROM (SELECT booking_id, flight_id, array_agg(id) AS meant FROM meant GROUP BY booking_id, flight_id) m
JOIN bookings_booking b ON b.id = m.booking_id
JOIN ticketing_ticket t ON t.booking_id = m.booking_id
JOIN ticketing_coupon k ON k.ticket_id = t.id AND k.flight_id = m.flight_id AND {LIVE}
JOIN flights_flight f ON f.id = m.flight_id
JOIN flights_airport o ON o.iata = f.origin_id
JOIN flights_airport a ON a.iata = f.destination_id
LEFT JOIN ticketing_departure d ON d.flight_id = f.id
LEFT JOIN ticketing_traveldocument p ON p.ticket_id = t.id
LEFT JOIN LATERAL (
    SELECT array_agg(e.carrier_id || ' ' || e.flight_number || e.operational_suffix || ' ' || e.origin_id || '–'
            || e.destination_id ORDER BY j.sequence) AS flights,
        array_agg(s.country || g.country) AS countries
    FROM ticketing_coupon j
    JOIN flights_flight e ON e.id = j.flight_id
    JOIN flights_airport s ON s.iata = e.origin_id
    JOIN flights_airport g ON g.iata = e.destination_id
    WHERE j.ticket_id = t.id AND j.sequence > k.sequence AND j.status IN ('O', 'C') AND NOT j.is_superseded
        AND e.status IN ('scheduled', 'delayed') AND e.departs_at > %(closes)s AND e.departs_at <= %(until)s
) l ON TRUE
ORDER BY f.departs_at, b.id, t.position LIMIT {PASSENGERS}
"""


def find_parties(text: str, airport: Airport, *, at: datetime) -> list[Party]:
    """Return the parties that a text means, the next departure first: those who can be checked in here, if there are.

    Else those whom a locator or ticket number names anyway, with the reason why not. One statement.
    """
    question = question_of(text)
    parts, values = parts_of(question)
    if not parts:
        return []
    values |= {
        "airport": airport.pk,
        "at": at,
        "until": at + settings.CHECK_IN_OPENS,
        "closes": at + settings.CHECK_IN_CLOSES,
        "since": at - settings.CHECK_IN_OPENS,
        "last": LAST_CHARACTER,
    }
    with connection.cursor() as cursor:
        cursor.execute(f"WITH meant AS MATERIALIZED ({' UNION '.join(parts)}) {PARTIES}", values)
        rows = [Facts._make(row) for row in cursor.fetchall()]
    parties = parties_of(rows, airport, at)
    return sorted((party for party in parties if party.why is None), key=lambda party: party.is_done) or parties


def question_of(text: str) -> Question:
    """Sort a text into what it can be; a scanned boarding pass stands for its locator."""
    try:
        scanned = decode_leniently(text).boarding_pass
    except BcbpError:
        return understand(text)
    return understand(scanned.legs[0].record_locator or "")


def parts_of(question: Question) -> tuple[list[str], dict[str, Any]]:
    """Return the statements that look a question up, and their values."""
    parts, values = [], {}
    if question.locator:
        parts, values = [BY_LOCATOR], {"locator": question.locator}
    if question.document:
        parts, values = [*parts, BY_NUMBER], {**values, "number": question.document}
    for n, (surname, given_name) in enumerate(question.names):
        parts.append(BY_NAME.format(n=n))
        values |= {f"surname_{n}": surname, f"given_name_{n}": given_name}
    return parts, values


def parties_of(rows: Iterable[Facts], airport: Airport, at: datetime) -> list[Party]:
    found: dict[tuple[UUID, UUID], list[Facts]] = {}
    for facts in rows:
        found.setdefault((facts.booking_id, facts.flight_id), []).append(facts)
    return [Party(passengers, why_not(passengers[0], airport, at), {}) for passengers in found.values()]


def why_not(facts: Facts, airport: Airport, at: datetime) -> Why | None:
    """Return why a party cannot be checked in at an airport; the window is the staff's, the service is stricter."""
    if facts.flight_status == Flight.Status.CANCELLED:
        return Why.CANCELLED
    if facts.flight_status == Flight.Status.DEPARTED or at >= facts.departs_at:
        return Why.DEPARTED
    if facts.booking_status != Booking.Status.CONFIRMED:
        return Why.NOT_CONFIRMED
    if facts.origin != airport.pk:
        return Why.OTHER_AIRPORT
    if at < facts.departs_at - settings.CHECK_IN_OPENS:
        return Why.NOT_OPEN
    return Why.CLOSED_OUT if facts.closed_at else None


def with_seats(party: Party, *, at: datetime) -> Party:
    """Return a party with the seats that its passengers would get. Three statements."""
    party.seats = proposed_seats([passenger.coupon_id for passenger in party.passengers], at=at)
    return party


def checked_in(booking_id: UUID, flight_id: UUID) -> list[BoardingPass]:
    """Return the good passes of a booking on a flight and after it, with their `bag_tags`. One statement."""
    departs_at = Flight.objects.filter(pk=flight_id).values("departs_at")
    found = readable().filter(coupon__ticket__booking=booking_id, ended_at=None, flight__departs_at__gte=departs_at)
    tags = Bag.objects.filter(coupon=OuterRef("coupon"), status=Bag.Status.CHECKED).order_by("tag_number")
    return list(
        found.annotate(bag_tags=ArraySubquery(tags.values("tag_number"))).order_by(
            "coupon__sequence", "sequence_number"
        )
    )
