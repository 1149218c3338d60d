"""Show that a list of a million rows is exported in constant memory.

    python -m skybridge.embedded.testing -- python -m benchmarks.exports --rows 1000000

Prints for CSV and XLSX the rows per second, the size, the time to the first byte and the most memory before and after.
"""

import argparse
import logging
import os
import resource
import time

import django
from django.db import connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skybridge.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402

FILL = """
INSERT INTO skybridge_event (at, actor_kind, actor_id, door, action, subject_id, reason, request_id)
SELECT now() - n * interval '1 second', 'agency', md5(n::text), 'api', 'booking.confirmed', gen_random_uuid(),
    CASE n %% 10 WHEN 0 THEN '=1+1' ELSE 'as asked' END, md5(n::text)
FROM generate_series(1, %s) AS n
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure exports.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    logging.disable(logging.INFO)
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(FILL, [rows])
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create_superuser("head"))
    client.get("/admin/skybridge/event/")
    for kind in ("csv", "xlsx"):
        measure(client, kind, rows)


def measure(client: Client, kind: str, rows: int) -> None:
    before, started = most_megabytes(), time.perf_counter()
    pieces = iter(client.get(f"/admin/skybridge/event/export.{kind}").streaming_content)
    size, first = len(next(pieces)), time.perf_counter() - started
    size += sum(len(piece) for piece in pieces)
    seconds = time.perf_counter() - started
    print(
        f"{kind}: {rows:,} rows in {seconds:.1f} s, {rows / seconds:,.0f} rows/s, {size / 1e6:.0f} MB, "
        f"first byte after {first:.1f} s, most memory {before:.0f} MB before and {most_megabytes():.0f} MB after"
    )


def most_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    main()
