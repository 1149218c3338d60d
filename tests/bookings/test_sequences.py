"""Any sequence of operations on bookings keeps the seats right: looked at in SQL after every step."""

from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from bookings.expiry import sweep
from bookings.invariants import INVARIANTS
from bookings.models import Booking
from skybridge.invariants import examine
from tests import factories
from tests.bookings.sales import act, booking_body, change, let_hold_run_out, query
from tests.conftest import Api

PARTIES = st.sampled_from(
    [["ADT"], ["ADT"] * 3, ["ADT", "CHD"], ["ADT", "INF"], ["ADT", "ADT", "INF", "INS"], ["ADT"] * 9]
)
# Each flight's seats, as its tickets and holds explain them.
SEATS = """
SELECT c.capacity, c.sold, c.held, c.free,
    (SELECT count(*) FROM ticketing_coupon k JOIN ticketing_ticket t ON t.id = k.ticket_id
        JOIN bookings_booking b ON b.id = t.booking_id
        WHERE k.flight_id = c.flight_id AND k.takes_seat AND k.status = 'O' AND b.status = 'confirmed'),
    (SELECT count(*) FROM ticketing_coupon k JOIN ticketing_ticket t ON t.id = k.ticket_id
        JOIN bookings_booking b ON b.id = t.booking_id
        WHERE k.flight_id = c.flight_id AND k.takes_seat AND k.status = 'O' AND b.status = 'pending'),
    (SELECT COALESCE(sum(h.seats), 0) FROM flights_seathold h WHERE h.flight_cabin_id = c.id)
FROM flights_flightcabin c
"""


class Sales(RuleBasedStateMachine):
    """Three small flights: one on two days, and one back."""

    api: Api
    logged: set[str]
    bookings = Bundle("bookings")

    def __init__(self):
        super().__init__()
        self.undo = ExitStack()
        self.undo.enter_context(transaction.atomic())
        leaves = timezone.now() + timedelta(days=5)
        days = [leaves, leaves + timedelta(days=1)]
        self.days = [factories.flight(number=7, departs_at=day, seats=10) for day in days]
        self.flights = [*self.days, factories.flight("LAX", "JFK", seats=6)]

    def teardown(self):
        self.logged.update(action for (action,) in query("SELECT DISTINCT action FROM skybridge_event"))
        broken = {i.name: found.ids for i in INVARIANTS if (found := examine(i)).violations}
        transaction.set_rollback(True)
        self.undo.close()
        assert not broken

    def answered(self, response, *expected: int):
        assert response.status_code in expected, response.content
        return response

    @rule(target=bookings, party=PARTIES, places=st.sampled_from([[0], [1], [2], [0, 2], [2, 1]]))
    def book(self, party, places):
        body = booking_body(*(self.flights[place] for place in places), passengers=party)
        response = self.answered(self.api.post("/api/v1/bookings", body), 201, 409)
        return response.json() if response.status_code == 201 else None

    @rule(target=bookings, party=PARTIES, places=st.sampled_from([[0], [0, 2]]))
    def sell(self, party, places):
        booking = self.book(party, places)
        self.act(booking, "confirm")
        return booking

    @rule(target=bookings, seats=st.integers(1, 3))
    def book_in_two_steps(self, seats):
        empty = self.api.post("/api/v1/bookings", {}).json()
        self.answered(change(self.api, empty, flights=booking_body(self.days[0])["flights"], seats=seats), 200, 409)
        return empty

    @rule(booking=bookings, action=st.sampled_from(["confirm", "cancel", "refund", "refund"]))
    def act(self, booking, action):
        if booking:
            self.answered(act(self.api, booking, action), 200, 409)

    @rule(booking=bookings, seats=st.integers(1, 9))
    def change_seats(self, booking, seats):
        if booking:
            self.answered(change(self.api, booking, seats=seats), 200, 400, 409)

    @rule(booking=bookings, day=st.integers(0, 1), seats=st.sampled_from([None, None, 2]))
    def change_date(self, booking, day, seats):
        if booking:
            flight = self.days[day]
            fields = {"departureDate": str(flight.departure_date), "flightId": flight.designator}
            self.answered(change(self.api, booking, **fields, **({"seats": seats} if seats else {})), 200, 400, 409)

    @rule(
        booking=bookings, tickets=st.sets(st.integers(0, 3), max_size=2), places=st.sets(st.integers(0, 1), max_size=1)
    )
    def cancel_in_part(self, booking, tickets, places):
        """Quote it for whatever the booking has there now, and confirm the quote."""
        if not booking:
            return
        now = self.api.get(f"/api/v1/bookings/{booking['booking_id']}").json()
        body = {
            "ticket_ids": [ticket["ticket_id"] for n, ticket in enumerate(now["tickets"]) if n in tickets],
            "flights": [flight["event_id"] for n, flight in enumerate(now["flights"]) if n in places],
        }
        self.quote_and_confirm(booking, "cancellations", {name: ids for name, ids in body.items() if ids})

    @rule(booking=bookings, seats=st.integers(1, 4), day=st.integers(0, 1))
    def change_by_quote(self, booking, seats, day):
        if booking:
            flight = self.days[day]
            fields = {"departureDate": str(flight.departure_date), "flightId": flight.designator, "seats": seats}
            self.quote_and_confirm(booking, "changes", fields)

    def quote_and_confirm(self, booking, kind, body):
        path = f"/api/v1/bookings/{booking['booking_id']}/{kind}"
        quoted = self.answered(self.api.post(path, body), 201, 400, 409)
        if quoted.status_code == 201:
            self.answered(self.api.post(f"{path}/{quoted.json()['quote_id']}/confirm"), 200)

    @rule(booking=bookings)
    def run_out(self, booking):
        if booking:
            let_hold_run_out(booking["booking_id"])

    @rule()
    def sweep(self):
        sweep(at=timezone.now())

    @invariant()
    def seats_are_explained(self):
        for capacity, sold, held, free, sold_coupons, held_coupons, holds in query(SEATS):
            assert capacity == sold + held + free
            assert min(sold, held, free) >= 0
            assert sold == sold_coupons
            assert held == held_coupons == holds


@pytest.fixture
def machine(acme):
    Sales.api = acme
    Sales.logged = set()
    return Sales


def test_any_sequence_keeps_the_seats_right(machine):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=30,
            stateful_step_count=30,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_machine_can_do_everything(machine):
    """A machine that did nothing would prove nothing."""
    sales = machine()
    sales.act(sales.sell(["ADT", "INF"], [0, 2]), "refund")
    sales.change_seats(sales.book_in_two_steps(2), 3)
    sales.run_out(sales.book(["ADT"], [1]))
    sales.sweep()
    sales.change_date(sales.sell(["ADT"], [0]), 1, 2)
    sales.cancel_in_part(sales.sell(["ADT", "ADT"], [0, 2]), {0}, set())
    sales.seats_are_explained()
    sales.teardown()
    assert machine.logged >= {f"booking.{word}" for word in (*Booking.Status.values, "changed", "partly_canceled")}
    assert "coupon.exchanged" in machine.logged
