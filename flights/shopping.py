"""What a search shows beside the flights found: the party's price, days with seats, and other flights."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings
from django.db import connection

from flights.fares import price_for
from flights.offers import COLUMNS, TABLES, Offer, fetch_offers
from flights.search import Search, conditions, route_of

FEW_SEATS = 9  # a party's size: from here on it may matter
NEAREST_DAYS = 4
NEAREST_FLIGHTS = 5
LOOK_AROUND = timedelta(days=30)
NEARBY = timedelta(days=7)


@dataclass(frozen=True)
class Party:
    """Who travels: adults, children, and infants on laps."""

    adults: int = 1
    children: int = 0
    infants: int = 0

    @property
    def seats(self) -> int:
        return self.adults + self.children

    @property
    def size(self) -> int:
        return self.seats + self.infants

    @property
    def types(self) -> list[str]:
        """Return the passengers' types, adults first."""
        return ["ADT"] * self.adults + ["CHD"] * self.children + ["INF"] * self.infants

    def price(self, offer: Offer) -> Decimal:
        """Return what all of them pay on a flight, with taxes, in the offer's currency."""
        prices = {kind: price_for(offer, kind).total_amount for kind in set(self.types)}
        return sum((prices[kind] for kind in self.types), Decimal(0))


class DayWithSeats(NamedTuple):
    """A day on which flights can be sold, and the lowest price of an adult."""

    day: date
    flights: int
    lowest_amount: Decimal
    currency: str


BETWEEN = "f.departure_date BETWEEN %(first)s AND %(last)s AND f.departs_at > %(sold_from)s"
# Route by route, as searches do, so that an index gives each route's days.
DAYS = """
SELECT found.departure_date, count(*), min(found.total_amount), min(found.currency)
FROM {places}, LATERAL (
    SELECT f.departure_date, p.total_amount, p.currency FROM {tables} WHERE {where} OFFSET 0
) AS found
GROUP BY 1 ORDER BY 1
"""


def days_with_seats(search: Search, first: date, last: date, *, at: datetime) -> list[DayWithSeats]:
    """Return the days of a search's route on which it finds something, in order. One statement."""
    where, parameters = conditions(replace(search, departure_date=None), at)
    route = route_of(search)
    where = [*where, *route.conditions, BETWEEN]
    sql = DAYS.format(places=route.places, tables=route.tables, where=" AND ".join(where))
    with connection.cursor() as cursor:
        cursor.execute(sql, {**parameters, "first": first, "last": last, "sold_from": sold_from(at)})
        return [DayWithSeats._make(row) for row in cursor.fetchall()]


def nearest_days(search: Search, *, at: datetime) -> list[DayWithSeats]:
    """Return the days nearest to a search's own on which it finds something, in order. One statement."""
    day: date = search.departure_date  # type: ignore[assignment]
    found = days_with_seats(search, day - LOOK_AROUND, day + LOOK_AROUND, at=at)
    nearest = sorted((one for one in found if one.day != day), key=lambda one: abs(one.day - day))
    return sorted(nearest[:NEAREST_DAYS])


def nearest_flights(
    offer: Offer, seats: int, *, at: datetime, but: Iterable = (), after: datetime | None = None
) -> list[Offer]:
    """Return the flights of an offer's route and cabin with seats, within a week, that leave nearest to its own time.

    One statement. `but` are ids of flights that do not count; with `after` they leave later than that.
    """
    flight = offer.flight
    search = Search(origin=flight.origin, destination=flight.destination, cabin=offer.cabin, seats=seats)
    where, parameters = conditions(search, at)
    sql = f"""SELECT {COLUMNS} FROM {TABLES}
        WHERE {" AND ".join(where)} AND {BETWEEN} AND f.id <> ALL(%(but)s::uuid[])
            AND f.origin_id = %(from)s AND f.destination_id = %(to)s AND f.departs_at > %(after)s
        ORDER BY abs(extract(epoch FROM f.departs_at - %(near)s::timestamptz)), f.id LIMIT {NEAREST_FLIGHTS}"""
    found = fetch_offers(sql, {
        **parameters, "first": flight.departure_date - NEARBY, "last": flight.departure_date + NEARBY,
        "sold_from": sold_from(at), "after": after or at, "near": flight.departs_at, "from": flight.origin,
        "to": flight.destination, "but": [flight.id, *but],
    })  # fmt: skip
    return sorted(found, key=lambda one: one.flight.departs_at)


def sold_from(at: datetime) -> datetime:
    """Return the moment after which flights depart that are still sold."""
    return at + settings.SALES_CLOSE_BEFORE_DEPARTURE


def seats_left(offer: Offer) -> int | None:
    """Return how many seats are left where they are few."""
    return offer.available if offer.available <= FEW_SEATS else None
