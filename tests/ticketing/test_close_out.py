"""Close-out and reopening: who is not aboard is a no-show, once, and what the gate closes staff may open."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.utils import timezone

from flights.models import Flight
from orders.checkin import check_in_booking
from tests import factories
from tests.bookings.sales import confirmed, query
from tests.ticketing import desk, gates
from tests.ticketing.gates import ADA, BOB, STAFF, actions_on, check_in, passes_of, post, scanned, status_of
from ticketing.exceptions import FlightClosed
from ticketing.models import Bag, BoardingPass, Coupon, Departure

pytestmark = pytest.mark.django_db
TAGS = iter(f"00160{number:05}" for number in range(1, 1000))


@pytest.fixture
def flight(db):
    departs_at = timezone.now() + timedelta(hours=5)
    return factories.flight("JFK", "LAX", carrier="FL", number=123, departs_at=departs_at)


def bag(boarding_pass: BoardingPass, kg: str = "12.5") -> Bag:
    return Bag.objects.create(coupon=boarding_pass.coupon, tag_number=next(TAGS), weight_kg=Decimal(kg))


def close(api, flight) -> dict:
    answer = post(api, flight, "close")
    assert answer.status_code == 200, answer.content
    return answer.json()


def refused(answer, code: str, before: dict, status: int = 409) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert gates.everything() == before


def versions() -> list[tuple]:
    return query(
        "SELECT o.version, b.version FROM orders_order o JOIN bookings_booking b ON b.order_id = o.id ORDER BY 1"
    )


# --- Closing ---


def test_who_is_not_aboard_is_a_no_show(handler, acme, flight):
    booking = confirmed(acme, flight, passengers=[{"surname": "Late", "given_name": "Never"}])
    ada, bob = check_in(acme, flight, ADA, BOB)
    mine, theirs = bag(ada), bag(bob, "20.5")
    scanned(handler, flight, ada)
    answer = close(handler, flight)
    assert (status_of(ada), status_of(bob)) == (("L", False), ("O", True))
    assert Coupon.objects.get(ticket__booking=booking["booking_id"]).is_no_show
    assert {p["surname"] for p in answer["no_shows"]} == {"Babbage", "Late"}
    counts = {"boarded": 1, "no_show": 2, "checked_in": 0, "booked": 0, "passengers": 3, "bags": 1, "bags_kg": 12.5}
    assert counts.items() <= answer["counts"].items()
    assert answer["bags_to_remove"] == [
        {"tag_number": theirs.tag_number, "weight_kg": 20.5, "status": "removed", "coupon_id": str(bob.coupon_id),
         "surname": "Babbage"}
    ]  # fmt: skip
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.status, theirs.status) == ("checked", "removed")
    bob.refresh_from_db()
    assert (bob.end_reason, bob.ended_at) == ("no_show", Departure.objects.get(pk=flight.pk).closed_at)
    assert actions_on(bob.coupon_id) == ["coupon.checked_in", "coupon.open"]
    assert actions_on(flight.pk) == ["flight.closed_out"]


def test_each_booking_touched_gets_its_version_and_backup(handler, acme, flight):
    ada, bob = check_in(acme, flight, minutes=300), check_in(acme, flight, BOB)
    scanned(handler, flight, ada[0])
    before = versions()
    close(handler, flight)
    changed = [(now[0] - was[0], now[1] - was[1]) for was, now in zip(before, versions(), strict=True)]
    assert sorted(changed) == [(0, 0), (1, 1)]
    [kept] = query(
        """SELECT max(version) FROM orders_backup WHERE stream = (
            SELECT b.order_id::text FROM bookings_booking b JOIN ticketing_ticket t ON t.booking_id = b.id
            JOIN ticketing_coupon k ON k.ticket_id = t.id WHERE k.id = %s)""",
        bob[0].coupon_id,
    )
    assert kept[0] == max(order for order, _ in versions())


def test_closing_again_changes_nothing(handler, acme, flight):
    check_in(acme, flight, ADA, BOB)
    first = close(handler, flight)
    before = gates.everything()
    assert close(handler, flight) == first
    assert gates.everything() == before


def test_closing_again_goes_on(handler, acme, flight):
    [ada] = check_in(acme, flight)
    Departure.objects.filter(pk=flight.pk).update(closed_at=timezone.now())
    close(handler, flight)
    assert status_of(ada) == ("O", True)


def test_pending_bookings_are_left_alone(handler, acme, flight):
    from_shop = acme.post("/api/v1/bookings", {"flights": [{"event_id": str(flight.pk)}], "seats": 2}).json()
    gates.leave_in(flight, 40)
    close(handler, flight)
    coupons = Coupon.objects.filter(ticket__booking=from_shop["booking_id"])
    assert set(coupons.values_list("status", "is_no_show")) == {("O", False)}


def test_a_flight_without_passengers_can_be_closed(handler, flight):
    gates.leave_in(flight, 40)
    answer = close(handler, flight)
    assert (answer["counts"]["passengers"], answer["no_shows"]) == (0, [])
    assert answer["flight"]["closed_at"]


def test_a_closed_flight_boards_and_checks_in_nobody(handler, staff, acme, flight):
    [ada] = check_in(acme, flight)
    close(handler, flight)
    assert scanned(handler, flight, ada)["reason"] == "no_show"
    with pytest.raises(FlightClosed):
        check_in_booking(ada.coupon.ticket.booking_id, caller=STAFF, at=timezone.now())
    assert status_of(ada) == ("O", True)


def test_a_flight_is_not_closed_before_boarding_opens(handler, acme, flight):
    check_in(acme, flight, minutes=61)
    refused(post(handler, flight, "close"), "boarding_not_open", gates.everything())


@pytest.mark.parametrize(("status", "code"), [("cancelled", "flight_cancelled"), ("departed", "flight_departed")])
def test_a_flight_that_does_not_leave_is_not_closed(status, code, handler, acme, flight):
    check_in(acme, flight)
    Flight.objects.filter(pk=flight.pk).update(status=status)
    refused(post(handler, flight, "close"), code, gates.everything())


@pytest.mark.parametrize("action", ["close", "reopen", "gate"])
def test_only_who_works_at_gates(action, acme, agent, traveller, nobody, flight):
    gates.leave_in(flight, 40)
    before = gates.everything()
    method = "PUT" if action == "gate" else "POST"
    for stranger in (acme, agent, traveller, nobody):
        answer = stranger.call(method, f"/api/v1/flights/{flight.pk}/{action}", None)
        refused(answer, "forbidden", before, 403)


@pytest.mark.parametrize(("action", "body"), [("close", None), ("reopen", {"reason": "x"})])
def test_an_unknown_flight_is_404(action, body, staff):
    answer = staff.post(f"/api/v1/flights/0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b11/{action}", body)
    assert (answer.status_code, answer.json()["code"]) == (404, "flight_not_found")


# --- Reopening ---


def test_staff_reopens_and_the_passenger_may_check_in_again(staff, handler, acme, flight):
    [ada] = check_in(acme, flight)
    close(handler, flight)
    answer = post(staff, flight, "reopen", {"reason": "A late connection"})
    assert (answer.status_code, answer.json()["closed_at"]) == (200, None)
    assert status_of(ada) == ("O", False)
    assert actions_on(flight.pk)[-1] == "flight.reopened"
    booking_id = str(ada.coupon.ticket.booking_id)
    check_in_booking(UUID(booking_id), caller=STAFF, at=timezone.now())
    [again] = passes_of({"booking_id": booking_id})
    assert scanned(handler, flight, again)["result"] == "accepted"


def test_reopening_an_open_flight_changes_nothing(staff, acme, flight):
    check_in(acme, flight)
    before = gates.everything()
    assert post(staff, flight, "reopen", {"reason": "x"}).status_code == 200
    assert gates.everything() == before


def test_a_handler_does_not_reopen(handler, acme, flight):
    check_in(acme, flight)
    close(handler, flight)
    refused(post(handler, flight, "reopen", {"reason": "x"}), "forbidden", gates.everything(), 403)


def test_a_flight_that_has_left_is_not_reopened(staff, handler, acme, flight):
    check_in(acme, flight)
    close(handler, flight)
    gates.leave_in(flight, -1)
    refused(post(staff, flight, "reopen", {"reason": "x"}), "flight_departed", gates.everything())


def test_reopening_needs_a_reason(staff, flight):
    refused(post(staff, flight, "reopen", {}), "missing_fields", gates.everything(), 400)


# --- The gate ---


def test_the_gate_is_set_and_shown(handler, acme, flight):
    [ada] = check_in(acme, flight)
    assert handler.get(f"/api/v1/flights/{flight.pk}/manifest").json()["flight"]["gate"] is None
    answer = handler.put(f"/api/v1/flights/{flight.pk}/gate", {"gate": "B12"})
    assert (answer.status_code, answer.json()["gate"]) == (200, "B12")
    assert scanned(handler, flight, ada)["flight"]["gate"] == "B12"
    assert actions_on(flight.pk) == ["flight.gate_changed"]
    before = gates.everything()
    assert handler.put(f"/api/v1/flights/{flight.pk}/gate", {"gate": "B12"}).status_code == 200
    assert gates.everything() == before


def test_a_gate_that_is_not_known_is_null(handler, acme, flight):
    [ada] = check_in(acme, flight)
    handler.put(f"/api/v1/flights/{flight.pk}/gate", {"gate": "B12"})
    assert handler.put(f"/api/v1/flights/{flight.pk}/gate", {"gate": ""}).json()["gate"] is None
    assert scanned(handler, flight, ada)["flight"]["gate"] is None


@pytest.mark.parametrize("gate", ["b12", "B-12", "B12345678", 12, None])
def test_what_is_no_gate_is_refused(gate, handler, flight):
    before = gates.everything()
    assert handler.put(f"/api/v1/flights/{flight.pk}/gate", {"gate": gate}).status_code == 400
    assert gates.everything() == before


def test_a_bag_that_was_taken_off_before_is_not_looked_for(staff, acme):
    flight = desk.soon(hours=3)
    booking = desk.sold(acme, flight)
    [ticket_id] = desk.ticket_ids(booking)
    [first] = desk.check_in(acme, booking, bags=[{"weight_kg": 10}])["bags"]
    assert acme.delete(desk.at_ticket(ticket_id, f"bags/{first['tag_number']}")).status_code == 200
    [second] = desk.check_in(acme, booking, bags=[{"weight_kg": 12}])["bags"]
    gates.leave_in(flight, 40)
    for _ in range(2):
        found = gates.post(staff, flight, "close").json()["bags_to_remove"]
        assert [bag["tag_number"] for bag in found] == [second["tag_number"]]
