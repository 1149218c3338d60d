"""Measure BOOK, SEARCH, READ and ORDER against a running server: requests/s, p50, p99 and the server's CPU per request.

    python -m benchmarks                     # the server that `make run` has started
    python -m benchmarks --flights 250000    # a server and databases of its own, deleted afterwards

BOOK holds one or two seats of one of some thousand flights (its holds run out after 20 minutes), ONCE does so with an
`Idempotency-Key`, SEARCH asks for a route and a date, READ retrieves a booking that BOOK has made, ORDER sells one
product to one of a thousand customers (what workers do with it afterwards: `benchmarks.workflow`). Works take turns in
rounds; the figures are each work's medians.
"""

import argparse
import random
import signal
import statistics
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from benchmarks import cpu
from benchmarks.client import Connection, Server
from benchmarks.own_server import Running, own_server, running_in
from skybridge.embedded.state import home_directory

DAYS = 27  # that flights are taken from
BOOKINGS = 500  # to read


class Round(NamedTuple):
    """What one work did in one round; CPU in ms per request, by engine."""

    rate: float
    p50: float
    p99: float
    cpu: dict[str, float]
    statuses: Counter


class Works:
    """Makes the requests of each work, from flights that the server itself offers."""

    def __init__(self, server: Server):
        self.server = server
        self.flights = [flight for day in range(1, DAYS + 1) for flight in self.flights_on(day)]
        if not self.flights:
            sys.exit("The server has no flights to sell.")
        self.products = [product["product_id"] for product in server.ask("GET", "/products")["products"]]
        self.bookings = [server.ask("POST", "/bookFlight", self.order())["bookingId"] for _ in range(BOOKINGS)]

    def flights_on(self, day: int) -> list[dict]:
        date = (datetime.now(UTC) + timedelta(days=day)).date()
        return self.server.ask("GET", f"/api/v1/flights?departure_date={date}&limit=100&seats=2")["flights"]

    def order(self) -> dict:
        flight = random.choice(self.flights)
        return {
            "userId": f"traveller-{random.randrange(10_000)}",
            "flightId": flight["flightId"],
            "departureDate": flight["departureDate"],
            "origin": flight["origin"],
            "seats": random.choice((1, 2)),
        }

    def book(self, **headers: str) -> bytes:
        return self.server.request("POST", "/bookFlight", self.order(), **headers)

    def once(self) -> bytes:
        return self.book(**{"Idempotency-Key": str(uuid.uuid4())})

    def buy(self) -> bytes:
        body = {
            "customer_id": f"CUST{random.randrange(1000):03}",
            "items": [{"product_id": random.choice(self.products), "quantity": 1}],
        }
        return self.server.request("POST", "/orders", body)

    def search(self) -> bytes:
        flight = random.choice(self.flights)
        places = f"departureCity={flight['origin']}&destinationCity={flight['destination']}"
        return self.server.request("GET", f"/searchFlights?{places}&departureDate={flight['departureDate']}")

    def read(self) -> bytes:
        return self.server.request("GET", f"/api/v1/bookings/{random.choice(self.bookings)}")


def run_round(
    server: Server, make: Callable[[], bytes], connections: int, seconds: float, engines: dict[str, set[int]]
) -> Round:
    """Send requests over all connections, each as soon as its last one is answered."""
    times: list[float] = []
    statuses: Counter = Counter()
    opened = [Connection(server) for _ in range(connections)]
    before = {name: cpu.seconds_of(pids) for name, pids in engines.items()}
    started = time.perf_counter()

    def send(connection: Connection) -> None:
        while (begun := time.perf_counter()) - started < seconds:
            status = connection.exchange(make())
            times.append(time.perf_counter() - begun)
            statuses[status] += 1

    threads = [threading.Thread(target=send, args=[connection]) for connection in opened]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - started
    spent = {name: cpu.seconds_of(pids) - before[name] for name, pids in engines.items()}
    p50, p99 = statistics.quantiles(times, n=100)[49:100:49]
    per_request = {name: 1000 * value / len(times) for name, value in spent.items()}
    return Round(len(times) / took, 1000 * p50, 1000 * p99, per_request, statuses)


def measure(running: Running, options: argparse.Namespace) -> None:
    server = Server(running.url, running.key)
    works = Works(server)
    makers = {"BOOK": works.book, "ONCE": works.once, "SEARCH": works.search, "READ": works.read, "ORDER": works.buy}
    chosen = [name for name in makers if name in options.works.upper().split(",")]
    engines = {name: cpu.listeners(port) for name, port in running.ports.items() if port}
    for name in chosen:  # every connection of every worker has prepared its statements
        run_round(server, makers[name], options.connections, min(options.seconds, 3), engines)
    rounds: dict[str, list[Round]] = {name: [] for name in chosen}
    for _ in range(options.rounds):
        for name in chosen:
            rounds[name].append(run_round(server, makers[name], options.connections, options.seconds, engines))
    report(rounds, options)


def report(rounds: dict[str, list[Round]], options: argparse.Namespace) -> None:
    engines = list(next(iter(rounds.values()))[0].cpu)
    print(f"{options.connections} connections, {options.rounds} rounds of {options.seconds:g} s; CPU in ms per request")
    print(f"{'':8}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}" + "".join(f"{name:>12}" for name in engines))
    for name, done in rounds.items():
        figures = [statistics.median(getattr(one, field) for one in done) for field in ("rate", "p50", "p99")]
        spent = [statistics.median(one.cpu[engine] for one in done) for engine in engines]
        statuses = sum((one.statuses for one in done), Counter())
        print(
            f"{name:8}{figures[0]:12.0f}{figures[1]:9.1f}{figures[2]:9.1f}"
            + "".join(f"{value:12.3f}" for value in spent)
            + f"   {dict(statuses)}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", default="")
    parser.add_argument("--key", default="")
    parser.add_argument("--works", default="BOOK,ONCE,SEARCH,READ")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--flights", type=int, default=0, help="start a server of our own with so many flights")
    parser.add_argument("--hold", action="store_true", help="start it and wait for Ctrl-C instead of measuring")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that what was started is stopped
    with own_server(options.flights) if options.flights else nullcontext(home_directory()) as home:
        if options.hold:
            print(f"SKYBRIDGE_HOME={home}", flush=True)
            threading.Event().wait()
        measure(running_in(home, options.url, options.key), options)
