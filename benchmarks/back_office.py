"""Show that the back office answers at once with a million bookings and orders.

    python -m skybridge.embedded.testing -- python -m benchmarks.back_office --rows 1000000   # 4 GB of disk

Each page is asked for through Django as a browser would, signed in, and read whole. Printed are the median and the
worst time, what of it was the database's, the processor time that it took here and in the database's process (which
other work on the machine changes less), and how many statements. Search is held to 200 ms, all else to 300 ms and 25
statements. `--checked-in` so many passengers, of all days, leave today.
"""

import argparse
import logging
import os
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import django
from django.db import connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skybridge.settings")
django.setup()

from django.contrib import admin  # noqa: E402
from django.contrib.admin.utils import quote  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import setup_test_environment, teardown_test_environment  # noqa: E402
from django.urls import reverse  # noqa: E402

from benchmarks.fill import add_products, fill  # noqa: E402
from benchmarks.sales import Volume, sell  # noqa: E402
from bookings.models import Booking  # noqa: E402
from flights.models import Flight  # noqa: E402
from orders import dashboard_sales  # noqa: E402
from orders.models import Order  # noqa: E402
from orders.tasks import keep_dashboard  # noqa: E402
from ticketing.models import Coupon, Ticket  # noqa: E402

REPETITIONS = 15
FIND_MS, PAGE_MS, STATEMENTS = 200, 300, 25


def load(rows: int) -> None:
    """Sell so many bookings, each on an order of its own, from two years ago to this minute."""
    if not Flight.objects.exists():
        fill(50_000)
        add_products()
    sell(Volume(rows, rows))


CHECKED_IN = """
WITH today AS (
    SELECT id, row_number() OVER (ORDER BY id) - 1 AS n, count(*) OVER () AS flights FROM flights_flight
    WHERE departs_at >= date_trunc('day', now(), 'UTC')
        AND departs_at < date_trunc('day', now(), 'UTC') + interval '1 day'
), passenger AS (
    SELECT id, row_number() OVER () AS n FROM ticketing_coupon WHERE status = 'O' ORDER BY md5(id::text) LIMIT %s
)
UPDATE ticketing_coupon k SET status = 'C', checked_in_at = now(), flight_id = today.id
FROM passenger, today WHERE k.id = passenger.id AND today.n = passenger.n %% today.flights
"""


def check_in(passengers: int) -> None:
    """Let so many passengers, of all ages of bookings, have checked in for today's flights."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(CHECKED_IN, [passengers])
        cursor.execute("RESET ALL")


def samples(model, columns: str, count: int = 200) -> list[tuple]:
    """Return the columns of some rows, of all ages."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {model._meta.db_table} TABLESAMPLE BERNOULLI (1) LIMIT {count}")
        return cursor.fetchall()


def searches() -> dict[str, Callable[[], str]]:
    """Return what is typed into the search box of every page, another one each time."""
    locators, tickets = samples(Booking, "locator"), samples(Ticket, "number, surname, given_name")
    orders, flights = samples(Order, "id, customer_id"), samples(Flight, "carrier_id, flight_number, departure_date")
    coupons = samples(Coupon, "id")

    def designator() -> str:
        carrier, number, _ = random.choice(flights)
        return f"{carrier}{number}"

    def flight_and_date() -> str:
        carrier, number, day = random.choice(flights)
        return f"{carrier}{number} {day}"

    def named(pattern: str) -> str:
        _, surname, given_name = random.choice(tickets)
        return pattern.format(surname=surname.upper(), given_name=given_name, start=surname[:4].lower())

    return {
        "locator": lambda: random.choice(locators)[0],
        "ticket number": lambda: random.choice(tickets)[0],
        "surname": lambda: named("{surname}"),
        "surname/given name": lambda: named("{surname}/{given_name}"),
        "given name surname": lambda: named("{given_name} {surname}"),
        "beginning of a rare name": lambda: named("{start}"),
        "beginning of every third name": lambda: random.choice(["mul", "smi"]),
        "two letters": lambda: random.choice(["mu", "sm", "ab"]),
        "name that nobody has": lambda: f"qqq{random.randrange(999)}xyz",
        "order id": lambda: str(random.choice(orders)[0]),
        "coupon id": lambda: str(random.choice(coupons)[0]),
        "execution ARN": lambda: f"arn:aws:states:us-east-1:123456789012:execution:O:{random.choice(orders)[0]}",
        "beginning of an address": lambda: f"person{random.randrange(100)}@",
        "address": lambda: f"Person{random.randrange(300_000)}@Example.com",
        "address that nobody has": lambda: f"nobody{random.randrange(1000)}@",
        "customer": lambda: random.choice(orders)[1],
        "flight and date": flight_and_date,
        "flight": designator,
        "date": lambda: str(random.choice(flights)[2]),
        "agency": lambda: f"agency {random.randrange(1, 200):03}",
    }


class Cost(NamedTuple):
    """What a page costs: its median and worst time, the database's part, processor time (ms), and statements."""

    median: float
    worst: float
    database: float
    processor: float
    statements: int


def processor_ms(backend: int) -> float:
    """Return the processor time so far of this process and of the database's that serves it."""
    nanoseconds = Path(f"/proc/{backend}/schedstat").read_text().split()[0]
    return 1000 * time.process_time() + int(nanoseconds) / 1e6


def measure(client: Client, path_of: Callable[[], str], repetitions: int) -> Cost:
    client.get(path_of())  # the first one compiles the templates
    spent: list[float] = []

    def timed(execute, *arguments):
        begun = time.perf_counter()
        try:
            return execute(*arguments)
        finally:
            spent.append(1000 * (time.perf_counter() - begun))

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    times, used = [], processor_ms(backend)
    with connection.execute_wrapper(timed):
        for _ in range(repetitions):
            path, begun = path_of(), time.perf_counter()
            response = client.get(path)
            times.append(1000 * (time.perf_counter() - begun))
            assert response.status_code in (200, 302), path
    used = (processor_ms(backend) - used) / repetitions
    median = statistics.median(times)
    return Cost(median, max(times), sum(spent) / repetitions, used, round(len(spent) / repetitions))


def report(client: Client, name: str, path_of: Callable[[], str], limit: float, repetitions: int) -> None:
    cost = measure(client, path_of, repetitions)
    mark = "" if cost.worst <= limit and cost.statements <= STATEMENTS else "   <-- more than allowed"
    columns = "".join(f"{ms:8.1f} ms" for ms in cost[:4])
    print(f"{name:58}{columns}{cost.statements:4}{mark}", flush=True)


def report_home(client: Client, repetitions: int) -> None:
    """Report the dashboard as the beat keeps it, in a process that begins, and when nothing was kept."""

    def beginning() -> str:
        dashboard_sales.bookings.forget()
        dashboard_sales.revenue.forget()
        return "/admin/"

    report(client, "home: nothing is kept by the beat", beginning, PAGE_MS, repetitions)
    keep_dashboard()
    report(client, "home: the dashboard", lambda: "/admin/", PAGE_MS, repetitions)
    keep_dashboard()
    report(client, "home: in a process that begins", beginning, PAGE_MS, repetitions)


def pages_of(name: str, client: Client) -> dict[str, str]:
    """Return a list, its filters, its last page that can be turned to, and a thing's page and history."""
    path = reverse(f"admin:{name}_changelist")
    setup_test_environment()  # responses tell what their templates were given, which takes as long as the page itself
    changelist = client.get(path).context["cl"]
    teardown_test_environment()
    found = {name: path, f"{name}, last page": f"{path}?p={changelist.paginator.num_pages}"}
    for spec in changelist.filter_specs:
        for choice in list(spec.choices(changelist))[1:9]:
            found[f"{name}, {spec.title}: {choice['display']}"] = path + choice["query_string"]
    if changelist.result_list:
        key = quote(changelist.result_list[0].pk)
        found[f"{name}, one"] = reverse(f"admin:{name}_change", args=[key])
        found[f"{name}, history"] = reverse(f"admin:{name}_history", args=[key])
    return found


def list_searches() -> dict[str, str]:
    locator, order = samples(Booking, "locator")[0][0], samples(Order, "id")[0][0]
    number, surname = samples(Ticket, "number, surname")[0]
    return {
        "bookings by locator": f"/admin/bookings/booking/?q={locator}",
        "bookings by name": f"/admin/bookings/booking/?q={surname}",
        "bookings by a name of many": "/admin/bookings/booking/?q=smi",
        "bookings by ticket": f"/admin/bookings/booking/?q={number}",
        "bookings by agency": "/admin/bookings/booking/?q=Agency 017",
        "bookings by nothing": "/admin/bookings/booking/?q=nothing",
        "tickets by number": f"/admin/ticketing/ticket/?q={number}",
        "coupons by ticket": f"/admin/ticketing/coupon/?q={number}",
        "orders by id": f"/admin/orders/order/?q={order}",
        "orders by customer": "/admin/orders/order/?q=customer-17",
        "orders by nothing": "/admin/orders/order/?q=nothing",
        "executions by order": f"/admin/orders/execution/?q={order}",
        "payments by order": f"/admin/partners/payment/?q={order}",
        "ledger by order": f"/admin/partners/ledgerentry/?q={order}",
        "ledger by account of many": "/admin/partners/ledgerentry/?q=sales:USD",
        "events by subject": f"/admin/skybridge/event/?q={order}",
        "backups by order": f"/admin/orders/backup/?q={order}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", default="", help="measure only what has this in its name")
    parser.add_argument("--times", type=int, default=REPETITIONS, help="how often each page is asked for")
    parser.add_argument("--checked-in", type=int, default=0, help="passengers of today who have checked in")
    options = parser.parse_args()
    random.seed(1)
    logging.disable(logging.INFO)
    call_command("migrate", verbosity=0)
    if not Booking.objects.exists():
        load(options.rows)
    if options.checked_in:
        check_in(options.checked_in)
    client = Client()
    client.force_login(User.objects.get_or_create(username="benchmark", is_staff=True, is_superuser=True)[0])
    columns = "median, worst, database's, processor, statements"
    print(f"{Booking.objects.count():,} bookings; {options.times} times each: {columns}")
    if options.only in "home":
        report_home(client, options.times)
    for name, text_of in searches().items():
        if options.only in name:
            report(
                client, f"find: {name}", lambda text_of=text_of: f"/admin/find/?q={text_of()}", FIND_MS, options.times
            )
    for name, path in list_searches().items():
        if options.only in name:
            report(client, f"list: {name}", lambda path=path: path, PAGE_MS, options.times)
    for model in admin.site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        if options.only in name:
            for words, path in pages_of(name, client).items():
                report(client, words, lambda path=path: path, PAGE_MS, options.times)


if __name__ == "__main__":
    main()
