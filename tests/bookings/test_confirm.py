"""Confirming sells the held seats and issues the tickets."""

from datetime import timedelta

import pytest
from django.utils import timezone

from bookings.tasks import expire_holds
from flights.models import Carrier
from orders.recording import write_confirmed_order
from tests import factories
from tests.bookings.sales import act, actions_logged, book, change, counters, database, let_hold_run_out, query, refused


def test_confirm_sells_the_seats_and_issues_the_tickets(acme, flight):
    response = act(acme, book(acme, flight, passengers=["ADT", "INF"]), "confirm")
    booking = response.json()
    assert response.status_code == 200
    assert (booking["status"], booking["expires_at"]) == ("confirmed", None)
    assert [ticket["status"] for ticket in booking["tickets"]] == ["issued", "issued"]
    assert all(ticket["issued_at"] for ticket in booking["tickets"])
    assert counters(flight) == {"sold": 1, "held": 0, "free": 99}
    assert actions_logged(booking) == ["booking.pending", "booking.confirmed"]
    assert query("SELECT count(*) FROM flights_seathold") == [(0,)]


def test_ticket_numbers_have_13_digits_and_begin_with_the_carrier_s_accounting_code(acme, flight):
    Carrier.objects.filter(pk="FL").update(accounting_code="417")
    onward = factories.flight("LAX", "SFO", carrier="ZZ")
    booking = act(acme, book(acme, flight, onward, seats=3), "confirm").json()
    numbers = [ticket["number"] for ticket in booking["tickets"]]
    assert all(len(number) == 13 and number.isdigit() and number.startswith("417") for number in numbers)
    assert len(set(numbers)) == 3


def test_a_carrier_without_accounting_code_has_the_airline_s(acme, flight, settings):
    settings.ACCOUNTING_CODE = "055"
    Carrier.objects.filter(pk="FL").update(accounting_code="")
    [ticket] = act(acme, book(acme, flight), "confirm").json()["tickets"]
    assert ticket["number"].startswith("055")


def test_confirming_again_answers_the_same_and_does_nothing(acme, flight):
    booking = book(acme, flight)
    first = act(acme, booking, "confirm")
    before = database()
    again = act(acme, booking, "confirm")
    assert (again.status_code, again.content) == (200, first.content)
    assert database() == before


@pytest.mark.parametrize("swept", [False, True])
def test_a_hold_that_ran_out_cannot_be_confirmed(acme, flight, swept):
    booking = book(acme, flight)
    let_hold_run_out(booking["booking_id"])
    if swept:
        expire_holds()
    before = database()
    response = act(acme, booking, "confirm")
    refused(response, 409, "hold_expired")
    assert (response.json()["booking_status"], response.json()["available_actions"]) == ("canceled", [])
    assert database() == before


def test_only_a_pending_booking_can_be_confirmed(acme, flight):
    empty = acme.post("/api/v1/bookings", {}).json()
    canceled = act(acme, book(acme, flight), "cancel").json()
    refunded = act(acme, act(acme, book(acme, flight), "confirm").json(), "refund").json()
    before = database()
    for booking, allowed in ((empty, ["cancel"]), (canceled, []), (refunded, [])):
        response = act(acme, booking, "confirm")
        refused(response, 409, "action_not_allowed")
        assert response.json()["booking_status"] == booking["status"]
        assert response.json()["available_actions"] == allowed == booking["available_actions"]
    assert database() == before


def test_each_action_that_is_listed_succeeds(acme, flight):
    made = [lambda: acme.post("/api/v1/bookings", {}).json(), lambda: book(acme, flight)]
    made.append(lambda: act(acme, made[1](), "confirm").json())
    listed = []
    for make in made:
        for action in make()["available_actions"]:
            assert act(acme, make(), action).status_code == 200
            listed.append(action)
    assert listed == ["cancel", "confirm", "cancel", "cancel", "refund"]


def test_nothing_can_be_done_once_the_flight_has_left(acme, flight):
    booking = act(acme, book(acme, flight), "confirm").json()
    flight.departs_at = timezone.now() - timedelta(minutes=1)
    flight.save(update_fields=["departs_at"])
    before = database()
    for action in ("cancel", "refund"):
        refused(act(acme, booking, action), 409, "action_not_allowed")
    assert acme.get(f"/api/v1/bookings/{booking['booking_id']}").json()["available_actions"] == []
    assert database() == before


def test_a_rival_s_booking_cannot_be_confirmed_and_is_not_there(acme, zenith, flight):
    booking = book(acme, flight)
    before = database()
    refused(act(zenith, booking, "confirm"), 404, "booking_not_found")
    assert database() == before


def test_a_stale_version_is_refused(acme, flight):
    booking = book(acme, flight)
    path = f"/api/v1/bookings/{booking['booking_id']}"
    etag = acme.get(path)["ETag"]
    assert acme.patch(path, {"passengers": [{"surname": "Hopper"}]}).status_code == 200
    before = database()
    refused(acme.post(f"{path}/confirm", If_Match=etag), 412, "stale_version")
    assert database() == before
    assert acme.post(f"{path}/confirm", If_Match=acme.get(path)["ETag"]).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_failure_halfway_leaves_the_booking_as_it_was(acme, flight):
    booking = book(acme, flight)
    before = database()
    query("SELECT setval('ticketing_serial', 9999999999)")  # no ticket number is left
    try:
        refused(act(acme, booking, "confirm"), 500, "internal_error")
    finally:
        query("SELECT setval('ticketing_serial', 2400000001)")
    assert database() == before


def test_a_booking_that_changes_while_it_is_confirmed_is_read_again(acme, flight, monkeypatch):
    booking = book(acme, flight)
    reads = []

    def change_first(order, view, *arguments, **more):
        if not reads:
            assert change(acme, booking, seats=2).status_code == 200
        reads.append(view.booking.seats)
        return write_confirmed_order(order, view, *arguments, **more)

    monkeypatch.setattr("orders.reservations.write_confirmed_order", change_first)
    assert act(acme, booking, "confirm").json()["seats"] == 2
    assert reads == [1, 2]
    assert counters(flight) == {"sold": 2, "held": 0, "free": 98}
