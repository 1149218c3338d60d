"""Passengers who are checked in: seats, sequence numbers and signed passes for those of `benchmarks/sales.py`."""

from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.utils import timezone

from ticketing.models import BoardingPass
from ticketing.passes import new_pass, printable

BATCH = 1000
NUMBERED = """
CREATE TEMPORARY TABLE checked_in AS
SELECT coupon_id, flight_id, row_number() OVER (PARTITION BY flight_id ORDER BY n, position) AS number
FROM passenger WHERE kind = 'boarding'
"""
COUPONS = """
UPDATE ticketing_coupon k SET status = 'C', checked_in_at = now(),
    seat = (1 + (c.number - 1) / 6) || substr('ABCDEF', 1 + ((c.number - 1) % 6)::int, 1)
FROM checked_in c WHERE c.coupon_id = k.id
"""
DEPARTURES = """
INSERT INTO ticketing_departure (flight_id, last_sequence_number, gate)
SELECT flight_id, max(number), '7' FROM checked_in GROUP BY 1
"""


def check_in() -> None:
    """Check everybody in. The passes are signed with the key of this process's settings."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for statement in (NUMBERED, COUPONS, DEPARTURES):
            cursor.execute(statement)
        cursor.execute("SELECT coupon_id, number FROM checked_in ORDER BY coupon_id")
        numbers: dict[UUID, int] = dict(cursor.fetchall())
        ids, at = list(numbers), timezone.now() - timedelta(hours=1)
        for first in range(0, len(ids), BATCH):
            coupons = printable(ids[first : first + BATCH])
            BoardingPass.objects.bulk_create([new_pass(coupon, numbers[coupon.pk], at) for coupon in coupons])
        cursor.execute("RESET ALL")
    print(f"  {'boarding passes':26}{len(ids):>12,} rows", flush=True)
