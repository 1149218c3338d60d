"""Few bookings have a rare status: lists find them by their own index, though their statement's plan is kept."""

import re
from itertools import count

import pytest
from django.db import connection
from django.utils import timezone

from bookings.models import Booking
from partners.callers import Caller

STAFF = Caller("staff", "1", "api", is_staff=True)
AGENCY = Caller("agency", "1", "api", agency_id="01a1ffd3-5602-75ce-b846-7d1f17bf9242")


@pytest.mark.django_db
@pytest.mark.parametrize("caller", [STAFF, AGENCY], ids=["staff", "agency"])
@pytest.mark.parametrize("status", ["created", "refunded"])
def test_a_kept_plan_takes_the_index_of_rare_statuses(status, caller):
    rows = Booking.objects.matching({"status": status}, timezone.now()).visible_to(caller).order_by("-pk")[:21]
    sql, _ = rows.query.get_compiler(connection=connection).as_sql()
    numbers = count(1)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (GENERIC_PLAN) {re.sub('%s', lambda _: f'${next(numbers)}', sql)}")
        assert "booking_rare" in "\n".join(line for (line,) in cursor.fetchall())
