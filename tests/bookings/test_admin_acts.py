"""What staff do to bookings in the back office: each act, who may, and what is refused."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from bookings.models import Booking, Quote
from skybridge.models import Approval, Event
from tests import factories
from tests.bookings.sales import book, change, confirmed, counters, coupons_of, let_hold_run_out
from tests.orders.shop import everything
from tests.skybridge.desk import act_page, confirm, do, forge, look, text
from tests.skybridge.staff import with_role
from tests.ticketing.desk import check_in_group, coupons, passes, sold, soon

MODEL = "bookings/booking"
ACTS = ("confirm", "change", "extend_hold", "check_in", "offload", "cancel", "refund", "waive")
MAY = {
    "viewer": set(),
    "reservations": {"confirm", "change", "extend_hold", "cancel", "refund"},
    "check-in": {"check_in", "offload"},
    "supervisor": set(ACTS),
    "finance": {"refund"},
    "administrator": set(),
}


@pytest.fixture
def clerk(db):
    return with_role("reservations", name="clerk")


@pytest.fixture
def desk(db):
    return with_role("check-in", name="desk")


def row(booking: dict) -> Booking:
    return Booking.objects.get(pk=booking["booking_id"])


@pytest.mark.parametrize("role", MAY)
def test_each_role_reaches_its_acts_and_no_other(acme, flight, role):
    client, booking = with_role(role), confirmed(acme, flight)["booking_id"]
    before = everything()
    for act in ACTS:
        answer = client.get(act_page(MODEL, act), {"id": booking}).status_code
        assert answer == (200 if act in MAY[role] else 403), act
        if act not in MAY[role]:
            form = {"minutes": 5, "seats": 2, "of": "x"}
            assert forge(client, MODEL, act, booking, **form).status_code == 403, act
    assert everything() == before


# --- Cancel and refund ---


def test_a_cancellation_is_quoted_and_carried_out_exactly_so(clerk, acme, flight):
    booking = confirmed(acme, flight, seats=2)
    page = look(clerk, MODEL, "cancel", booking["booking_id"], reason="ill")
    quote = Quote.objects.get()
    assert f"{quote.refund_amount:,.2f} USD" in page
    assert "Penalty" in page
    after = text(confirm(clerk, MODEL, "cancel", page, reason="ill"))
    assert "is canceled" in after
    assert row(booking).refunded_amount == quote.refund_amount
    assert (row(booking).status, counters(flight)["sold"]) == ("canceled", 0)
    assert Event.objects.get(action="booking.canceled").reason == "quote confirmed: ill"


def test_a_booking_that_has_changed_since_the_quote_is_not_cancelled(clerk, acme, flight, settings):
    settings.REFUND_APPROVAL_ABOVE = 10_000
    booking = confirmed(acme, flight, seats=2)
    page = look(clerk, MODEL, "cancel", booking["booking_id"], reason="ill")
    change(acme, booking, seats=1)
    before = everything()
    assert "(quote_stale)" in text(confirm(clerk, MODEL, "cancel", page, reason="ill"))
    assert everything() == before


def test_an_expired_quote_is_refused(clerk, acme, flight, pass_time):
    booking = confirmed(acme, flight)
    page = look(clerk, MODEL, "cancel", booking["booking_id"], reason="ill")
    pass_time(hours=1)
    before = everything()
    assert "(quote_expired)" in text(confirm(clerk, MODEL, "cancel", page, reason="ill"))
    assert everything() == before


def test_a_dear_cancellation_and_a_dear_order_wait_for_a_second_person(clerk, acme, flight, settings):
    settings.REFUND_APPROVAL_ABOVE = 1
    booking = confirmed(acme, flight)
    assert "waits for a second person" in do(clerk, MODEL, "cancel", booking["booking_id"], asks_first=True)
    assert row(booking).status == "confirmed"
    do(with_role("finance"), "skybridge/approval", "grant", Approval.objects.get().pk)
    assert "is canceled" in do(clerk, MODEL, "cancel", booking["booking_id"], asks_first=True)


def test_what_went_back_before_counts_towards_the_limit(clerk, acme, flight, settings):
    settings.REFUND_APPROVAL_ABOVE = 1_000
    booking = confirmed(acme, flight)
    Booking.objects.filter(pk=booking["booking_id"]).update(refunded_amount=1_000)
    assert "waits for a second person" in do(clerk, MODEL, "cancel", booking["booking_id"], asks_first=True)
    assert row(booking).status == "confirmed"


def test_an_approval_is_for_its_amount_only(clerk, acme, flight, settings):
    settings.REFUND_APPROVAL_ABOVE = 1
    booking = confirmed(acme, flight, seats=2)
    do(clerk, MODEL, "refund", booking["booking_id"])
    do(with_role("finance"), "skybridge/approval", "grant", Approval.objects.get().pk)
    change(acme, booking, seats=1)
    assert "Nothing has changed yet" in do(clerk, MODEL, "refund", booking["booking_id"])
    assert row(booking).status == "confirmed"
    assert Approval.objects.filter(decided_at=None).count() == 1


def test_a_refund_keeps_to_the_fare_rules_and_a_waiver_does_not(clerk, acme, flight):
    fare = flight.cabins.get().fare
    type(fare).objects.filter(pk=fare.pk).update(is_refundable=False, void_same_day=False, free_cancel_hours=0)
    booking = confirmed(acme, flight)
    shown = look(clerk, MODEL, "refund", booking["booking_id"])
    total = row(booking).total_amount
    assert f"Goes back to the customer</dt><dd>{total:,.2f} USD" not in shown
    boss, other = with_role("supervisor", name="boss"), with_role("supervisor", name="other")
    assert f"Goes back to the customer</dt><dd>{total:,.2f} USD" in look(boss, MODEL, "waive", booking["booking_id"])
    do(boss, MODEL, "waive", booking["booking_id"])
    do(other, "skybridge/approval", "grant", Approval.objects.get().pk)
    assert "is refunded" in do(boss, MODEL, "waive", booking["booking_id"])
    assert row(booking).refunded_amount == total
    assert coupons_of(booking) == ["R"]


def test_a_refund_of_what_is_not_sold_is_refused(clerk, acme, flight):
    page = look(clerk, MODEL, "refund", book(acme, flight)["booking_id"])
    assert "Cannot be done: Cannot refund a booking that is pending" in page
    assert 'value="confirm"' not in page


# --- Change and hold ---


def test_a_date_is_changed_at_its_quote(clerk, acme, flight):
    later = factories.flight("JFK", "LAX", carrier="FL", number=123, departs_at=flight.departs_at + timedelta(days=1))
    booking = confirmed(acme, flight)
    form = {"departure_date": later.departure_date.isoformat()}
    page = look(clerk, MODEL, "change", booking["booking_id"], **form)
    assert "The customer pays" in page
    assert "is confirmed" in text(confirm(clerk, MODEL, "change", page, **form))
    assert (counters(flight)["sold"], counters(later)["sold"]) == (0, 1)


def test_more_seats_cost_what_the_quote_says(clerk, acme, flight):
    booking = confirmed(acme, flight)
    before = row(booking).total_amount
    page = look(clerk, MODEL, "change", booking["booking_id"], seats=3)
    quote = Quote.objects.get()
    confirm(clerk, MODEL, "change", page, seats=3)
    assert row(booking).total_amount - before == quote.due_amount > 0
    assert counters(flight)["sold"] == 3


def test_a_change_to_nothing_or_onto_no_flight_is_refused(clerk, acme, flight):
    booking = confirmed(acme, flight)["booking_id"]
    before = everything()
    assert "Say what is to change" in look(clerk, MODEL, "change", booking, reason="x")
    far = (timezone.now() + timedelta(days=300)).date().isoformat()
    page = look(clerk, MODEL, "change", booking, departure_date=far)
    assert "Cannot be done" in page
    assert 'value="confirm"' not in page
    assert everything() == before


def test_a_hold_is_extended(clerk, acme, flight):
    booking = book(acme, flight)
    was = row(booking).expires_at
    assert "is held until" in do(clerk, MODEL, "extend_hold", booking["booking_id"], minutes=45)
    assert row(booking).expires_at - was == timedelta(minutes=45)
    event = Event.objects.get(action="booking.hold_extended")
    assert (event.reason, event.actor_kind) == ("Because.", "staff")


@pytest.mark.parametrize(
    ("minutes", "code"), [(1440, "invalid_input"), (30, "hold_expired"), (30, "action_not_allowed")]
)
def test_a_hold_is_not_extended_too_far_or_too_late_or_when_sold(clerk, acme, flight, minutes, code):
    booking = book(acme, flight)
    if code == "hold_expired":
        let_hold_run_out(booking["booking_id"])
    if code == "action_not_allowed":
        acme.post("/orders", {"customer_id": "c", "items": [{"booking_id": booking["booking_id"]}]})
    page = look(clerk, MODEL, "extend_hold", booking["booking_id"], minutes=minutes)
    before = everything()
    assert f"({code})" in text(confirm(clerk, MODEL, "extend_hold", page, minutes=minutes))
    assert everything() == before


# --- Departure ---


def test_a_booking_is_checked_in_and_taken_off(desk, acme):
    booking = sold(acme, soon(), party="ADT CHD INF")
    page = look(desk, MODEL, "check_in", booking["booking_id"])
    assert "Lovelace/Ada" in page
    assert "3 boarding passes are good" in text(confirm(desk, MODEL, "check_in", page))
    assert [one["status"] for one in coupons(booking)] == ["C", "C", "C"]
    assert "is off its flights" in do(desk, MODEL, "offload", booking["booking_id"])
    assert [one["status"] for one in coupons(booking)] == ["O", "O", "O"]
    assert {end for _, _, end in passes(booking)} == {"offloaded"}
    assert Event.objects.filter(action="coupon.checked_in", reason="Because.").count() == 3


def test_check_in_that_is_refused_is_a_message(desk, acme, flight):
    booking = sold(acme, flight)["booking_id"]  # in five days
    before = everything()
    assert "(check_in_not_open)" in do(desk, MODEL, "check_in", booking)
    assert "(not_checked_in)" in do(desk, MODEL, "offload", booking)
    assert everything() == before


def test_who_is_checked_in_cannot_be_cancelled(clerk, acme):
    booking = sold(acme, soon())
    check_in_group(acme, booking)
    page = look(clerk, MODEL, "cancel", booking["booking_id"], reason="late")
    assert "a passenger is checked in" in page
    assert row(booking).status == "confirmed"
    assert row(booking).refunded_amount == Decimal(0)
