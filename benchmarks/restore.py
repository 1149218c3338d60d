"""How long backing up and restoring takes: `python -m skybridge.embedded.testing -- python -m benchmarks.restore`.

It makes orders by SQL (`benchmarks/sales.py`), stores every version of them, restores them into a second database
beside, and compares the dumps.
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
    """Sell so many orders, which have no backups yet."""
    fill, add_products, sell, Volume = loaded("fill", "add_products", "sell", "Volume")
    fill(max(count // 50, 1000))
    add_products()
    sell(Volume(count, count))
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE orders_backup")


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
    from benchmarks.fill import add_products, fill  # noqa: PLC0415
    from benchmarks.sales import Volume, sell  # noqa: PLC0415
    from orders import backups  # noqa: PLC0415
    from orders.models import Order  # noqa: PLC0415

    known = {"fill": fill, "add_products": add_products, "sell": sell, "Volume": Volume}
    known |= {"backups": backups, "Order": Order}
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
