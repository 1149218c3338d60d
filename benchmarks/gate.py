"""Measure a gate: 300 checked-in passengers of one flight are looked at and boarded in a burst, over HTTP.

    python -m benchmarks.gate                              # one and eight connections
    python -m benchmarks.gate --passengers 300 --connections 1,8

Starts a server and databases of its own, deleted afterwards. Each number of connections has a flight of its own.
"""

import argparse
import signal
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.utils import timezone

from benchmarks import cpu
from benchmarks.client import Connection, Server
from benchmarks.own_server import Running, own_server, running_in

FLIGHTS = 10_000
PARTY = 9
ROOM = "UPDATE flights_flightcabin SET capacity = 400, free = 400 WHERE flight_id = %s AND cabin = 'Y'"
TYPE = "UPDATE flights_flight SET aircraft_type = '' WHERE id = %s"
LEAVE = """
UPDATE flights_flight SET departs_at = now() + interval '40 minutes', arrives_at = now() + interval '4 hours'
WHERE id = %s"""
PASSES = "SELECT barcode FROM ticketing_boardingpass WHERE flight_id = %s AND ended_at IS NULL ORDER BY sequence_number"


def query(sql: str, *parameters: object) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        return cursor.fetchall() if cursor.description else []


def flights(count: int) -> list[UUID]:
    """Return flights whose check-in is open and that are still sold."""
    sql = "SELECT id FROM flights_flight WHERE departs_at > %s ORDER BY departs_at LIMIT %s"
    return [pk for (pk,) in query(sql, timezone.now() + timedelta(hours=3), count)]


def check_in(server: Server, flight_id: UUID, passengers: int) -> list[str]:
    """Sell a flight, check everybody in and let boarding begin; return the passes."""
    from orders.checkin import check_in_booking  # noqa: PLC0415 (settings are there only now)
    from partners.callers import Caller  # noqa: PLC0415

    staff = Caller(kind="staff", id="benchmark", door="command", is_staff=True)
    for sql in (ROOM, TYPE):
        query(sql, flight_id)
    for first in range(0, passengers, PARTY):
        names = [letters(number) for number in range(first, min(first + PARTY, passengers))]
        party = [{"surname": "Passenger", "given_name": name} for name in names]
        booking = server.ask(
            "POST", "/api/v1/bookings", {"flights": [{"event_id": str(flight_id)}], "passengers": party}
        )
        server.ask("POST", f"/api/v1/bookings/{booking['booking_id']}/confirm")
        check_in_booking(UUID(booking["booking_id"]), caller=staff, at=timezone.now())
    query(LEAVE, flight_id)
    return [barcode for (barcode,) in query(PASSES, flight_id)]


def letters(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def burst(server: Server, requests: list[bytes], connections: int) -> tuple[list[float], Counter, float]:
    """Send all requests over so many connections; return times in ms, statuses, and how long it took in s."""
    left: Iterator[bytes] = iter(requests)
    lock, times, statuses = threading.Lock(), [], Counter()  # type: ignore[var-annotated]

    def work(link: Connection) -> None:
        while True:
            with lock:
                request = next(left, None)
            if request is None:
                return
            begun = time.perf_counter()
            status = link.exchange(request)
            times.append(1000 * (time.perf_counter() - begun))
            statuses[status] += 1

    threads = [threading.Thread(target=work, args=[Connection(server)]) for _ in range(connections)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, statuses, time.perf_counter() - started


def measure(running: Running, flight_id: UUID, passes: list[str], connections: int) -> None:
    server = Server(running.url, running.key)
    engines = {name: cpu.listeners(port) for name, port in running.ports.items() if port}
    path = f"/api/v1/flights/{flight_id}/scans"
    looks = [
        server.request("POST", "/boarding-passes/validate", {"barcode": p, "event_id": str(flight_id)}) for p in passes
    ]
    boards = [server.request("POST", path, {"barcode": p, "nonce": f"n{i}"}) for i, p in enumerate(passes)]
    burst(server, looks[:100], 16)  # every connection of every worker has prepared its statements
    for name, requests in (("look", looks), ("board", boards)):
        before = {engine: cpu.seconds_of(pids) for engine, pids in engines.items()}
        times, statuses, took = burst(server, requests, connections)
        spent = {engine: cpu.seconds_of(pids) - before[engine] for engine, pids in engines.items()}
        own = ", ".join(f"{engine} {1000 * seconds / len(times):.1f}" for engine, seconds in spent.items())
        p50, p95 = statistics.quantiles(times, n=20)[9:19:9]
        print(
            f"{name:6} {len(requests)} passes, {connections} connections: p50 {p50:.1f} ms, p95 {p95:.1f} ms, "
            f"max {max(times):.1f} ms, {len(requests) / took:.0f}/s, CPU ms each: {own} {dict(statuses)}",
            flush=True,
        )
    print(
        "aboard:", query("SELECT count(*) FROM ticketing_coupon WHERE flight_id = %s AND status = 'L'", flight_id)[0][0]
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks.gate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--passengers", type=int, default=300)
    parser.add_argument("--connections", default="1,8")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    numbers = [int(number) for number in options.connections.split(",")]
    with own_server(FLIGHTS) as home:
        running = running_in(home)
        server = Server(running.url, running.key)
        query("UPDATE partners_agency SET is_ground_handler = true")
        query("UPDATE flights_airport SET country = 'US'")  # so that nobody needs a passport
        time.sleep(4)  # until every process knows
        for flight_id, connections in zip(flights(len(numbers)), numbers, strict=True):
            measure(running, flight_id, check_in(server, flight_id, options.passengers), connections)


if __name__ == "__main__":
    main()
