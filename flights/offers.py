"""Offers: what one cabin of one flight costs and how many seats can be sold. Read in one statement, without a lock."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings

from flights.exceptions import (
    AmbiguousFlight,
    DuplicateFlight,
    FlightClosed,
    FlightNotFound,
    InvalidDesignator,
    SoldOut,
)
from flights.fares import FareRules
from flights.localtime import zone
from flights.models import Cabin, Flight
from skybridge.sql import read_rows

match_designator = re.compile(r"([A-Z]{3}|[A-Z0-9]{2})(\d{1,4})([A-Z]?)").fullmatch
SELLABLE = (Flight.Status.SCHEDULED, Flight.Status.DELAYED)


class FlightFacts(NamedTuple):
    """What a flight is, with the names and time zones of its two airports."""

    id: UUID
    carrier: str
    flight_number: int
    operational_suffix: str
    departure_date: date
    origin: str
    destination: str
    departs_at: datetime
    arrives_at: datetime
    aircraft_type: str
    status: str
    departure_city: str
    destination_city: str
    origin_zone: str
    destination_zone: str

    @property
    def designator(self) -> str:
        return f"{self.carrier}{self.flight_number}{self.operational_suffix}"

    @property
    def departs_locally_at(self) -> datetime:
        return self.departs_at.astimezone(zone(self.origin_zone))

    @property
    def arrives_locally_at(self) -> datetime:
        return self.arrives_at.astimezone(zone(self.destination_zone))


class Offer(NamedTuple):
    """One cabin of one flight as it can be sold at a moment.

    `free` may be held at once; `available` also counts seats whose hold has run out but is not swept yet. What a search
    finds comes without `rules`.
    """

    flight: FlightFacts
    cabin_id: int
    cabin: str
    capacity: int
    free: int
    available: int
    on_sale: bool
    fare_basis: str
    currency: str
    base_amount: Decimal
    tax_lines: str
    total_amount: Decimal
    rules: FareRules | None = None

    @property
    def taxes(self) -> list[dict]:
        return json.loads(self.tax_lines)

    @property
    def fare_rules(self) -> dict[str, Any]:
        """Return the fare's rules as a coupon keeps them."""
        return self.rules.snapshot(self.currency) if self.rules else {}

    def free_hours(self, at: datetime) -> int:
        """Return for how many hours all goes back of what is sold now, 0 for none."""
        return self.rules.free_hours(self.flight.departs_at, at) if self.rules else 0

    def is_open(self, at: datetime) -> bool:
        closes_at = self.flight.departs_at - settings.SALES_CLOSE_BEFORE_DEPARTURE
        return self.flight.status in SELLABLE and self.on_sale and at < closes_at


FLIGHT = len(FlightFacts._fields)
RULES_FROM = FLIGHT + len(Offer._fields) - 2
FLIGHT_COLUMNS = """
    f.id, f.carrier_id, f.flight_number, f.operational_suffix, f.departure_date, f.origin_id, f.destination_id,
    f.departs_at, f.arrives_at, f.aircraft_type, f.status,
    COALESCE(NULLIF(o.city, ''), o.name), COALESCE(NULLIF(d.city, ''), d.name), o.timezone, d.timezone
"""
# The subquery around the moment hides it from the planner: PostgreSQL keeps a statement's plan only if it looks no
# dearer than one for the values at hand, and planning takes three times as long as reading.
AVAILABLE = """
    c.free + CASE WHEN c.held > 0 THEN COALESCE((
        SELECT sum(h.seats) FROM flights_seathold h WHERE h.flight_cabin_id = c.id AND h.expires_at <= (SELECT %(at)s)
    ), 0) ELSE 0 END"""
COLUMNS = f"""
    {FLIGHT_COLUMNS},
    c.id AS cabin_id, c.cabin, c.capacity, c.free,
    {AVAILABLE} AS available,
    c.on_sale, p.fare_basis, p.currency, p.base_amount, p.taxes::text, p.total_amount
"""
RULE_COLUMNS = ", ".join(f"p.{name}" for name in FareRules._fields)
SALE_TABLES = """
    flights_flight f
    JOIN flights_flightcabin c ON c.flight_id = f.id
    JOIN flights_fare p ON p.id = c.fare_id
"""
ORIGIN = " JOIN flights_airport o ON o.iata = f.origin_id"
DESTINATION = " JOIN flights_airport d ON d.iata = f.destination_id"
TABLES = SALE_TABLES + ORIGIN + DESTINATION


def fetch_offers(sql: str, parameters: dict) -> list[Offer]:
    return [offer_of(row) for row in read_rows(sql, parameters)]


def offer_of(row: tuple) -> Offer:
    """Return the offer of a row of COLUMNS, which RULE_COLUMNS may follow."""
    rules = FareRules._make(row[RULES_FROM:]) if len(row) > RULES_FROM else None
    return Offer._make((FlightFacts._make(row[:FLIGHT]), *row[FLIGHT:RULES_FROM], rules))


@dataclass(frozen=True)
class Wish:
    """A flight that somebody wants: by its id, or by designator and local date (and origin where two leave)."""

    flight_id: UUID | None = None
    designator: str = ""
    departure_date: date | None = None
    origin: str = ""
    cabin: str = Cabin.ECONOMY


def parse_designator(text: str) -> tuple[str, int, str]:
    """Return carrier, number and suffix of a flight designator such as `UA1161`. Raises InvalidDesignator."""
    match = match_designator(text.strip().upper())
    if match is None:
        raise InvalidDesignator(
            errors=[{"pointer": "/flightId", "code": "invalid", "message": InvalidDesignator.message}]
        )
    return match[1], int(match[2]), match[3]


def find_offer(wish: Wish, *, at: datetime) -> Offer:
    """Return the one offer that a wish names. Raises FlightNotFound, AmbiguousFlight or InvalidDesignator."""
    if wish.flight_id:
        found = fetch_offers(
            f"SELECT {COLUMNS}, {RULE_COLUMNS} FROM {TABLES} WHERE f.id = %(flight_id)s AND c.cabin = %(cabin)s",
            {"at": at, "flight_id": wish.flight_id, "cabin": wish.cabin},
        )
    else:
        carrier, number, suffix = parse_designator(wish.designator)
        found = fetch_offers(
            f"""SELECT {COLUMNS}, {RULE_COLUMNS} FROM {TABLES}
            WHERE f.carrier_id = %(carrier)s AND f.flight_number = %(number)s AND f.operational_suffix = %(suffix)s
              AND f.departure_date = %(departure_date)s AND c.cabin = %(cabin)s
              {"AND f.origin_id = %(origin)s" if wish.origin else ""}""",
            {
                "at": at,
                "carrier": carrier,
                "number": number,
                "suffix": suffix,
                "cabin": wish.cabin,
                "departure_date": wish.departure_date,
            }
            | ({"origin": wish.origin} if wish.origin else {}),
        )
    if not found:
        raise FlightNotFound
    if len(found) > 1:
        raise AmbiguousFlight(flights=[{"event_id": str(o.flight.id), "origin": o.flight.origin} for o in found])
    return found[0]


def open_offer(wish: Wish, seats: int, *, at: datetime) -> Offer:
    """Return the offer that a wish names, if it is on sale with enough seats. Raises FlightClosed or SoldOut."""
    offer = find_offer(wish, at=at)
    if not offer.is_open(at):
        raise FlightClosed
    if offer.free < seats:
        raise SoldOut([offer.cabin_id] if offer.available >= seats else [])
    return offer


def open_offers(wishes: Sequence[Wish], seats: int, *, at: datetime) -> list[Offer]:
    """Return the offers of several wishes in order of travel. Raises DuplicateFlight besides, for one named twice."""
    offers = [open_offer(wish, seats, at=at) for wish in wishes]
    if len({offer.flight.id for offer in offers}) < len(offers):
        raise DuplicateFlight
    return sorted(offers, key=lambda offer: offer.flight.departs_at)


def flight_offers(flight_id: UUID, *, at: datetime) -> list[Offer]:
    """Return the offers of all cabins of a flight, first cabin first. Raises FlightNotFound."""
    sql = f"""SELECT {COLUMNS}, {RULE_COLUMNS} FROM {TABLES}
        WHERE f.id = %(flight_id)s ORDER BY position(c.cabin in 'FJWY')"""
    found = fetch_offers(sql, {"at": at, "flight_id": flight_id})
    if not found:
        raise FlightNotFound
    return found
