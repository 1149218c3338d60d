"""What is measured: the calls of each work, the same for all sides, made of what is in the template database."""

import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from benchmarks.agencies import HANDLER, LIMITED, SELLERS, agency_name, key_of
from benchmarks.cluster import Cluster

HOST = "bench.example"
PAGE = 20
HOT_SEATS, HOT_FLIGHTS, STAMPEDES, SOLD_OUT = 300, 200, 16, 5
TOO_MANY = 100  # more than there are seats, in a stampede
BOOK_FLIGHTS, BOOK_CALLS = 5_000, 40_000
READ_CALLS, SEARCH_CALLS = 10_000, 10_000
ORDER_CALLS, PRODUCTS = 30_000, 100


class Call(NamedTuple):
    """One request; the proxy with TLS that stands before a server in production says that it was https."""

    method: str
    path: str
    key: str
    body: Any = None

    @property
    def content(self) -> bytes:
        return b"" if self.body is None else json.dumps(self.body).encode()

    def bytes(self) -> bytes:
        content = self.content
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {HOST}", f"x-api-key: {self.key}"]
        lines += ["X-Forwarded-Proto: https"]
        if self.method != "GET":
            lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
        return "\r\n".join([*lines, "", ""]).encode() + content


@dataclass
class Work:
    """A kind of call. `is_used_up`: each call works once, so that each side goes through them once."""

    name: str
    title: str
    calls: list[Call]
    status: int
    is_used_up: bool = False
    has_floor: bool = False
    has_rival: bool = True
    _requests: list[bytes] = field(default_factory=list)

    def requests(self) -> Iterator[bytes]:
        """Return an iterator for one side's whole run."""
        self._requests = self._requests or [call.bytes() for call in self.calls]
        return iter(self._requests) if self.is_used_up else itertools.cycle(self._requests)


KEYS = [key_of(agency_name(n)) for n in SELLERS]
FLIGHTS = """
SELECT f.id, f.carrier_id || f.flight_number, f.departure_date::text, f.origin_id, f.destination_id, c.id
FROM flights_flight f JOIN flights_flightcabin c ON c.flight_id = f.id AND c.cabin = 'Y'
WHERE c.sold + c.held {} AND f.departs_at BETWEEN now() + interval '3 days' AND now() + interval '200 days'
ORDER BY md5(f.id::text) LIMIT %s
"""
PENDING = """
SELECT s.booking_id, a.name FROM sale s JOIN partners_agency a ON a.id = s.agency_id WHERE s.kind = 'pending'
ORDER BY s.n
"""
BOOKED = """
SELECT s.booking_id, a.name FROM sale s JOIN partners_agency a ON a.id = s.agency_id
WHERE s.booking_status = 'confirmed' AND s.kind = 'normal' AND a.name = ANY(%s)
ORDER BY md5(s.booking_id::text) LIMIT %s
"""
# Those who travel together board one after the other: first one of each booking.
PASSES = """
SELECT p.flight_id, p.barcode FROM ticketing_boardingpass p
JOIN ticketing_coupon k ON k.id = p.coupon_id JOIN ticketing_ticket t ON t.id = k.ticket_id
WHERE p.ended_at IS NULL ORDER BY t.position, md5(p.barcode)
"""


class Flights(NamedTuple):
    """Flights by their use; each is a row of FLIGHTS."""

    common: list[tuple]
    hot: list[tuple]


def flights_of(cluster: Cluster, database: str) -> Flights:
    common = cluster.query(database, FLIGHTS.format("> 0"), [BOOK_FLIGHTS])
    return Flights(common, cluster.query(database, FLIGHTS.format("= 0"), [HOT_FLIGHTS]))


def book(flight: tuple, key: str, seats: int, user: int) -> Call:
    body = {
        "userId": f"traveller-{user}",
        "flightId": flight[1],
        "departureDate": flight[2],
        "origin": flight[3],
        "seats": seats,
    }
    return Call("POST", "/bookFlight", key, body)


def list_orders(agency: int, page: int) -> list[Call]:
    return [Call("GET", f"/orders?page={page}&limit={PAGE}", key_of(agency_name(agency)))]


class Calls:
    """Makes the calls of all works, of what a database has."""

    def __init__(self, cluster: Cluster, database: str):
        self.cluster, self.database = cluster, database
        self.dice, self.keys, self.users = random.Random(7), itertools.cycle(KEYS), itertools.count()
        common, hot = flights_of(cluster, database)
        self.common, self.hot, self.sold_out = common, hot[: -STAMPEDES - SOLD_OUT], hot[-SOLD_OUT:]

    def bookings(self, flights: list[tuple], count: int) -> list[Call]:
        return [
            book(self.dice.choice(flights), next(self.keys), self.dice.choice((1, 2)), next(self.users) % 10_000)
            for _ in range(count)
        ]

    def stampede(self) -> list[Call]:
        return [book(flight, next(self.keys), 1, n) for flight in self.hot for n in range(HOT_SEATS)]

    def orders(self) -> Iterator[Call]:
        for n in range(ORDER_CALLS):
            items = [{"product_id": f"BENCHMARK{self.dice.randrange(PRODUCTS)}", "quantity": 1}]
            yield Call("POST", "/orders", next(self.keys), {"customer_id": f"customer-{n % 1000}", "items": items})

    def searches(self) -> Iterator[Call]:
        for _ in range(SEARCH_CALLS):
            _, _, date, origin, destination, _ = self.dice.choice(self.common)
            places = f"departureCity={origin}&destinationCity={destination}"
            yield Call("GET", f"/searchFlights?{places}&departureDate={date}", next(self.keys))

    def confirmations(self) -> list[Call]:
        rows = self.cluster.query(self.database, PENDING)
        return [Call("POST", f"/api/v1/bookings/{pk}/confirm", key_of(agency)) for pk, agency in rows]

    def readings(self) -> list[Call]:
        names = [agency_name(n) for n in SELLERS]
        rows = self.cluster.query(self.database, BOOKED, [names, READ_CALLS])
        return [Call("GET", f"/api/v1/bookings/{pk}", key_of(agency)) for pk, agency in rows]

    def scans(self) -> list[Call]:
        rows = self.cluster.query(self.database, PASSES)
        return [
            Call("POST", f"/api/v1/flights/{pk}/scans", key_of(HANDLER), {"barcode": barcode, "nonce": f"n{n}"})
            for n, (pk, barcode) in enumerate(rows)
        ]


def make_works(cluster: Cluster, database: str, scale: float) -> list[Work]:
    """Return all works, their calls in an order that is the same for all sides."""
    calls = Calls(cluster, database)
    unknown = [("", f"ZZ{n}", "2027-01-01", "EWR") for n in range(1, 2000)]
    refused = [book(calls.common[0], key_of(LIMITED), 1, 0)]
    last_page = max(1, round(1000 * scale))
    return [
        Work("BOOK", "hold 1 or 2 seats", calls.bookings(calls.common, BOOK_CALLS), 200, has_floor=True),
        Work("CONFIRM", "sell a held booking", calls.confirmations(), 200, True, True),
        Work("SEARCH", "a route and a date, 20 flights", list(calls.searches()), 200, has_floor=True),
        Work("READ", "a booking", calls.readings(), 200, has_floor=True),
        Work("ORDER", "a product on account", list(calls.orders()), 201, has_floor=True),
        Work("LIST", "orders, page 1 of 100,000", list_orders(0, 1), 200, has_floor=True),
        Work("LIST1000", "orders, page 1,000", list_orders(0, last_page), 200, has_floor=True),
        Work("LIST-SMALL", "orders, page 1 of 1,000", list_orders(1, 1), 200, has_floor=True),
        Work("SCAN", "board with a pass", calls.scans(), 200, True, True),
        Work("HOT", "300 seats of one flight", calls.stampede(), 200, True, True),
        Work("SOLDOUT", "a flight sold out", calls.bookings(calls.sold_out, 500), 409),
        Work("404", "a flight unknown", calls.bookings(unknown, 500), 404, has_rival=False),
        Work("429", "a caller beyond its plan", refused, 429, has_rival=False),
    ]


def stampedes(cluster: Cluster, database: str) -> list[tuple[int, list[bytes]]]:
    """Return cabins of flights of their own, each with more calls for one seat than it has seats."""
    flights = flights_of(cluster, database).hot[-STAMPEDES - SOLD_OUT : -SOLD_OUT]
    callers = [(KEYS[n % len(KEYS)], n) for n in range(HOT_SEATS + TOO_MANY)]
    return [(flight[5], [book(flight, key, 1, n).bytes() for key, n in callers]) for flight in flights]


def prepare(cluster: Cluster, template: str, databases: list[str]) -> None:
    """Make the flights that everybody wants 300 seats large, sell five of them out, and let boarding begin."""
    hot = [row[5] for row in flights_of(cluster, template).hot]
    for database in databases:
        cluster.query(
            database,
            """UPDATE flights_flightcabin SET capacity = %s, free = CASE WHEN id = ANY(%s) THEN 0 ELSE %s END,
                sold = CASE WHEN id = ANY(%s) THEN %s ELSE 0 END WHERE id = ANY(%s)""",
            [HOT_SEATS, hot[-SOLD_OUT:], HOT_SEATS, hot[-SOLD_OUT:], HOT_SEATS, hot],
        )
        cluster.query(
            database,
            """UPDATE flights_flight SET departs_at = now() + interval '5 hours',
                arrives_at = now() + interval '8 hours', aircraft_type = '', status = 'scheduled'
            WHERE id IN (SELECT flight_id FROM ticketing_departure)""",
        )
