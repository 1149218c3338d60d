"""A flight with another aircraft: who stays, who has to go, and who loses a seat."""

import pytest
from django.utils import timezone

from flights.models import Flight
from orders.disruption import services as disruption
from orders.disruption.planning import Change
from orders.exceptions import UnknownCabin
from orders.models import DisruptedBooking
from tests.bookings.sales import book, confirmed, counters, query, refused
from tests.concurrency.racing import verify_invariants
from tests.orders import shop
from tests.orders.disrupting import STAFF, choose, flights_of, later, path_of, statuses
from ticketing.models import Coupon

pytestmark = pytest.mark.django_db


def change_aircraft(flight: Flight, **cabins: int) -> dict:
    change = Change("aircraft", "technical", aircraft_type="A319", cabins=cabins)
    return disruption.disrupt(flight.pk, change, actor=STAFF, at=timezone.now())


def test_a_smaller_aircraft_sends_the_last_away(acme, flight):
    after = later(flight)
    kept, gone = confirmed(acme, flight, seats=4), confirmed(acme, flight, seats=2)
    change_aircraft(flight, Y=5)
    assert flights_of(kept)[0][0] == flight.pk
    assert {row[0] for row in flights_of(gone)} == {after.pk}
    assert counters(flight) == {"sold": 4, "held": 0, "free": 1}
    assert statuses() == {gone["booking_id"]: "rebooked"}
    verify_invariants()


def test_who_waits_for_another_flight_keeps_a_place(acme, staff, flight):
    kept, gone = confirmed(acme, flight, seats=4), confirmed(acme, flight, seats=2)
    done = change_aircraft(flight, Y=5)
    assert change_aircraft(flight, Y=5) == done
    assert counters(flight) == {"sold": 6, "held": 0, "free": 0}
    assert choose(acme, gone, "refund").status_code == 200
    assert counters(flight) == {"sold": 4, "held": 0, "free": 1}
    assert acme.get(f"/api/v1/bookings/{kept['booking_id']}").json()["status"] == "confirmed"
    verify_invariants()


def test_holds_go_before_passengers(acme, flight):
    booking, held = confirmed(acme, flight, seats=4), book(acme, flight, seats=3)
    change_aircraft(flight, Y=5)
    assert acme.get(f"/api/v1/bookings/{held['booking_id']}").json()["status"] == "canceled"
    assert statuses() == {}
    assert flights_of(booking)[0][0] == flight.pk


def test_a_larger_aircraft_has_more_seats(flight):
    change_aircraft(flight, Y=150)
    assert counters(flight) == {"sold": 0, "held": 0, "free": 150}


def test_seats_that_are_no_more_are_cleared(acme, flight):
    booking = confirmed(acme, flight)
    query("UPDATE ticketing_coupon SET seat = '49A'")
    change_aircraft(flight, Y=50)
    assert flights_of(booking) == [(flight.pk, None, "O")]
    verify_invariants()


def test_who_loses_a_seat_is_told(staff, acme, flight):
    booking, kept = confirmed(acme, flight, seats=2), confirmed(acme, flight)
    tickets = [ticket["ticket_id"] for ticket in (*booking["tickets"], *kept["tickets"])]
    for ticket_id, seat in zip(tickets, ("49A", "49B", "2A"), strict=True):
        Coupon.objects.filter(ticket=ticket_id).update(seat=seat)
    path = f"/api/v1/flights/{flight.pk}/disruptions"
    body = {"kind": "aircraft", "aircraft_type": "A319", "cabins": {"Y": 50}}
    previewed = staff.post(path, body | {"preview": True}).json()
    done = staff.post(path, body).json()
    assert done["outcome"] == previewed["outcome"]
    assert done["outcome"]["accepted"] == {"bookings": 1, "passengers": 2}
    [row] = acme.get(path_of(booking)).json()
    assert (row["status"], row["choices"], row["moves"][0]["lost_seats"]) == ("accepted", [], ["49A", "49B"])
    assert acme.get(path_of(kept)).json() == []
    before = shop.everything(), list(DisruptedBooking.objects.values())
    assert staff.post(path, body).json() == done
    assert (shop.everything(), list(DisruptedBooking.objects.values())) == before


@pytest.mark.parametrize(("more", "registration"), [({}, ""), ({"registration": "N1"}, "N1")])
def test_the_old_aircrafts_registration_goes(staff, flight, more, registration):
    Flight.objects.filter(pk=flight.pk).update(registration="N37419")
    body = {"kind": "aircraft", "aircraft_type": "A319", "cabins": {"Y": 90}} | more
    assert staff.post(f"/api/v1/flights/{flight.pk}/disruptions", body).status_code == 201
    assert Flight.objects.get(pk=flight.pk).registration == registration
    [seen] = staff.get(f"/api/v1/flights/{flight.pk}/disruptions").json()
    assert (seen["before"]["registration"], seen["after"]["registration"]) == ("N37419", registration)


@pytest.mark.parametrize(("status", "code"), [("cancelled", "flight_cancelled"), ("departed", "flight_departed")])
@pytest.mark.parametrize("preview", [True, False])
def test_no_aircraft_for_a_flight_that_does_not_leave(staff, acme, flight, status, code, preview):
    confirmed(acme, flight)
    Flight.objects.filter(pk=flight.pk).update(status=status)
    before = shop.everything(), list(Flight.objects.values())
    body = {"kind": "aircraft", "aircraft_type": "A319", "cabins": {"Y": 50}, "preview": preview}
    refused(staff.post(f"/api/v1/flights/{flight.pk}/disruptions", body), 409, code)
    assert (shop.everything(), list(Flight.objects.values())) == before


def test_a_cabin_without_a_fare_is_refused(flight):
    with pytest.raises(UnknownCabin):
        change_aircraft(flight, J=10, Y=50)
    assert counters(flight) == {"sold": 0, "held": 0, "free": 100}
