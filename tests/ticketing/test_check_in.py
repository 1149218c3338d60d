"""Check-in: what it does, what it needs, and every refusal with its code and nothing changed."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from orders.checkin import check_in_booking, check_in_order
from partners.callers import Caller
from tests import factories
from tests.bookings.sales import confirmed

pytestmark = pytest.mark.django_db
STAFF = Caller(kind="staff", id="1", door="api", is_staff=True)
ADA = {"surname": "Lovelace", "given_name": "Ada"}


@pytest.fixture
def flight(db):
    return factories.flight("JFK", "LAX", carrier="FL", number=123, departs_at=timezone.now() + timedelta(hours=5))


def test_thin(acme, flight, django_assert_max_num_queries):
    booking = confirmed(acme, flight, passengers=[ADA, ADA])
    at = timezone.now()
    with django_assert_max_num_queries(60) as captured:
        done = check_in_booking(UUID(booking["booking_id"]), caller=STAFF, at=at)
    print(len(captured), "\n".join(q["sql"][:150] for q in captured.captured_queries))
    print([(p.sequence_number, p.seat, p.barcode) for p in done.passes])
    assert [p.sequence_number for p in done.passes] == [1, 2]
    again = check_in_order(booking["order_id"], caller=STAFF, at=at)
    assert again.passes == done.passes
