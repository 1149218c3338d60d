"""Seats that cost: who has paid for one, and whose goes back with the order.

The flight is an A320: business in rows 1 to 3, preferred seats in rows 4 to 7, exits in rows 10 and 11.
"""

import pytest

from flights.models import Flight
from tests.bookings.sales import database, query, refused
from tests.concurrency.racing import verify_invariants
from tests.orders import shop
from tests.orders.shop import product
from tests.ticketing.seating import booking, choose, flight, pay_for_seat, seats_of, tickets_of, trade, version_of

__all__ = ["booking", "flight"]  # fixtures
pytestmark = pytest.mark.django_db


@pytest.fixture
def priced(db):
    """Exit rows and the rows in front cost extra."""
    product("SEATEXIT", "49.00", category="seat")
    product("SEATPREF", "24.00", category="seat")


@pytest.fixture
def seat_products(db):
    """What seats are sold as, with the codes that make them EMDs."""
    product("SEATPREF", "24.00", category="seat", rfic="A", rfisc="0B5")


@pytest.mark.parametrize(
    ("seat", "product_id", "price"), [("11A", "SEATEXIT", 49), ("5A", "SEATPREF", 24), ("10C", "SEATEXIT", 49)]
)
def test_a_seat_that_costs_must_be_paid(acme, booking, priced, seat, product_id, price):
    before = database()
    response = choose(acme, tickets_of(booking)[0], seat)
    refused(response, 409, "seat_not_paid")
    named = ("seat", "ticket_id", "product_id", "price", "currency")
    assert [response.json()[n] for n in named] == [seat, tickets_of(booking)[0], product_id, price, "USD"]
    assert database() == before
    pay_for_seat(booking, product_id=product_id)
    assert choose(acme, tickets_of(booking)[0], seat).status_code == 200


def test_what_another_has_paid_or_got_back_does_not_count(acme, booking, priced):
    pay_for_seat(booking, 1)
    emd = pay_for_seat(booking, 0)
    emd.status = "R"
    emd.save()
    pay_for_seat(booking, 0, "SEATPREF")
    before = database()
    refused(choose(acme, tickets_of(booking)[0], "11A"), 409, "seat_not_paid")
    assert database() == before


def ordered_seat(api, booking, place=0, **more) -> dict:
    wish = {"product_id": "SEATPREF", "quantity": 1, "ticket_id": tickets_of(booking)[place]}
    return shop.order(api, wish, **more)


@pytest.mark.parametrize("token", ["tok_decline", None])
def test_an_order_that_is_not_paid_yet_pays_for_no_seat(acme, booking, seat_products, token):
    payment = {"payment": {"method": "card", "token": token}} if token else {}
    placed = ordered_seat(acme, booking, **payment)
    if token:
        shop.run(placed)
    before = database()
    refused(choose(acme, tickets_of(booking)[0], "5A"), 409, "seat_not_paid")
    assert database() == before


def test_a_seat_goes_with_the_order_that_paid_for_it(acme, booking, seat_products):
    placed, other = ordered_seat(acme, booking), ordered_seat(acme, booking, 1)
    shop.run(placed)
    shop.run(other)
    assert trade(acme, booking, Flight.objects.get(), "5A", "5B").status_code == 200
    version, kept = version_of(booking), len(backups_of(booking))
    assert acme.delete(f"/orders/{placed['order_id']}").status_code == 200
    assert seats_of(booking) == [None, "5B"]
    assert (version_of(booking), len(backups_of(booking))) == (version + 1, kept + 1)
    sql = "SELECT before, after FROM skybridge_event WHERE action = 'coupon.seated' ORDER BY id DESC LIMIT 1"
    assert query(sql) == [('{"seat": "5A"}', '{"seat": null}')]
    refused(choose(acme, tickets_of(booking)[0], "5A"), 409, "seat_not_paid")
    verify_invariants()


def test_a_free_seat_and_one_paid_twice_stay(acme, booking, seat_products):
    first, second = ordered_seat(acme, booking), ordered_seat(acme, booking)
    shop.run(first)
    shop.run(second)
    trade(acme, booking, Flight.objects.get(), "5A", "15B")
    version = version_of(booking)
    acme.delete(f"/orders/{first['order_id']}")
    assert (seats_of(booking), version_of(booking)) == (["5A", "15B"], version)
    choose(acme, tickets_of(booking)[0], "15A")
    acme.delete(f"/orders/{second['order_id']}")
    assert seats_of(booking) == ["15A", "15B"]


def backups_of(booking: dict) -> list:
    return query("SELECT version FROM orders_backup WHERE stream = %s", booking["order_id"])


def test_staff_gives_seats_away(staff, booking, priced):
    assert choose(staff, tickets_of(booking)[0], "11A").status_code == 200


def test_a_seat_whose_product_is_not_sold_is_free(acme, booking):
    product("SEATEXIT", "49.00", category="seat", on_sale=False)
    assert choose(acme, tickets_of(booking)[0], "11A").status_code == 200
