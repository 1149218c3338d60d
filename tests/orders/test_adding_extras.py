"""Extras added to a sold booking by its page: one order more, of the same owner, once."""

import pytest

from bookings.models import Booking
from orders.models import Order
from tests.bookings.sales import act, book, confirmed, query
from tests.bookings.selling import HTML, send
from tests.bookings.test_check_in_page import alert, guest_of
from tests.factories import flight as make_flight
from tests.orders.emds import all_is_well
from tests.orders.shop import everything, product, run
from tests.ticketing.desk import named, soon

ACCOUNT, CARD = {"method": "account"}, {"method": "card", "token": "tok_success"}
PARTY = [named(), named(given_name="Byron")]


@pytest.fixture(autouse=True)
def extras(db):
    product("BAG1", "35.00", rfic="C", rfisc="0CC", category="baggage", name="First bag")
    product("MEAL", "12.00", rfic="G", category="meal", name="Vegan meal")
    product("MUG", "9.50", name="Mug")


@pytest.fixture
def booking(acme) -> dict:
    return confirmed(acme, soon(), make_flight("LAX", "JFK"), passengers=PARTY)


def path(booking: dict, *wanted: str) -> str:
    return f"/bookings/{booking['booking_id']}/extras/?step=pay&" + "&".join(f"x.{name}" for name in wanted)


def version(booking: dict) -> str:
    return f'"{Booking.objects.get(pk=booking["booking_id"]).version}"'


def buy(client, booking: dict, *wanted: str, **fields):
    return send(client, path(booking, *wanted), **{"version": version(booking), **ACCOUNT, **fields})


def added() -> Order:
    return Order.objects.get(bookings=None)


def test_two_extras_for_one_passenger_on_one_flight(agent, acme, booking, django_assert_max_num_queries):
    with django_assert_max_num_queries(7):
        page = agent.client.get(path(booking), headers=HTML)
    assert page.content.decode().count('name="x.2.1.') == 2
    assert b"MUG" not in page.content
    with django_assert_max_num_queries(7):
        assert agent.client.get(path(booking, "2.1.BAG1=2", "2.1.MEAL=1"), headers=HTML).context["total"] == 82
    response = buy(agent.client, booking, "2.1.BAG1=2", "2.1.MEAL=1")
    assert (response.status_code, response["Location"]) == (302, f"/bookings/{booking['booking_id']}/")
    order = added()
    assert (str(order.agency_id), order.payment_method, order.total_amount) == (acme.id, "account", 82)
    coupon = booking["tickets"][1]["coupons"][0]["coupon_id"]
    sold = query("SELECT product_id, quantity, coupon_id::text FROM ticketing_emd ORDER BY product_id")
    assert sold == [("BAG1", 2, coupon), ("MEAL", 1, coupon)]
    assert b"not issued yet" in agent.client.get(response["Location"]).content
    run({"order_id": order.pk})
    shown = agent.client.get(response["Location"]).content
    assert b"First bag \xc3\x97 2" in shown
    assert b"not issued yet" not in shown
    assert b"First bag \xc3\x97 2" in agent.client.get(f"/bookings/{booking['booking_id']}/extras/").content
    all_is_well()


def test_the_same_submit_twice_sells_once(agent, booking):
    query("UPDATE orders_product SET stock = 1")
    first, second = (buy(agent.client, booking, "1.1.BAG1=1", sending="one") for _ in range(2))
    assert (first["Location"], second["Location"]) == (f"/bookings/{booking['booking_id']}/",) * 2
    assert added().total_amount == 35


def test_an_old_page_sells_nothing(agent, booking):
    before = everything()
    response = buy(agent.client, booking, "1.1.BAG1=1", version='"0"')
    assert response.status_code == 412
    assert "This has changed since you opened the page." in alert(response)
    assert everything() == before


def test_a_refusal_stays_on_the_page(agent, booking):
    query("UPDATE orders_product SET stock = 1")
    before = everything()
    for response in (agent.client.get(path(booking, "1.1.BAG1=2")), buy(agent.client, booking, "1.1.BAG1=2")):
        assert response.status_code == 409
        assert "Choose fewer, or another one." in alert(response)
        assert 'name="x.1.1.BAG1" value="2"' in response.content.decode()
    assert "Choose at least one extra." in alert(agent.client.get(path(booking, "1.1.BAG1=0")))
    assert everything() == before


def test_anothers_booking_is_not_found(agent, zenith):
    other = confirmed(zenith, soon())
    before = everything()
    assert agent.client.get(path(other), headers=HTML).status_code == 404
    assert buy(agent.client, other, "1.1.BAG1=1").status_code == 404
    assert everything() == before


def test_a_cancelled_booking_refuses(agent, acme, booking):
    act(acme, booking, "cancel")
    before = everything()
    response = buy(agent.client, booking, "1.1.BAG1=1")
    assert response.status_code == 409
    assert "The booking cannot be changed in this way" in alert(response)
    assert b'name="x.1.1.BAG1"' not in response.content
    assert everything() == before


def test_a_traveller_pays_by_card_alone(booking, acme):
    guest = guest_of(booking)
    assert b"Add extras" in guest.get(f"/bookings/{booking['booking_id']}/").content
    before = everything()
    assert buy(guest, booking, "1.1.BAG1=1").status_code == 400
    assert everything() == before
    assert buy(guest, booking, "1.1.BAG1=1", **CARD).status_code == 302
    assert (str(added().agency_id), added().payment_method) == (acme.id, "card")
    held = book(acme, soon(), passengers=PARTY)
    assert guest_of(held).get(path(held))["Location"] == f"/bookings/{held['booking_id']}/"


def test_the_link_is_there_while_something_can_be_added(agent, acme, pass_time):
    booking = confirmed(acme, soon(), passengers=PARTY)
    page = f"/bookings/{booking['booking_id']}/"
    assert b"Add extras" in agent.client.get(page).content
    pass_time(hours=6)
    assert b"Add extras" not in agent.client.get(page).content
    assert b"Nothing can be added to this booking any more." in agent.client.get(f"{page}extras/").content
    response = buy(agent.client, booking, "1.1.BAG1=1")
    assert (response.status_code, Order.objects.count()) == (409, 1)
