"""Changes of confirmed bookings: charged or given back by the order that sold them, a version of it each."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bookings.models import Booking
from orders.models import Order
from partners.models import Account
from tests import factories
from tests.bookings.sales import act, change, confirmed, counters, query, refused
from tests.orders import shop
from tests.orders.settling import FREE, amount, order_of, owed

pytestmark = pytest.mark.usefixtures("_whole")


def next_day(flight, **fields):
    """Make the same flight a day later."""
    later = flight.departs_at + timedelta(days=1)
    return factories.flight(carrier=flight.carrier_id, number=flight.flight_number, departs_at=later, **fields)


def test_more_seats_are_an_item_and_charged(acme, flight):
    booking = confirmed(acme, flight, seats=2)
    changed = change(acme, booking, seats=3).json()
    order = order_of(acme, booking)
    sale, more = order["items"]
    assert (more["booking_id"], more["quantity"]) == (booking["booking_id"], 1)
    assert more["description"] == f"Change of booking {booking['record_locator']}"
    assert sale["price"] == booking["total_amount"]
    assert amount(more["price"]) == amount(changed["total_amount"]) - amount(booking["total_amount"])
    assert owed(acme) == amount(order["total_amount"]) == amount(changed["total_amount"])


def test_fewer_seats_go_back(acme, flight):
    booking = confirmed(acme, flight, seats=3)
    changed = change(acme, booking, seats=1).json()
    order = order_of(acme, booking)
    assert len(order["items"]) == 1
    assert amount(order["refunded_amount"]) == amount(booking["total_amount"]) - amount(changed["total_amount"])
    assert owed(acme) == amount(changed["total_amount"])


def test_another_date_on_the_day_of_issue_costs_the_difference(acme, flight):
    later = next_day(flight)
    dearer = later.cabins.get().fare
    dearer.pk, dearer.fare_basis = None, "DEARER"
    dearer.base_amount, dearer.total_amount = dearer.base_amount + 100, dearer.total_amount + 100
    dearer.save()
    later.cabins.update(fare=dearer)
    booking = confirmed(acme, flight)
    changed = change(acme, booking, departureDate=str(later.departure_date)).json()
    order = order_of(acme, booking)
    difference = amount(changed["total_amount"]) - amount(booking["total_amount"])
    assert difference >= 100
    assert [amount(item["price"]) for item in order["items"]] == [amount(booking["total_amount"]), difference]
    assert owed(acme) == amount(changed["total_amount"])


def test_another_date_after_the_day_of_issue_costs_the_fee_too(acme, flight, pass_time):
    later = next_day(flight)
    booking = confirmed(acme, flight)
    fee = amount(booking["tickets"][0]["coupons"][0]["fare_rules"]["change_fee_amount"])
    pass_time(days=1)
    changed = change(acme, booking, departureDate=str(later.departure_date)).json()
    difference = amount(changed["total_amount"]) - amount(booking["total_amount"])
    due = fee + max(difference, Decimal(0))
    order = order_of(acme, booking)
    assert fee > 0
    assert amount(order["items"][1]["price"]) == due
    assert owed(acme) == amount(order["total_amount"]) == amount(booking["total_amount"]) + due
    assert shop.balance_of("fees:USD") == -fee


def test_a_change_beyond_the_credit_limit_changes_nothing(acme, flight):
    booking = confirmed(acme, flight)
    Account.objects.filter(agency_id=acme.id).update(credit_limit=amount(booking["total_amount"]))
    before = shop.everything()
    refused(change(acme, booking, seats=2), 409, "credit_limit_exceeded")
    assert shop.everything() == before


def test_a_changed_booking_goes_back_whole_on_the_same_day(acme, flight):
    booking = confirmed(acme, flight, seats=2)
    change(acme, booking, seats=5)
    change(acme, booking, seats=1)
    act(acme, booking, "cancel")
    order = order_of(acme, booking)
    assert (owed(acme), counters(flight)) == (0, FREE)
    assert (order["status"], order["refunded_amount"]) == ("cancelled", order["total_amount"])


def test_each_change_is_a_version_of_the_order(acme, flight):
    booking = confirmed(acme, flight, seats=2)

    def version():
        return Order.objects.values_list("version", flat=True).get()

    seen = [version()]
    for step in (
        lambda: change(acme, booking, seats=3),
        lambda: change(acme, booking, seats=2),
        lambda: act(acme, booking, "refund"),
    ):
        assert step().status_code == 200
        seen.append(version())
    assert seen == [1, 2, 3, 4]
    kept = "SELECT version FROM orders_backup WHERE stream = %s ORDER BY version"
    assert [row for (row,) in query(kept, booking["order_id"])] == seen
    assert Booking.objects.get().status == "refunded"
