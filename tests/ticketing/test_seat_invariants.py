"""Each invariant of seats holds on flights in use, and is found when it is broken behind the application's back."""

from datetime import timedelta

import pytest
from django.utils import timezone

from skybridge.invariants import examine
from tests import factories
from tests.bookings.sales import change, confirmed, query
from tests.ticketing.seating import choose, seat_all, tickets_of
from ticketing.invariants import INVARIANTS
from ticketing.models import Coupon, Ticket
from ticketing.passes import issue_pass

pytestmark = pytest.mark.django_db

# What breaks each invariant, constraints that stand in the way first.
BROKEN_BY = {
    "seats_are_taken_once": [
        "DROP INDEX seat_once",
        "UPDATE ticketing_coupon SET seat = '8A' WHERE seat IS NOT NULL",
    ],
    "lap_infants_have_no_seat": ["UPDATE ticketing_coupon SET seat = '30F' WHERE NOT takes_seat"],
    "seats_have_row_and_letter": ["UPDATE ticketing_coupon SET seat = 'A9' WHERE seat = '9A'"],
    "good_passes_show_the_seat": ["UPDATE ticketing_coupon SET seat = '30F' WHERE seat = '9A'"],
}


@pytest.fixture
def in_use(acme, flight):
    """A family with seats, one of them on a boarding pass, and a booking that has moved away."""
    family = confirmed(acme, flight, passengers=["ADT", "CHD", "INF"])
    choose(acme, tickets_of(family)[0], "9A")
    seat_all(acme, family, flight)
    Ticket.objects.update(surname="Lovelace", given_name="Ada")
    Coupon.objects.filter(seat="9A").update(status="C")
    issue_pass(Coupon.objects.get(seat="9A"), sequence_number=1, at=timezone.now())
    later = factories.flight(number=123, departs_at=flight.departs_at + timedelta(days=1))
    moved = confirmed(acme, flight)
    seat_all(acme, moved, flight)
    change(acme, moved, departureDate=str(later.departure_date))


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda invariant: invariant.name)
def test_an_invariant_holds_and_is_found_when_it_is_broken(in_use, invariant):
    assert examine(invariant).violations == 0
    for statement in BROKEN_BY[invariant.name]:
        query(statement)
    assert examine(invariant).violations > 0
