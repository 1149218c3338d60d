"""Each invariant of seats and check-in holds in use, and is found when it is broken behind the application's back."""

from datetime import timedelta

import pytest

from skybridge.invariants import examine
from tests import factories
from tests.bookings.sales import change, query
from tests.ticketing.desk import check_in_group, sold, soon
from tests.ticketing.seating import choose, seat_all, tickets_of
from ticketing.invariants import INVARIANTS

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
    "checked_in_have_a_pass": ["UPDATE ticketing_boardingpass SET ended_at = now()"],
    "good_passes_are_of_checked_in": ["UPDATE ticketing_coupon SET status = 'O' WHERE seat = '9A'"],
    "checked_in_have_a_seat": ["UPDATE ticketing_coupon SET seat = NULL WHERE seat = '9A'"],
    "sequence_numbers_are_drawn": ["UPDATE ticketing_departure SET last_sequence_number = 0"],
    "bags_travel_with_passengers": ["UPDATE ticketing_coupon SET status = 'O' WHERE seat = '9A'"],
}


@pytest.fixture
def in_use(acme):
    """A family that is checked in with a bag, and a booking that has moved away."""
    flight = soon()
    family = sold(acme, flight, party="ADT CHD INF")
    choose(acme, tickets_of(family)[0], "9A")
    bags = [{"ticket_id": tickets_of(family)[0], "bags": [{"weight_kg": 20}]}]
    check_in_group(acme, family, passengers=bags)
    check_in_group(acme, family)
    later = factories.flight(number=flight.flight_number, departs_at=flight.departs_at + timedelta(days=1))
    moved = sold(acme, flight)
    seat_all(acme, moved, flight)
    change(acme, moved, departureDate=str(later.departure_date))


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda invariant: invariant.name)
def test_an_invariant_holds_and_is_found_when_it_is_broken(in_use, invariant):
    assert examine(invariant).violations == 0
    for statement in BROKEN_BY[invariant.name]:
        query(statement)
    assert examine(invariant).violations > 0
