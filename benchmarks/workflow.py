"""Measure how many executions a second one worker completes: orders of one product or one booking, on account.

    python -m benchmarks.workflow                                # of a product; threads, 4 at once
    python -m benchmarks.workflow --sells booking                # of a held booking: confirm it, issue its ticket
    python -m benchmarks.workflow --pool prefork --concurrency 2

Starts a server and databases of its own, deleted afterwards; the web server idles, beat beats. The orders are placed
first, then the worker starts; a hundred of them go before what is measured.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from benchmarks import cpu
from benchmarks.fill import DAYS, FLIGHTS_A_DAY
from benchmarks.goals import Goal, lines_of
from benchmarks.own_server import own_server
from skybridge.embedded.engines import stop_children
from skybridge.embedded.processes import Child
from skybridge.embedded.state import PROJECT
from skybridge.embedded.supervisor import beat_command, worker_command

if TYPE_CHECKING:
    from partners.callers import Caller

PATIENCE_SECONDS = 600
WARM_UP = 100

UNFINISHED = """
SELECT count(*), (SELECT details FROM orders_executionevent WHERE type = 'TaskFailed' LIMIT 1)
FROM orders_execution WHERE status = 'RUNNING'
"""


def query(sql: str) -> tuple:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone() if cursor.description else ()


def place(orders: int, sells: str) -> None:
    """Place orders for a hundred customers in turn."""
    from orders.sales import NewOrder, place_order  # noqa: PLC0415 (settings are there only now)
    from partners.callers import Caller  # noqa: PLC0415

    caller = Caller(kind="staff", id="benchmark", door="command", is_staff=True)
    flights = query("SELECT array_agg(id) FROM flights_flight WHERE departs_at > now() + interval '2 days'")[0]
    for number in range(orders):
        customer = f"CUST{number % 100:03}"
        if sells == "booking":
            held = [hold(customer, flights[number % len(flights)], caller)]
            place_order(NewOrder(None, customer, {}, held), caller=caller)
        else:
            place_order(NewOrder(None, customer, {f"BENCHMARK{number % 100}": 1}), caller=caller)


def hold(customer: str, flight_id: UUID, caller: "Caller") -> UUID:
    """Hold a seat for somebody without a name, and return the booking's id."""
    from bookings.holds import Sale, hold_within  # noqa: PLC0415
    from bookings.parties import unnamed  # noqa: PLC0415
    from flights.offers import Wish  # noqa: PLC0415

    sale = Sale([Wish(flight_id=flight_id)], unnamed(1), None, None, customer)
    with transaction.atomic():
        return hold_within(sale, actor=caller, at=timezone.now()).booking.id


def await_running(most: int) -> None:
    """Wait until at most so many executions run."""
    until = time.monotonic() + PATIENCE_SECONDS
    while query("SELECT count(*) FROM orders_execution WHERE status = 'RUNNING'")[0] > most:
        if time.monotonic() > until:
            sys.exit(f"The worker does not finish: {query(UNFINISHED)}")
        time.sleep(0.1)


@contextmanager
def running_worker(pool: str, concurrency: int, home: Path) -> Iterator[set[int]]:
    """Start a worker and beat, give the worker's process id, and stop both."""
    commands = {
        "worker": worker_command(pool=pool, concurrency=concurrency),
        "beat": beat_command(home / "schedule"),
    }
    children = [
        Child(name, [sys.executable, *command], home / f"{name}.log", directory=PROJECT)
        for name, command in commands.items()
    ]
    try:
        for child in children:
            child.start()
        yield {child.process.pid for child in children[:1] if child.process}
    finally:
        stop_children(children, 10)


def measure(options: argparse.Namespace, home: Path) -> None:
    postgres = cpu.listeners(urlsplit(os.environ["DATABASE_URL"]).port or 0)
    place(options.orders + WARM_UP, options.sells)
    with running_worker(options.pool, options.concurrency, home) as worker:
        await_running(options.orders)
        roots = {"worker": worker, "postgresql": postgres}
        before = {name: cpu.seconds_of(pids) for name, pids in roots.items()}
        [left], began = query("SELECT count(*) FROM orders_execution WHERE status = 'RUNNING'"), time.monotonic()
        await_running(0)
        seconds = time.monotonic() - began
        spent = {name: cpu.seconds_of(pids) - before[name] for name, pids in roots.items()}
    [failed] = query("SELECT count(*) FROM orders_execution WHERE status <> 'SUCCEEDED'")
    cost = ", ".join(f"{name} {1000 * value / left:.1f}" for name, value in spent.items())
    print(
        f"{options.sells}, {options.pool} {options.concurrency}: {left} executions in {seconds:.1f} s, "
        f"{failed} failed, {left / seconds:.1f} a second; CPU in ms each: {cost}"
    )
    print("\n".join(lines_of([Goal("orders completed a second by one worker", left / seconds, 100, 100, True)])))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks.workflow", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--orders", type=int, default=1000)
    parser.add_argument("--sells", default="product", choices=("product", "booking"))
    parser.add_argument("--pool", default="threads", choices=("threads", "prefork"))
    parser.add_argument("--concurrency", type=int, default=4)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that what was started is stopped
    with own_server(DAYS * FLIGHTS_A_DAY) as home:
        measure(options, home)


if __name__ == "__main__":
    main()
