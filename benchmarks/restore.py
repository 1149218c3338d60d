"""How long backing up and restoring takes: `python -m skybridge.embedded.testing -- python -m benchmarks.restore`.

It makes orders by SQL (each with a booking of two passengers on one flight, a bag, ledger lines, events and a processed
execution), stores every version of them, restores them into a second database beside, and compares the dumps.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import django
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

ORDERS = """
CREATE TEMPORARY TABLE sale AS
SELECT n, uuidv7() AS order_id, uuidv7() AS booking_id, a.id AS agency_id, f.id AS flight_id,
    'agency:' || a.id || ':USD' AS account, now() - interval '1 hour' + n * interval '10 milliseconds' AS at
FROM generate_series(1, %(orders)s) AS n
JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place, count(*) OVER () AS flights FROM flights_flight) f
    ON f.place = 1 + n %% f.flights
CROSS JOIN (SELECT id FROM partners_agency LIMIT 1) a
"""
ROWS = (
    """INSERT INTO orders_product (product_id, name, category, price, currency, stock, on_sale)
    VALUES ('BAG', 'Bag', 'baggage', 35, 'USD', 1000000, true)""",
    """INSERT INTO partners_account (code, kind, agency_id, customer_id, currency, balance, created_at)
    SELECT account, 'agency', agency_id, '', 'USD', 535 * count(*), now() FROM sale GROUP BY account, agency_id
    UNION ALL SELECT name || ':USD', name, NULL, '', 'USD', 0, now() FROM unnest('{sales,taxes}'::text[]) AS name""",
    """INSERT INTO orders_order (id, agency_id, customer_id, status, currency, total_amount, refunded_amount,
        payment_method, contact_email, version, created_at, updated_at)
    SELECT order_id, agency_id, 'C' || n, 'processing', 'USD', 535, 0, 'account', '', 0, at, at FROM sale""",
    """INSERT INTO bookings_booking (id, locator, status, agency_id, user_id, order_id, seats, currency, total_amount,
        refunded_amount, version, created_at, updated_at)
    SELECT booking_id, upper(lpad(to_hex(n), 6, 'G')), 'confirmed', agency_id, 'C' || n, order_id, 2, 'USD', 500, 0, 3,
        at, at FROM sale""",
    """INSERT INTO orders_orderitem (order_id, position, product_id, booking_id, is_change, description, quantity,
        price)
    SELECT order_id, 1, NULL, booking_id, false, 'Booking', 1, 500 FROM sale
    UNION ALL SELECT order_id, 2, 'BAG', NULL, false, 'Bag', 1, 35 FROM sale""",
    """INSERT INTO ticketing_ticket (id, booking_id, position, passenger_type, surname, given_name, title, number,
        issued_at, is_superseded, created_at)
    SELECT uuidv7(), booking_id, p, 'ADT', 'Passenger', 'Pat', '', '999' || nextval('ticketing_serial'), at, false, at
    FROM sale, generate_series(1, 2) AS p""",
    """INSERT INTO ticketing_coupon (id, ticket_id, sequence, flight_id, cabin, status, takes_seat, fare_basis,
        currency, fare_amount, taxes, total_amount)
    SELECT uuidv7(), t.id, 1, s.flight_id, 'Y', 'O', true, 'YXOW', 'USD', 200,
        '[{"code": "US", "amount": "15.00"}, {"code": "XF", "amount": "35.00"}]', 250
    FROM sale s JOIN ticketing_ticket t ON t.booking_id = s.booking_id""",
    """INSERT INTO partners_ledgerentry (posting_id, at, kind, account_id, amount, currency, order_id, reference)
    SELECT order_id, at, 'sale', leg.code, leg.amount, 'USD', order_id, ''
    FROM sale, LATERAL (VALUES (account, 535), ('sales:USD', -435), ('taxes:USD', -100)) AS leg (code, amount)""",
    """INSERT INTO orders_execution (order_id, status, state, attempt, losses, error, cause, redrive_count,
        last_event_id, started_at, stopped_at)
    SELECT order_id, 'SUCCEEDED', 'Notify', 0, 0, '', '', 0, 27, at, at FROM sale""",
    """INSERT INTO orders_executionevent (execution_id, event_id, type, at, state, details)
    SELECT order_id, e, 'TaskSucceeded', at, 'ConfirmBookings', '{"attempt": 1}'
    FROM sale, generate_series(1, 27) AS e""",
    """INSERT INTO skybridge_event (at, actor_kind, actor_id, door, action, subject_id, before, after, reason,
        request_id)
    SELECT at, 'agency', agency_id, 'api', action, CASE WHEN action LIKE 'order%' THEN order_id ELSE booking_id END,
        NULL, jsonb_build_object('status', CASE WHEN action LIKE 'order%' THEN 'processing' ELSE 'confirmed' END), '',
        'benchmark'
    FROM sale, unnest('{booking.pending,booking.confirmed,booking.ticketed,order.pending,order.processing,
        order.completed,execution.succeeded}'::text[]) AS action""",
    """UPDATE flights_flightcabin c SET sold = n.seats, free = capacity - n.seats
    FROM (SELECT flight_id, 2 * count(*) AS seats FROM sale GROUP BY 1) n
    WHERE n.flight_id = c.flight_id AND c.cabin = 'Y'""",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--versions", type=int, default=3, help="of each order")
    options = parser.parse_args()
    django.setup()
    call_command("migrate", verbosity=0)
    with timed(f"make {options.orders:,} orders"):
        make_orders(options.orders)
    back_up(options.orders, options.versions)
    before = command("dump_orders", "--sha256")
    os.environ["DATABASE_URL"] = another_database()
    command("migrate", "--verbosity", "0")
    for arguments in (["backup_verify", "--store-only"], ["restore_orders"], ["backup_verify"], ["verify_invariants"]):
        with timed(" ".join(arguments)):
            print(command(*arguments).splitlines()[-1])
    if command("dump_orders", "--sha256") != before:
        sys.exit("The dumps differ.")
    print(f"The dumps are the same: {before}")


def make_orders(count: int) -> None:
    fill, add_agency = loaded("fill", "add_agency")
    fill(max(count // 50, 1000))
    add_agency("Benchmark")
    with connection.cursor() as cursor:
        cursor.execute(ORDERS, {"orders": count})
        for statement in ROWS:
            cursor.execute(statement)
        cursor.execute("VACUUM ANALYZE")


def back_up(orders: int, versions: int) -> None:
    backups, Order = loaded("backups", "Order")
    with timed(f"keep {versions * orders:,} versions"):
        for version in range(1, versions + 1):
            Order.objects.update(version=version)
            for order_id in Order.objects.values_list("pk", flat=True).iterator():
                backups.keep(order_id, at=timezone.now())
    with timed(f"store {versions * orders:,} versions"):
        while backups.drain(at=timezone.now()):
            pass
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def loaded(*names: str) -> list:
    """Return what can be imported only after django.setup()."""
    from benchmarks.fill import add_agency, fill  # noqa: PLC0415
    from orders import backups  # noqa: PLC0415
    from orders.models import Order  # noqa: PLC0415

    known = {"fill": fill, "add_agency": add_agency, "backups": backups, "Order": Order}
    return [known[name] for name in names]


def another_database() -> str:
    """Make an empty database on the same server, and return its URL."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE restored")
    return urlsplit(os.environ["DATABASE_URL"])._replace(path="/restored").geturl()


def command(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "manage.py", *arguments], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return done.stdout.strip()


@contextmanager
def timed(label: str) -> Iterator[None]:
    began_at = time.monotonic()
    yield
    print(f"{label:<32} {time.monotonic() - began_at:8.1f} s", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skybridge.settings")
    main()
