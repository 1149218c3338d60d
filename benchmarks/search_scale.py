"""Show that a search costs the same among 250 thousand flights and among 10 million.

    python -m benchmarks --growth              # both sizes, and over HTTP: see benchmarks/growth.py
    python -m benchmarks.search_scale          # the database of DATABASE_URL; --fill 10000000 fills it before

Every statement is the application's own, taken where it is run. Printed are its median time and the database's CPU per
search over many different searches, and PostgreSQL's account of the last one (with --explain the whole plan).
"""

import argparse
import os
import random
import re
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import django
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skybridge.settings")
django.setup()

from benchmarks.agencies import SELLERS, agency_name  # noqa: E402
from benchmarks.fill import add_agency, fill  # noqa: E402
from flights import offers, search  # noqa: E402
from flights.models import Flight  # noqa: E402

REPETITIONS = 200
LIMIT = 20


def cases(at) -> dict[str, Callable[[], object]]:
    """Return the kinds of search, each of which picks other flights at every call."""
    pages = [flight for _, flight in zip(range(50), some_flights(at), strict=False)]

    def run(limit: int | None = LIMIT, cursor: str = "", **criteria):
        return search.search_flights(search.Search(**criteria), at=at, limit=limit, cursor=cursor)

    def any_flight() -> Flight:
        return random.choice(pages)

    def route_and_date():
        flight = any_flight()
        run(None, origin=flight.origin_id, destination=flight.destination_id, departure_date=flight.departure_date)

    def deep(**criteria):
        flight = any_flight()
        run(cursor=search.encode_cursor(flight.departs_at, flight.id), **criteria)

    return {
        "route and date": route_and_date,
        "first page of all": run,
        "page deep in all": deep,
        "first page of an origin": lambda: run(origin=any_flight().origin_id),
        "page deep in an origin": lambda: deep(origin=any_flight().origin_id),
        "first page of a destination": lambda: run(destination=any_flight().destination_id),
        "first page of a route": lambda: (
            lambda flight: run(origin=flight.origin_id, destination=flight.destination_id)
        )(any_flight()),
        "first page of a date": lambda: run(departure_date=any_flight().departure_date),
        "cheapest of a route and date": lambda: (
            lambda flight: run(
                origin=flight.origin_id,
                destination=flight.destination_id,
                departure_date=flight.departure_date,
                sort="price",
            )
        )(any_flight()),
    }


def some_flights(at) -> Iterator[Flight]:
    """Yield flights of random days, spread over all routes."""
    airports = list(Flight.objects.values_list("origin_id", flat=True).distinct())
    while True:
        day = at.date() + timedelta(days=random.randrange(2, 300))
        found = Flight.objects.filter(departure_date=day, origin_id=random.choice(airports), departs_at__gt=at)
        if flight := found.first():
            yield flight


def measure(run: Callable[[], object], *, explain: bool) -> str:
    """Return one line on a kind of search, or the plan of its last statement beneath it."""
    statements: list[tuple[str, dict]] = []
    times: list[float] = []
    fetch = offers.fetch_offers

    def timed(sql: str, parameters: dict):
        statements.append((sql, parameters))
        begun = time.perf_counter()
        try:
            return fetch(sql, parameters)
        finally:
            times.append(1000 * (time.perf_counter() - begun))

    for _ in range(10):  # until PostgreSQL has settled on a plan
        run()
    before = backend_cpu()
    with patch.object(search, "fetch_offers", timed):
        deadline = time.monotonic() + 20
        while len(times) < REPETITIONS and time.monotonic() < deadline:
            run()
    spent = 1000 * (backend_cpu() - before) / len(times)
    plan = explained(*statements[-1])
    text = "\n".join(plan)
    buffers = re.search(r"Buffers: (.*)", text)
    execution = re.search(r"Execution Time: (.*)", text)
    line = f"{statistics.median(times):8.2f} ms, CPU {spent:8.2f} ms, execution {execution and execution[1]:>12}, "
    line += f"buffers {buffers and buffers[1]}, {', '.join(indexes_in(text))}"
    return f"{line}\n{text}\n" if explain else line


def backend_cpu() -> float:
    """Return the seconds that our connection's process has used."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def explained(sql: str, parameters: dict) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS) " + sql, parameters)
        return [row[0] for row in cursor.fetchall()]


def indexes_in(plan: str) -> list[str]:
    """Return the indexes on flights that a plan uses, sequential scans by their table."""
    return sorted(
        set(re.findall(r"(?:using|on) (flight_\w+)", plan)) | set(re.findall(r"Seq Scan on flights_\w+", plan))
    )


def make(flights: int) -> None:
    """Fill an empty database with flights, and with agencies that may search."""
    call_command("migrate", verbosity=0)
    fill(flights)
    for number in SELLERS:
        add_agency(agency_name(number))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fill", type=int, default=0, help="migrate, make so many flights, and nothing else")
    parser.add_argument("--explain", action="store_true", help="print the whole plans")
    options = parser.parse_args()
    random.seed(1)
    if options.fill:
        make(options.fill)
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), pg_size_pretty(pg_database_size(current_database())) FROM flights_flight")
        count, size = cursor.fetchone()
    print(f"{count:,} flights, {size}", flush=True)
    for name, run in cases(timezone.now()).items():
        print(f"{name:30}{measure(run, explain=options.explain)}", flush=True)


if __name__ == "__main__":
    main()
