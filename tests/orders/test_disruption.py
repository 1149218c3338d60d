"""A disrupted flight: who is touched, who gets which flight, who has to choose, and what each choice does."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from flights.models import Flight
from orders.disruption import services as disruption
from orders.disruption.choices import refund_undecided
from orders.disruption.planning import Change
from orders.exceptions import FlightExists, UnknownCabin
from orders.models import DisruptedBooking, Disruption
from skybridge.events import Actor
from tests import factories
from tests.bookings.sales import book, booking_body, confirmed, counters, query, refused
from tests.concurrency.racing import verify_invariants
from tests.orders import shop
from tests.ticketing import desk
from ticketing.models import Bag, BoardingPass, Coupon, Departure

pytestmark = pytest.mark.django_db
TIMES = ("departs_at", "arrives_at")
STAFF = Actor("staff", "1", "api")


def later(flight: Flight, hours: float = 2, **fields: Any) -> Flight:
    """Make a flight of the same route some hours after another."""
    departs_at = flight.departs_at + timedelta(hours=hours)
    return factories.flight(flight.origin_id, flight.destination_id, departs_at=departs_at, **fields)


def cancel(*flights: Flight) -> dict:
    return disruption.cancel_flights([flight.pk for flight in flights], "storm", actor=STAFF, at=timezone.now())


def flights_of(booking: dict) -> list[tuple]:
    """Return flight, seat and status of a booking's live coupons."""
    sql = """SELECT k.flight_id, k.seat, k.status FROM ticketing_coupon k JOIN ticketing_ticket t ON t.id = k.ticket_id
        WHERE t.booking_id = %s AND k.status IN ('O', 'C', 'L', 'F') ORDER BY t.position, k.sequence"""
    return query(sql, booking["booking_id"])


def statuses() -> dict[str, str]:
    return {str(row.booking_id): row.status for row in DisruptedBooking.objects.order_by("pk")}


def total(flight: Flight) -> int:
    return counters(flight)["sold"]


# --- Cancelling ---


def test_a_cancelled_flights_passengers_get_the_next_one(acme, flight):
    first, second = later(flight, 2), later(flight, 4)
    booking = confirmed(acme, flight, passengers=["ADT", "CHD", "INF"])
    done = cancel(flight)
    assert (done["bookings"], done["passengers"]) == (1, 3)
    assert done["outcome"]["rebooked"] == {"bookings": 1, "passengers": 3}
    assert {row[0] for row in flights_of(booking)} == {first.pk}
    assert (total(flight), total(first), total(second)) == (0, 2, 0)
    assert Flight.objects.get(pk=flight.pk).status == "cancelled"
    verify_invariants()


def test_without_seats_they_wait(acme, flight):
    later(flight, 2, seats=1)
    later(flight, 80)
    booking = confirmed(acme, flight, seats=2)
    done = cancel(flight)
    assert done["outcome"]["waiting"] == {"bookings": 1, "passengers": 2}
    assert {row[0] for row in flights_of(booking)} == {flight.pk}
    verify_invariants()


def test_cancelling_again_changes_nothing(acme, flight):
    later(flight, 2, seats=2)
    for seats in (2, 1, 3):
        confirmed(acme, flight, seats=seats)
    book(acme, flight)
    done = cancel(flight)
    before = shop.everything(), list(Disruption.objects.values()), list(DisruptedBooking.objects.values())
    assert cancel(flight) == done
    assert (shop.everything(), list(Disruption.objects.values()), list(DisruptedBooking.objects.values())) == before
    verify_invariants()


def test_infants_children_and_seats_come_along(acme, flight):
    after = later(flight)
    booking = confirmed(acme, flight, passengers=["ADT", "INF"])
    query("UPDATE ticketing_coupon SET seat = '12A' WHERE takes_seat")
    cancel(flight)
    assert flights_of(booking) == [(after.pk, None, "O"), (after.pk, None, "O")]


def test_parties_stay_together(acme, flight):
    first, second = later(flight, 2, seats=3), later(flight, 4, seats=5)
    four, three = confirmed(acme, flight, seats=4), confirmed(acme, flight, seats=3)
    cancel(flight)
    assert {row[0] for row in flights_of(four)} == {second.pk}
    assert {row[0] for row in flights_of(three)} == {first.pk}


def test_the_fare_stays_as_it_was_paid(acme, flight):
    later(flight)
    booking = confirmed(acme, flight, seats=2)
    paid = query("SELECT sum(total_amount), min(fare_basis) FROM ticketing_coupon")
    lines = query("SELECT count(*) FROM partners_ledgerentry")
    cancel(flight)
    after = acme.get(f"/api/v1/bookings/{booking['booking_id']}").json()
    assert after["total_amount"] == booking["total_amount"]
    assert query("SELECT sum(total_amount), min(fare_basis) FROM ticketing_coupon") == paid
    assert query("SELECT count(*) FROM partners_ledgerentry") == lines


@pytest.fixture
def onward(flight):
    """A flight that leaves Los Angeles two hours after the first one arrives."""
    return factories.flight("LAX", "SEA", departs_at=flight.arrives_at + timedelta(hours=2))


def test_a_connection_that_is_made_stays(acme, flight, onward):
    after = later(flight, 1)
    booking = confirmed(acme, flight, onward)
    cancel(flight)
    assert [row[0] for row in flights_of(booking)] == [after.pk, onward.pk]


def test_a_connection_that_is_missed_is_moved_too(acme, flight, onward):
    after, evening = later(flight, 3), later(onward, 4)
    booking = confirmed(acme, flight, onward)
    done = cancel(flight)
    assert [row[0] for row in flights_of(booking)] == [after.pk, evening.pk]
    assert (total(onward), total(evening), done["outcome"]["rebooked"]["bookings"]) == (0, 1, 1)
    verify_invariants()


def test_without_an_onward_flight_all_of_it_waits(acme, flight, onward):
    later(flight, 3)
    booking = confirmed(acme, flight, onward)
    cancel(flight)
    assert [row[0] for row in flights_of(booking)] == [flight.pk, onward.pk]
    assert statuses() == {booking["booking_id"]: "waiting"}


def test_two_flights_of_a_booking_cancelled_at_once(acme, flight, onward):
    after, evening = later(flight, 3), later(onward, 4)
    booking = confirmed(acme, flight, onward)
    done = cancel(flight, onward)
    assert [row[0] for row in flights_of(booking)] == [after.pk, evening.pk]
    assert (done["flights"], done["bookings"], DisruptedBooking.objects.count()) == (2, 1, 2)
    verify_invariants()


def test_who_has_a_connection_chooses_first(acme, flight, onward):
    after = later(flight, 1, seats=1)
    alone, connecting = confirmed(acme, flight), confirmed(acme, flight, onward)
    cancel(flight)
    assert flights_of(connecting)[0][0] == after.pk
    assert statuses()[alone["booking_id"]] == "waiting"


def test_a_rebooked_flight_is_cancelled_too(acme, flight):
    first, second = later(flight, 2), later(flight, 4)
    booking = confirmed(acme, flight)
    cancel(flight)
    cancel(first)
    assert flights_of(booking)[0][0] == second.pk
    assert [row.status for row in DisruptedBooking.objects.order_by("pk")] == ["rebooked", "rebooked"]
    verify_invariants()


def test_nobody_buys_or_confirms_a_cancelled_flight(acme, flight):
    held = book(acme, flight)
    cancel(flight)
    refused(acme.post(f"/api/v1/bookings/{held['booking_id']}/confirm"), 409, "action_not_allowed")
    refused(acme.post("/api/v1/bookings", booking_body(flight)), 409, "flight_closed")
    assert counters(flight) == {"sold": 0, "held": 1, "free": 99}
    verify_invariants()


def test_who_has_checked_in_is_taken_off_first(acme, flight):
    after = later(flight)
    booking = confirmed(acme, flight)
    query("UPDATE ticketing_coupon SET status = 'C', seat = '12A', checked_in_at = now()")
    coupon = Coupon.objects.get()
    Departure.objects.create(flight=flight, last_sequence_number=1)
    BoardingPass.objects.create(
        coupon=coupon, flight=flight, sequence_number=1, seat="12A", barcode="M1", digest=b"1" * 32
    )
    Bag.objects.create(coupon=coupon, tag_number="0016123456", weight_kg=20)
    cancel(flight)
    assert flights_of(booking) == [(after.pk, None, "O")]
    assert BoardingPass.objects.get().end_reason == "flight_changed"
    assert Bag.objects.get().status == "removed"
    verify_invariants()


def test_the_number_of_statements_does_not_depend_on_the_bookings(acme, flight):
    def cost(made: Flight) -> int:
        with CaptureQueriesContext(connection) as captured:
            cancel(made)
        return len(captured)

    few, many = later(flight, 24), later(flight, 48)
    later(many, 2)
    confirmed(acme, few)
    for _ in range(5):
        confirmed(acme, many, seats=2)
    costs = [cost(few), cost(many)]
    assert costs[0] == costs[1]


# --- Delaying and retiming ---


def move(flight: Flight, kind: str = "delay", **by: float) -> dict:
    shift = timedelta(**by)
    change = Change(kind, "de-icing", flight.departs_at + shift, flight.arrives_at + shift)
    return disruption.disrupt(flight.pk, change, actor=STAFF, at=timezone.now())


def test_a_short_delay_is_told(acme, flight):
    booking = confirmed(acme, flight)
    assert move(flight, hours=1)["outcome"]["accepted"]["bookings"] == 1
    now = Flight.objects.get(pk=flight.pk)
    assert (now.status, now.departs_at) == ("delayed", flight.departs_at + timedelta(hours=1))
    assert statuses() == {booking["booking_id"]: "accepted"}
    assert choices(acme, booking) == []
    verify_invariants()


def test_a_long_delay_leaves_a_choice(acme, flight):
    booking = confirmed(acme, flight)
    move(flight, hours=2)
    move(flight, hours=3)  # not two and three: three after the plan
    assert [row.status for row in DisruptedBooking.objects.order_by("pk")] == ["accepted", "waiting"]
    assert choices(acme, booking) == ["accept", "rebook", "refund"]
    assert flights_of(booking)[0][0] == flight.pk
    verify_invariants()


def test_a_delay_again_changes_nothing(acme, flight):
    confirmed(acme, flight)
    done = move(flight, hours=4)
    before = shop.everything(), list(Disruption.objects.values()), list(DisruptedBooking.objects.values())
    assert move(flight, hours=4) == done
    assert (shop.everything(), list(Disruption.objects.values()), list(DisruptedBooking.objects.values())) == before


def test_a_delay_breaks_a_connection(acme, flight, onward):
    evening = later(onward, 4)
    booking = confirmed(acme, flight, onward)
    move(flight, minutes=100)
    assert [row[0] for row in flights_of(booking)] == [flight.pk, evening.pk]
    assert statuses() == {booking["booking_id"]: "rebooked"}
    verify_invariants()


def test_a_delay_keeps_the_date_and_a_retiming_moves_it(acme, flight):
    delayed, retimed = later(flight, 1), later(flight, 1)
    move(delayed, hours=24)
    move(retimed, "retime", hours=24)
    days = {pk: Flight.objects.get(pk=pk).departure_date - flight.departure_date for pk in (delayed.pk, retimed.pk)}
    assert days[retimed.pk] - days[delayed.pk] == timedelta(days=1)
    assert Flight.objects.get(pk=retimed.pk).status == "scheduled"


def test_a_retiming_onto_the_same_number_is_refused(acme, flight):
    factories.flight(number=123, departs_at=flight.departs_at + timedelta(days=1))
    before = shop.everything()
    with pytest.raises(FlightExists):
        move(flight, "retime", days=1)
    assert shop.everything() == before


def test_a_longer_disruption_takes_the_place_of_one_that_waits(acme, flight):
    booking = confirmed(acme, flight)
    move(flight, hours=4)
    after = later(flight, 8)
    cancel(flight)
    assert [row.status for row in DisruptedBooking.objects.order_by("pk")] == ["superseded", "rebooked"]
    assert flights_of(booking)[0][0] == after.pk


# --- Another aircraft ---


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


# --- Choosing ---


def path_of(booking: dict) -> str:
    return f"/api/v1/bookings/{booking['booking_id']}/disruptions"


def choices(api, booking: dict) -> list[str]:
    return api.get(path_of(booking)).json()[0]["choices"]


def choose(api, booking: dict, choice: str, **more: Any):
    [first, *_] = api.get(path_of(booking)).json()
    return api.post(f"{path_of(booking)}/{first['disruption_id']}/choice", {"choice": choice, **more})


@pytest.fixture
def rebooked(acme, flight) -> dict:
    """A booking of two whose flight was cancelled and who have the next one."""
    later(flight, 2)
    booking = confirmed(acme, flight, seats=2)
    cancel(flight)
    return booking


def test_accepting_a_rebooking(acme, rebooked):
    assert choices(acme, rebooked) == ["accept", "rebook", "refund"]
    assert choose(acme, rebooked, "accept").json()[0]["status"] == "accepted"
    assert choose(acme, rebooked, "accept").status_code == 200
    refused(choose(acme, rebooked, "refund"), 409, "choice_not_allowed")
    verify_invariants()


def test_choosing_another_flight(acme, flight, rebooked):
    other = later(flight, 10)
    answer = choose(acme, rebooked, "rebook", event_id=str(other.pk))
    assert answer.json()[0]["status"] == "rebooked"
    assert {row[0] for row in flights_of(rebooked)} == {other.pk}
    again = shop.everything()
    assert choose(acme, rebooked, "rebook", event_id=str(other.pk)).status_code == 200
    assert shop.everything() == again
    verify_invariants()


def test_flights_that_cannot_be_chosen(acme, flight, rebooked):
    full, elsewhere, gone = later(flight, 5, seats=1), factories.flight("JFK", "SEA"), later(flight, 6)
    cancel(gone)
    before = shop.everything()
    for event_id, status, code in (
        (full.pk, 409, "not_enough_seats"), (elsewhere.pk, 409, "other_route"), (gone.pk, 409, "flight_closed"),
        (uuid4(), 404, "flight_not_found"),
    ):  # fmt: skip
        refused(choose(acme, rebooked, "rebook", event_id=str(event_id)), status, code)
    assert shop.everything() == before


def test_all_of_the_money_back(acme, flight, rebooked, pass_time):
    pass_time(days=2)  # a fare that is not refundable, after the day of issue
    assert choose(acme, rebooked, "refund").json()[0]["status"] == "refunded"
    after = acme.get(f"/api/v1/bookings/{rebooked['booking_id']}").json()
    assert (after["status"], after["refunded_amount"]) == ("refunded", rebooked["total_amount"])
    assert shop.balance_of(f"agency:{acme.id}:USD") == 0
    assert choose(acme, rebooked, "refund").status_code == 200
    verify_invariants()


def test_cancelling_by_the_ordinary_way_brings_all_back_too(acme, rebooked, pass_time):
    pass_time(days=2)
    after = acme.post(f"/api/v1/bookings/{rebooked['booking_id']}/cancel").json()
    assert after["refunded_amount"] == rebooked["total_amount"]
    assert choices(acme, rebooked) == []


def test_after_the_deadline_the_fare_rules_hold_again(acme, rebooked, pass_time):
    pass_time(hours=73)
    assert choices(acme, rebooked) == []
    refused(choose(acme, rebooked, "refund"), 409, "choice_not_allowed")
    after = acme.post(f"/api/v1/bookings/{rebooked['booking_id']}/cancel").json()
    assert after["refunded_amount"] < rebooked["total_amount"]


def test_who_does_not_choose_is_refunded(acme, flight):
    booking = confirmed(acme, flight)
    cancel(flight)
    at = timezone.now() + timedelta(hours=73)
    assert (refund_undecided(at=at), refund_undecided(at=at)) == (1, 0)
    after = acme.get(f"/api/v1/bookings/{booking['booking_id']}").json()
    assert (after["status"], after["refunded_amount"]) == ("refunded", booking["total_amount"])
    assert statuses() == {booking["booking_id"]: "refunded"}
    verify_invariants()


def test_who_has_flown_one_way_gets_the_other_back(acme, flight):
    back = factories.flight("LAX", "JFK", departs_at=flight.departs_at + timedelta(days=3))
    booking = confirmed(acme, flight, back)
    query("UPDATE ticketing_coupon SET status = 'F' WHERE flight_id = %s", flight.pk)
    Flight.objects.filter(pk=flight.pk).update(status="departed")
    cancel(back)
    assert choose(acme, booking, "refund").json()[0]["status"] == "refunded"
    assert acme.get(f"/api/v1/bookings/{booking['booking_id']}").json()["status"] == "confirmed"
    verify_invariants()


# --- The doors ---


def test_staff_disrupts_and_previews(staff, acme, flight):
    later(flight)
    confirmed(acme, flight, seats=3)
    path, body = f"/api/v1/flights/{flight.pk}/disruptions", {"kind": "cancellation", "reason": "storm"}
    before = shop.everything()
    previewed = staff.post(path, body | {"preview": True})
    assert (previewed.status_code, shop.everything()) == (200, before)
    done = staff.post(path, body)
    assert (done.status_code, done.json()["outcome"]) == (201, previewed.json()["outcome"])
    [listed] = staff.get(path).json()
    assert (listed["kind"], listed["outcome"]["rebooked"]["passengers"]) == ("cancellation", 3)


@pytest.mark.parametrize("kind", ["delay", "retime", "aircraft", "cancellation"])
def test_a_preview_changes_nothing(staff, acme, flight, kind):
    confirmed(acme, flight, seats=3)
    times = [(moment + timedelta(hours=5)).isoformat() for moment in (flight.departs_at, flight.arrives_at)]
    body = {"kind": kind, "preview": True} | (
        {"cabins": {"Y": 2}} if kind == "aircraft" else dict(zip(("departs_at", "arrives_at"), times, strict=True))
    )
    before = shop.everything()
    answer = staff.post(f"/api/v1/flights/{flight.pk}/disruptions", body).json()
    assert (answer["bookings"], answer["outcome"]["waiting"]["passengers"]) == (1, 3)
    assert answer["oversold"] == ({"Y": 1} if kind == "aircraft" else {})
    assert shop.everything() == before


def test_who_may_not(staff, acme, zenith, flight, rebooked):
    path, body = f"/api/v1/flights/{flight.pk}/disruptions", {"kind": "cancellation", "reason": "storm"}
    assert (acme.post(path, body).status_code, acme.get(path).status_code) == (403, 403)
    refused(staff.post(f"/api/v1/flights/{uuid4()}/disruptions", body), 404, "flight_not_found")
    refused(staff.get(f"/api/v1/flights/{uuid4()}/disruptions"), 404, "flight_not_found")
    refused(zenith.get(path_of(rebooked)), 404, "booking_not_found")
    disruption_id = acme.get(path_of(rebooked)).json()[0]["disruption_id"]
    refused(zenith.post(f"{path_of(rebooked)}/{disruption_id}/choice", {"choice": "accept"}), 404, "booking_not_found")
    refused(acme.post(f"{path_of(rebooked)}/{uuid4()}/choice", {"choice": "accept"}), 404, "disruption_not_found")


def test_what_has_left_stays_as_it_was(staff, flight):
    Flight.objects.filter(pk=flight.pk).update(status="departed")
    before = shop.everything()
    path = f"/api/v1/flights/{flight.pk}/disruptions"
    for more in ({"preview": True}, {}):
        refused(staff.post(path, {"kind": "cancellation", "reason": "storm", **more}), 409, "flight_departed")
    assert shop.everything() == before


@pytest.mark.parametrize(
    "body",
    [{}, {"kind": "storm"}, {"kind": "delay"}, {"kind": "aircraft"},
     {"kind": "cancellation", "reason": "storm", "more": 1},
     {"kind": "delay", "departs_at": "2030-01-02T00:00Z", "arrives_at": "2030-01-01T00:00Z"},
     {"kind": "aircraft", "cabins": {"X": 1}}, {"kind": "aircraft", "cabins": {"Y": -1}}],
)  # fmt: skip
def test_bad_input_is_refused(staff, flight, body):
    assert staff.post(f"/api/v1/flights/{flight.pk}/disruptions", body).status_code == 400
    assert not Disruption.objects.exists()


# --- The command ---


def test_the_command_cancels_a_day(acme, flight, capsys):
    later(flight, 24)
    confirmed(acme, flight, seats=2)
    before = shop.everything()
    call_command("cancel_flights", str(flight.departure_date), "--origins", "jfk", "--dry-run")
    assert "rebooked          1 bookings        2 passengers" in capsys.readouterr().out
    assert shop.everything() == before
    call_command(
        "cancel_flights", str(flight.departure_date), "--flights", "FL123", "--workers", "1", "--reason", "ice"
    )
    assert "Cancelled: 1 flights, 1 bookings, 2 passengers" in capsys.readouterr().out
    assert Disruption.objects.get().reason == "ice"
    with pytest.raises(CommandError, match="no flight ZZ9"):
        call_command("cancel_flights", str(flight.departure_date), "--flights", "ZZ9", "--dry-run")
    verify_invariants()


@pytest.mark.parametrize(
    ("departs_at", "arrives_at", "field"),
    [("2020-01-01T00:00Z", "2020-01-01T05:00Z", "departs_at"), ("9999-12-31T20:00Z", "9999-12-31T23:00Z", "departs_at"),
     (None, "9999-12-31T23:00Z", "arrives_at")],
)  # fmt: skip
@pytest.mark.parametrize("preview", [True, False])
def test_times_that_no_flight_has_are_refused(staff, acme, flight, departs_at, arrives_at, field, preview):
    confirmed(acme, flight)
    times = {"departs_at": departs_at or (flight.departs_at + timedelta(hours=1)).isoformat(), "arrives_at": arrives_at}
    before = shop.everything(), list(Flight.objects.values())
    answer = staff.post(f"/api/v1/flights/{flight.pk}/disruptions", {"kind": "retime", "preview": preview, **times})
    refused(answer, 400, "invalid_input")
    assert answer.json()["errors"][0]["pointer"] == f"/{field}"
    assert (shop.everything(), list(Flight.objects.values())) == before


def new_times(flight: Flight, departs: timedelta, arrives: timedelta) -> dict:
    return {
        "departs_at": (flight.departs_at + departs).isoformat(), "arrives_at": (flight.arrives_at + arrives).isoformat()
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "departs", "arrives", "field"),
    [("retime", timedelta(days=-6), timedelta(days=-6), "departs_at"), 
     ("delay", timedelta(), timedelta(hours=1), "departs_at"),
     ("delay", timedelta(hours=-1), timedelta(hours=-1), "departs_at"),
     ("delay", timedelta(hours=49), timedelta(hours=49), "departs_at"),
     ("retime", timedelta(), timedelta(hours=19), "arrives_at")],
)  # fmt: skip
@pytest.mark.parametrize("preview", [True, False])
def test_times_that_do_not_fit_the_kind_are_refused(staff, acme, flight, kind, departs, arrives, field, preview):
    confirmed(acme, flight)
    before = shop.everything(), list(Flight.objects.values())
    body = {"kind": kind, "reason": "ice", "preview": preview} | new_times(flight, departs, arrives)
    answer = staff.post(f"/api/v1/flights/{flight.pk}/disruptions", body)
    refused(answer, 400, "invalid_input")
    assert answer.json()["errors"][0]["pointer"] == f"/{field}"
    assert (shop.everything(), list(Flight.objects.values())) == before


def test_coupons_say_until_when_all_of_it_goes_back(acme, flight):
    booking = confirmed(acme, flight)
    path = f"/api/v1/bookings/{booking['booking_id']}"
    assert booking["tickets"][0]["coupons"][0]["fare_rules"]["involuntary_until"] is None
    cancel(flight)
    rules = acme.get(path).json()["tickets"][0]["coupons"][0]["fare_rules"]
    assert rules["involuntary_until"] == acme.get(f"{path}/disruptions").json()[0]["decide_by"]


def test_a_delay_can_grow_shorter_but_not_vanish(staff, flight):
    path = f"/api/v1/flights/{flight.pk}/disruptions"
    hour = timedelta(hours=1)
    for hours, status in ((4, 201), (2, 201), (0, 400)):
        body = {"kind": "delay", "reason": "ice"} | new_times(flight, hours * hour, hours * hour)
        assert staff.post(path, body).status_code == status
    assert Flight.objects.get(pk=flight.pk).departs_at == flight.departs_at + 2 * hour


def test_a_delay_across_midnight_keeps_the_date_by_which_it_is_known(staff, flight):
    body = {"kind": "delay", "reason": "ice"} | new_times(flight, timedelta(hours=20), timedelta(hours=20))
    assert staff.post(f"/api/v1/flights/{flight.pk}/disruptions", body).status_code == 201
    shown = staff.get(f"/api/v1/flights/{flight.pk}").json()
    assert shown["departureDate"] == flight.departure_date.isoformat()
    assert shown["departureTime"][:10] == (flight.departure_date + timedelta(days=1)).isoformat()


@pytest.mark.parametrize(("reason", "code"), [({}, "missing_fields"), ({"reason": "  "}, "invalid_input")])
def test_a_cancellation_has_a_reason(staff, acme, flight, reason, code):
    confirmed(acme, flight)
    before = shop.everything(), list(Flight.objects.values())
    answer = staff.post(f"/api/v1/flights/{flight.pk}/disruptions", {"kind": "cancellation", **reason})
    refused(answer, 400, code)
    assert answer.json()["errors"][0]["pointer"] == "/reason"
    assert (shop.everything(), list(Flight.objects.values())) == before


@pytest.mark.parametrize(
    ("day", "more", "message"),
    [(None, [], "--reason"), (None, ["--reason", " "], "--reason"), ("1.12.2026", ["--dry-run"], "not a date")],
)
def test_what_the_command_needs(acme, flight, day, more, message):
    before = list(Flight.objects.values())
    with pytest.raises(CommandError, match=message):
        call_command("cancel_flights", day or str(flight.departure_date), "--flights", "FL123", *more)
    assert list(Flight.objects.values()) == before


def test_flights_are_shown_by_their_fields(staff, acme, flight):
    after = later(flight)
    booking = confirmed(acme, flight)
    path, body = f"/api/v1/flights/{flight.pk}/disruptions", {"kind": "cancellation", "reason": "storm"}
    [to] = staff.post(path, body | {"preview": True}).json()["rebooked_to"]
    staff.post(path, body)
    [move] = acme.get(path_of(booking)).json()[0]["moves"]
    names = ("event_id", "flightId", "departureDate", "origin", "destination", "departureTime")
    for pk, shown in ((after.pk, to), (after.pk, move["to"]), (flight.pk, move["from"])):
        wanted = acme.get(f"/api/v1/flights/{pk}").json()
        assert {name: shown[name] for name in names} == {name: wanted[name] for name in names}
    assert (move["sequence"], move["cabin"], move["lost_seats"]) == (1, "Y", [])
    assert (to["bookings"], to["passengers"]) == (1, 1)


def test_times_before_and_after_have_a_z(staff, acme, flight):
    booking = confirmed(acme, flight)
    move(flight, hours=4)
    for [row] in (acme.get(path_of(booking)).json(), staff.get(f"/api/v1/flights/{flight.pk}/disruptions").json()):
        assert datetime.fromisoformat(row["before"]["departs_at"]) == flight.departs_at
        assert all(row[side][name].endswith("Z") for side in ("before", "after") for name in TIMES)


def deadline_of(api, booking: dict) -> datetime:
    [row, *_] = api.get(path_of(booking)).json()
    [ticket, *_] = api.get(f"/api/v1/bookings/{booking['booking_id']}").json()["tickets"]
    assert ticket["coupons"][0]["fare_rules"]["involuntary_until"] == row["decide_by"]
    return datetime.fromisoformat(row["decide_by"])


def test_nobody_chooses_after_the_flight_has_left(acme, pass_time):
    flight = desk.soon(hours=20)
    after, last = later(flight, 2), later(flight, 5)
    booking = confirmed(acme, flight)
    cancel(flight)
    assert deadline_of(acme, booking) == after.departs_at
    assert choose(acme, booking, "rebook", event_id=str(last.pk)).status_code == 200
    assert deadline_of(acme, booking) == after.departs_at
    pass_time(hours=23)
    assert choices(acme, booking) == []
    refused(choose(acme, booking, "refund"), 409, "choice_not_allowed")


def test_who_waits_for_a_flight_that_flies_chooses_until_it_leaves(acme):
    flight = desk.soon(hours=20)
    booking = confirmed(acme, flight)
    move(flight, hours=5)
    assert deadline_of(acme, booking) == flight.departs_at + timedelta(hours=5)


def test_who_waits_because_of_a_cancelled_flight_has_all_the_time(acme):
    flight = desk.soon(hours=20)
    booking = confirmed(acme, flight)
    cancel(flight)
    assert deadline_of(acme, booking) > flight.departs_at + timedelta(hours=48)
    assert refund_undecided(at=flight.departs_at) == 0
    assert refund_undecided(at=timezone.now() + timedelta(hours=73)) == 1
    verify_invariants()
