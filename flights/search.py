"""Searching flights: one SQL statement, whatever the result's size, on an index that serves it."""

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from uuid import UUID

from django.conf import settings

from flights.airports import fold
from flights.models import Cabin
from flights.offers import AVAILABLE, COLUMNS, TABLES, Offer, fetch_offers
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


SORTS = {
    "departure": ("f.departs_at", lambda o: o.flight.departs_at, datetime.fromisoformat),
    "price": ("p.total_amount", lambda o: o.total_amount, read_amount),
    "duration": (
        "extract(epoch FROM f.arrives_at - f.departs_at)::int",
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


def airports_of(parameter: str) -> str:
    """Return the SQL of all airports of a place: an index look-up that the planner does once."""
    return f"ANY(ARRAY(SELECT iata FROM flights_airport WHERE search_terms @> ARRAY[%({parameter})s]::varchar[]))"


def search_flights(
    search: Search, *, at: datetime, limit: int | None = None, cursor: str = ""
) -> tuple[list[Offer], str | None]:
    """Return the offers found, in the search's order, and the cursor of the next page. One statement."""
    order, value_of, read = SORTS[search.sort]
    where, parameters = conditions(search, at)
    if cursor:
        value, last_id = decode_cursor(cursor, read, UUID)
        where.append(f"({order}, f.id) > (%(after_value)s, %(after_id)s)")
        parameters |= {"after_value": value, "after_id": last_id}
    sql = f"SELECT {COLUMNS} FROM {TABLES} WHERE {' AND '.join(where)} ORDER BY {order}, f.id"
    if limit is None:
        return fetch_offers(sql, parameters), None
    found = fetch_offers(f"{sql} LIMIT %(rows)s", {**parameters, "rows": limit + 1})
    if len(found) <= limit:
        return found, None
    last = found[limit - 1]
    return found[:limit], encode_cursor(value_of(last), last.flight.id)


def conditions(search: Search, at: datetime) -> tuple[list[str], dict]:
    """Return the SQL conditions of a search and their parameters."""
    where = ["c.cabin = %(cabin)s"]
    parameters: dict = {"at": at, "cabin": search.cabin}

    def add(condition: str, **values) -> None:
        where.append(condition)
        parameters.update(values)

    if search.origin:
        add(f"f.origin_id = {airports_of('origin')}", origin=fold(search.origin))
    if search.destination:
        add(f"f.destination_id = {airports_of('destination')}", destination=fold(search.destination))
    if search.departure_date:
        add("f.departure_date = %(departure_date)s", departure_date=search.departure_date)
    elif not search.everything:
        add("f.departs_at > %(at)s")
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
        add(
            "f.status IN ('scheduled', 'delayed') AND c.on_sale AND f.departs_at > %(closes)s",
            closes=at + settings.SALES_CLOSE_BEFORE_DEPARTURE,
        )
        add(f"{AVAILABLE} >= %(seats)s", seats=search.seats)
    return where, parameters
