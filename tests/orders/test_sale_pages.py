"""Extras, payment, and what has come of it: paid once, shown until it is done, paid again where a card was declined."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from bookings.models import Booking
from orders.models import Order
from tests.bookings.sales import act, book, let_hold_run_out, query
from tests.bookings.selling import HTML, hold, send
from tests.factories import flight as make_flight
from tests.orders.shop import everything, product, run
from tests.skybridge.staff import with_role

ACCOUNT, CARD = {"method": "account"}, {"method": "card", "token": "tok_success"}


@pytest.fixture
def extras(db):
    product("BAG1", "35.00", rfic="C", rfisc="0CC", category="baggage", name="First bag")
    product("SEATPREF", "24.00", rfic="A", category="seat", name="Preferred seat")
    product("MUG", "9.50", name="Mug")


@pytest.fixture
def held(agent, flight, extras) -> str:
    return hold(agent.client, flight)


def pay_path(booking_id: str, **wanted: int) -> str:
    return f"/bookings/{booking_id}/pay/?" + "&".join(f"x.{name.replace('_', '.')}={n}" for name, n in wanted.items())


def pay(api, booking_id: str, wanted: dict | None = None, **fields):
    return send(api.client, pay_path(booking_id, **(wanted or {})), **fields)


def outcome(api, booking_id: str):
    return api.client.get(f"/bookings/{booking_id}/sold/", headers=HTML)


def work(booking_id: str) -> None:
    """Carry the booking's order on as a worker does."""
    run({"order_id": Booking.objects.get(pk=booking_id).order_id})


# --- Extras ---


def test_extras_by_passenger_and_for_nobody(agent, held):
    page = agent.client.get(f"/bookings/{held}/extras/", headers=HTML)
    assert page.status_code == 200
    text = page.content.decode()
    assert 'name="x.1.1.BAG1"' in text
    assert 'name="x.0.0.MUG"' in text
    assert "SEATPREF" not in text
    assert 'data-countdown="1' in text


@pytest.mark.parametrize(
    ("free", "words"),
    [(0, "No checked bag is included"), (1, "ticket: 1 checked bag on each flight"), (2, "ticket: 2 checked bags on")],
)
def test_extras_say_how_many_bags_the_ticket_includes(agent, held, settings, free, words):
    settings.FREE_CHECKED_BAGS = free
    assert words in agent.client.get(f"/bookings/{held}/extras/", headers=HTML).content.decode()


def test_extras_are_for_the_flight_that_is_left(agent, acme, extras):
    held = book(acme, make_flight("JFK", "LAX"), back := make_flight("LAX", "JFK"))["booking_id"]
    query("UPDATE ticketing_coupon SET is_superseded = true, status = 'V' WHERE sequence = 1")
    assert b'name="x.1.2.BAG1"' in agent.client.get(f"/bookings/{held}/extras/", headers=HTML).content
    assert agent.client.get(pay_path(held, **{"1_1_BAG1": 1}), headers=HTML).status_code == 400
    assert pay(agent, held, {"1_2_BAG1": 1}, **ACCOUNT).status_code == 302
    assert query("SELECT k.flight_id FROM ticketing_emd JOIN ticketing_coupon k ON k.id = coupon_id") == [(back.pk,)]


def test_extras_keep_what_was_chosen(agent, held):
    page = agent.client.get(f"/bookings/{held}/extras/?x.1.1.BAG1=2", headers=HTML)
    assert b'name="x.1.1.BAG1" value="2"' in page.content


def test_extras_keep_the_seats_that_are_wanted(agent, held):
    page = agent.client.get(f"/bookings/{held}/extras/?x.1.1.SEATPREF=1&wish=a.b.1A&other=1", headers=HTML)
    assert page.context["kept"] == [("x.1.1.SEATPREF", "1"), ("wish", "a.b.1A")]
    assert page.context["so_far"] == Booking.objects.get(pk=held).total_amount + 24


# --- The price, and paying ---


def test_price_of_it_all(agent, held):
    due = agent.client.get(pay_path(held, **{"1_1_BAG1": 2, "0_0_MUG": 1}), headers=HTML).context["due"]
    total = Booking.objects.get(pk=held).total_amount
    [ada] = due.passengers
    assert ada.total_amount == total + 70
    assert ada.fare_amount + ada.tax_amount == total
    assert float(due.total_amount) == pytest.approx(float(total) + 79.5)


def test_pay_on_account(agent, held):
    response = pay(agent, held, {"1_1_BAG1": 1, "0_0_MUG": 2}, **ACCOUNT)
    assert (response.status_code, response["Location"]) == (302, f"/bookings/{held}/sold/")
    order = Order.objects.get()
    assert (order.payment_method, order.contact_email) == ("account", "ada@example.com")
    assert float(order.total_amount) == pytest.approx(float(Booking.objects.get(pk=held).total_amount) + 35 + 19)
    assert query("SELECT product_id, quantity FROM ticketing_emd") == [("BAG1", 1)]


def test_an_itinerary_adds_up_what_was_paid(agent, held):
    pay(agent, held, {"1_1_BAG1": 2}, **ACCOUNT)
    work(held)
    shown = agent.client.get(f"/bookings/{held}/itinerary/", headers=HTML)
    look, order = shown.context["look"], Order.objects.get()
    assert (look.extras_amount, look.amount_with_extras) == (70, order.total_amount)
    assert b"First bag \xc3\x97 2, $70.00" in shown.content


def test_an_extra_says_for_which_flight_it_is(agent, flight, extras):
    back = make_flight("LAX", "JFK", departs_at=timezone.now() + timedelta(days=9))
    held = hold(agent.client, flight, back)
    pay(agent, held, {"1_2_BAG1": 2}, **ACCOUNT)
    work(held)
    [(ticket,)] = query("SELECT id FROM ticketing_ticket")
    for path in (f"/bookings/{held}/", f"/bookings/{held}/itinerary/", f"/tickets/{ticket}/"):
        shown = agent.client.get(path, headers=HTML).content.decode()
        assert 'First bag × 2 <bdi class="quiet">LAX–JFK</bdi>' in shown


def test_outcome_waits_then_shows_locator_and_tickets(agent, held):
    pay(agent, held, **ACCOUNT)
    page = outcome(agent, held)
    assert page.context["outcome"].state == "waiting"
    assert b'http-equiv="refresh"' in page.content
    work(held)
    page = outcome(agent, held)
    assert page.context["outcome"].state == "ticketed"
    booking = Booking.objects.get(pk=held)
    [(number,)] = query("SELECT number FROM ticketing_ticket")
    assert booking.locator.encode() in page.content
    assert f"{number[:3]}-{number[3:]}".encode() in page.content
    assert b'http-equiv="refresh"' not in page.content


def test_sent_twice_pays_once(agent, held):
    first, second = (pay(agent, held, **CARD, sending="one") for _ in range(2))
    assert first["Location"] == second["Location"]
    assert (Order.objects.count(), query("SELECT count(*) FROM partners_payment")) == (1, [(1,)])


def test_another_sending_is_led_to_the_sale(agent, held):
    pay(agent, held, **CARD, sending="one")
    before = everything()
    response = pay(agent, held, **CARD, sending="two")
    assert (response.status_code, response["Location"]) == (302, f"/bookings/{held}/sold/")
    assert everything() == before


def test_declined_card_is_replaced(agent, held):
    pay(agent, held, method="card", token="tok_decline")
    work(held)
    page = outcome(agent, held)
    assert page.context["outcome"].state == "declined"
    assert page.context["outcome"].can_pay_again
    assert outcome(agent, held).status_code == 200
    assert send(agent.client, f"/bookings/{held}/sold/", token="tok_success").status_code == 302
    work(held)
    assert outcome(agent, held).context["outcome"].state == "ticketed"


def test_given_up_sale_has_ended(agent, acme, held):
    pay(agent, held, method="card", token="tok_decline")
    work(held)
    acme.post(f"/api/v1/orders/{Order.objects.get().pk}/cancel")
    page = outcome(agent, held)
    assert page.context["outcome"].state == "ended"
    before = everything()
    assert send(agent.client, f"/bookings/{held}/sold/", token="tok_success").status_code == 409
    assert everything() == before


@pytest.mark.parametrize("fields", [{}, {"method": "cash"}, {"method": "card", "token": "4111 1111 1111 1111"},
                                    {"method": "card", "token": ""}])  # fmt: skip
def test_wrong_payment(agent, held, fields):
    before = everything()
    assert pay(agent, held, **fields).status_code == 400
    assert everything() == before


def test_beyond_the_credit_limit(agent, acme, held):
    acme.get("/api/v1/statement")
    query(
        "INSERT INTO partners_account (code, kind, agency_id, customer_id, currency, balance, credit_limit, created_at)"
        " VALUES (%s, 'agency', %s, '', 'USD', 0, 10, now()) ON CONFLICT (code) DO UPDATE SET credit_limit = 10",
        f"agency:{acme.id}:USD", acme.id,
    )  # fmt: skip
    before = everything()
    page = pay(agent, held, {"1_1_BAG1": 1}, **ACCOUNT)
    assert (page.status_code, page.context["form"].errors.as_data()["__all__"][0].code) == (
        409,
        "credit_limit_exceeded",
    )
    assert b"First bag" in page.content
    assert everything() == before


@pytest.mark.parametrize(
    ("wanted", "code"),
    [({"1_1_NONE": 1}, 400), ({"2_1_BAG1": 1}, 400), ({"1_2_BAG1": 1}, 400), ({"1_1_BAG1": 99}, 400),
     ({"1_1_BAG1": -1}, 400), ({"1_1_BAG1": 0}, 200), ({"1_1_MUG": 1}, 409)],
)  # fmt: skip
def test_addresses_of_extras(agent, held, wanted, code):
    before = everything()
    response = agent.client.get(pay_path(held, **wanted), headers=HTML)
    assert response.status_code in (code, 200 if code == 409 else code)
    assert everything() == before


def test_sold_out_extra(agent, held):
    query("UPDATE orders_product SET stock = 1")
    before = everything()
    assert pay(agent, held, {"1_1_BAG1": 2}, **ACCOUNT).status_code == 409
    assert everything() == before


def test_hold_that_has_run_out_leads_to_the_search(agent, flight, held):
    let_hold_run_out(held)
    before = everything()
    for page in (agent.client.get(f"/bookings/{held}/extras/", headers=HTML), pay(agent, held, **ACCOUNT)):
        assert b"The time to pay has run out" in page.content
        assert f"origin={flight.origin_id}&amp;destination={flight.destination_id}".encode() in page.content
    assert everything() == before


# --- Whose it is ---


def test_anothers_booking(agent, zenith, flight, extras):
    other = book(zenith, flight)["booking_id"]
    before = everything()
    assert [agent.client.get(f"/bookings/{other}/{page}/", headers=HTML).status_code
            for page in ("extras", "pay", "sold")] == [404, 404, 404]  # fmt: skip
    assert pay(agent, other, **ACCOUNT).status_code == 404
    assert everything() == before


def test_staff_sells_for_an_agency_on_its_account(staff, acme, flight, extras):
    held = hold(staff.client, flight, agency="Acme Travel")
    pay(staff, held, **ACCOUNT)
    assert str(Order.objects.get().agency_id) == acme.id


def test_staff_sells_at_the_counter(staff, flight, extras):
    held = hold(staff.client, flight, customer="")
    assert b"At the counter" in staff.client.get(pay_path(held), headers=HTML).content
    assert pay(staff, held, **ACCOUNT).status_code == 302


def test_nobody_and_roles_without_the_permission(client, held):
    before = everything()
    assert client.get(pay_path(held))["Location"].startswith("/login/")
    assert with_role("viewer").post(pay_path(held), ACCOUNT, headers=HTML).status_code == 403
    assert everything() == before


def test_booking_that_is_not_for_sale(agent, acme, flight, extras):
    cancelled = book(acme, flight)
    act(acme, cancelled, "cancel")
    empty = acme.post("/api/v1/bookings", {}).json()
    before = everything()
    for booking in (cancelled, empty):
        assert pay(agent, booking["booking_id"], **ACCOUNT).status_code == 409
        assert agent.client.get(f"/bookings/{booking['booking_id']}/sold/").status_code == 302
    assert everything() == before


def test_looking_changes_nothing(agent, held, django_assert_max_num_queries):
    before = everything()
    with django_assert_max_num_queries(5):
        agent.client.get(f"/bookings/{held}/extras/", headers=HTML)
    with django_assert_max_num_queries(5):
        agent.client.get(pay_path(held, **{"1_1_BAG1": 1}), headers=HTML)
    assert everything() == before


def test_statements_of_the_outcome(agent, held, django_assert_max_num_queries):
    pay(agent, held, **ACCOUNT)
    before = everything()
    with django_assert_max_num_queries(5):
        outcome(agent, held)
    assert everything() == before


def test_seats_paid_with_the_booking_are_taken_after_it(agent, held):
    seat = f"{uuid4()}.{uuid4()}.14A"
    response = agent.client.post(f"{pay_path(held)}wish={seat}", ACCOUNT, headers={"Accept": "text/html"})
    assert response["Location"] == f"/bookings/{held}/sold/?wish={seat}"
    work(held)
    page = agent.client.get(response["Location"]).content.decode()
    assert f'href="/bookings/{held}/seats/?wish={seat}"' in page
