"""Searching flights: one SQL statement, whatever the result's size, on an index that serves it."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.conf import settings

from flights.airports import fold
from flights.models import Cabin
from flights.offers import AVAILABLE, COLUMNS, DESTINATION, ORIGIN, SALE_TABLES, Offer, fetch_offers
from skybridge.pagination import decode_cursor, encode_cursor

is_amount = re.compile(r"\d{1,8}\.\d{4}", re.ASCII).fullmatch


def read_amount(value: str) -> Decimal:
    """Return the amount of a cursor. Raises ValueError."""
    if not is_amount(value):
        raise ValueError
    return Decimal(value)


def read_seconds(value: int) -> int:
    """Return the duration of a cursor. Raises ValueError."""
    if type(value) is not int:
        raise ValueError
    return value


def aware(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment


# By their names alone, which are the same inside a statement and around it.
SORTS = {
    "departure": ("departs_at", lambda o: o.flight.departs_at, aware),
    "price": ("total_amount", lambda o: o.total_amount, read_amount),
    "duration": (
        "extract(epoch FROM arrives_at - departs_at)::int",
        lambda o: int((o.flight.arrives_at - o.flight.departs_at).total_seconds()),
        read_seconds,
    ),
}


@dataclass(frozen=True)
class Search:
    """What to look for. Places are IATA codes or city names in any case, with or without accents.

    `departs_after` and `departs_before` are local wall-clock times. Without `everything` only flights that can be
    sold to `seats` passengers are found.
    """

    origin: str = ""
    destination: str = ""
    departure_date: date | None = None
    seats: int = 1
    cabin: str = Cabin.ECONOMY
    carrier: str = ""
    flight_number: int | None = None
    max_price: Decimal | None = None
    departs_after: time | None = None
    departs_before: time | None = None
    sort: str = "departure"
    everything: bool = False

    def reverse(self, return_date: date) -> "Search":
        """Return the search for the way back."""
        return replace(self, origin=self.destination, destination=self.origin, departure_date=return_date)


def search_flights(
    search: Search, *, at: datetime, limit: int | None = None, cursor: str = ""
) -> tuple[list[Offer], str | None]:
    """Return the offers found, in the search's order, and the cursor of the next page. One statement."""
    order, value_of, read = SORTS[search.sort]
    where, parameters = conditions(search, at)
    start, end = departure_window(search, at)
    if cursor:
        value, last_id = decode_cursor(cursor, read, UUID)
        where.append(f"({order}, f.id) > (%(after_value)s, %(after_id)s)")
        parameters |= {"after_value": value, "after_id": last_id}
        if start and search.sort == "departure" and value > start:
            start = None  # with both bounds PostgreSQL would read on from the earlier one
    if start:
        where.append("f.departs_at > %(start)s")
    if end:
        where.append("f.departs_at < %(end)s")
    # The number of rows is part of the statement: as a parameter it would be planned anew at every call.
    sql = statement(search, where, order, "" if limit is None else f"LIMIT {limit + 1}")
    found = fetch_offers(sql, {**parameters, "start": start, "end": end})
    if limit is None or len(found) <= limit:
        return found, None
    last = found[limit - 1]
    return found[:limit], encode_cursor(value_of(last), last.flight.id)


def statement(search: Search, where: list[str], order: str, page: str) -> str:
    """Return the SQL of a search.

    A place is one airport or several. Flights are looked for airport by airport, so that each time an index gives them
    in order and a page ends early; then the airports' pages are merged.
    """
    route = route_of(search)
    where = [*where, *route.conditions]
    sql = f"SELECT {COLUMNS} FROM {route.tables} WHERE {' AND '.join(where)} ORDER BY {order}, f.id {page}"
    if not route.places:
        return sql
    return f"SELECT found.* FROM {route.places}, LATERAL ({sql}) AS found ORDER BY {order}, id {page}"


class Route(NamedTuple):
    """The SQL that lists the airports of a search's places, and how flights, their fares and airports join them."""

    places: str
    tables: str
    conditions: list[str]


def route_of(search: Search) -> Route:
    places, tables, conditions = [], SALE_TABLES, []
    for place, airport, join in (("origin", "o", ORIGIN), ("destination", "d", DESTINATION)):
        if getattr(search, place):
            # A subquery, which is planned alike for every place: so PostgreSQL keeps the plan.
            terms = f"search_terms @> ARRAY(SELECT %({place})s::varchar)"
            found = f"unnest(ARRAY(SELECT iata FROM flights_airport WHERE {terms})) AS {place} (iata)"
            # Each by the index, also where PostgreSQL would rather read all airports for the few that it expects.
            row = f"LATERAL (SELECT * FROM flights_airport WHERE iata = {place}.iata OFFSET 0) AS {airport}"
            places.append(f"{found}, {row}")
            conditions.append(f"f.{place}_id = {airport}.iata")
        else:
            tables += join
    return Route(", ".join(places), tables, conditions)


def departure_window(search: Search, at: datetime) -> tuple[datetime | None, datetime | None]:
    """Return the moments between which the flights leave.

    A local date begins at most 14 hours before UTC's and ends at most 12 hours after it.
    """
    starts, end = [], None
    if not search.everything:
        starts.append(at + settings.SALES_CLOSE_BEFORE_DEPARTURE)
    if search.departure_date and 1 < search.departure_date.year < 9999:
        midnight = datetime.combine(search.departure_date, time(), UTC)
        starts.append(midnight - timedelta(hours=14, microseconds=1))
        end = midnight + timedelta(hours=36)
    return max(starts, default=None), end


def conditions(search: Search, at: datetime) -> tuple[list[str], dict]:
    """Return the SQL conditions of a search and their parameters."""
    where = ["c.cabin = %(cabin)s"]
    parameters: dict = {"at": at, "cabin": search.cabin}

    def add(condition: str, **values) -> None:
        where.append(condition)
        parameters.update(values)

    if search.origin:
        parameters["origin"] = fold(search.origin)
    if search.destination:
        parameters["destination"] = fold(search.destination)
    if search.departure_date:
        add("f.departure_date = %(departure_date)s", departure_date=search.departure_date)
    if search.carrier:
        add("f.carrier_id = %(carrier)s", carrier=search.carrier.upper())
    if search.flight_number:
        add("f.flight_number = %(flight_number)s", flight_number=search.flight_number)
    if search.max_price is not None:
        add("p.total_amount <= %(max_price)s", max_price=search.max_price)
    if search.departs_after:
        add("(f.departs_at AT TIME ZONE o.timezone)::time >= %(departs_after)s", departs_after=search.departs_after)
    if search.departs_before:
        add("(f.departs_at AT TIME ZONE o.timezone)::time <= %(departs_before)s", departs_before=search.departs_before)
    if not search.everything:
        add("f.status IN ('scheduled', 'delayed') AND c.on_sale")
        add(f"{AVAILABLE} >= %(seats)s", seats=search.seats)
    return where, parameters
