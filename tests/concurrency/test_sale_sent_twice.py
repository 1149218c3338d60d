"""Passengers, and a payment, sent twice at one moment: held once, paid once, and both presses are led on."""

import pytest
from django.test import Client

from orders import seat_choice
from orders.models import Order
from skybridge import sending
from tests import factories
from tests.bookings.sales import confirmed, counters
from tests.bookings.selling import ADA, CONTACT, hold, sale_path, send
from tests.concurrency.racing import together
from tests.orders import shop
from tests.ticketing.desk import named


def press_twice(client: Client, path: str, **fields):
    """Press the button of one page in two windows of one browser at one moment; return the answers."""
    other = Client()
    other.cookies.update(client.cookies)
    return together(lambda window=window: send(window, path, sending="one", **fields) for window in (client, other))


@pytest.fixture
def _without_the_guard(monkeypatch):
    monkeypatch.setattr(sending, "once", lambda request, act: act())


def test_seats_are_held_once(agent, flight):
    answers = press_twice(agent.client, sale_path(flight), **ADA, **CONTACT)
    assert [answer.status_code for answer in answers] == [302, 302]
    assert len({answer["Location"] for answer in answers}) == 1
    assert counters(flight)["held"] == 1


@pytest.mark.usefixtures("_without_the_guard")
def test_without_the_guard_they_are_held_twice(agent, flight):
    press_twice(agent.client, sale_path(flight), **ADA, **CONTACT)
    assert counters(flight)["held"] == 2


def test_it_is_paid_once(agent, flight):
    held = hold(agent.client, flight)
    answers = press_twice(agent.client, f"/bookings/{held}/pay/", method="card", token="tok_success")
    assert [answer["Location"] for answer in answers] == [f"/bookings/{held}/sold/"] * 2
    assert Order.objects.count() == 1


@pytest.fixture
def seat_to_pay(acme):
    """Return the address on which Ada pays for an exit row seat of a sold booking."""
    shop.product("SEATEXIT", "49.00", category="seat", rfic="A", rfisc="0B5")
    flight = factories.flight("JFK", "LAX", aircraft_type="A320-214", seats=150)
    booking = confirmed(acme, flight, passengers=[named()])
    wish = f"{booking['tickets'][0]['ticket_id']}.{flight.pk}.11A"
    return f"/bookings/{booking['booking_id']}/seats/?flight={flight.pk}&wish={wish}"


def pay_in_two_windows(client: Client, path: str):
    """Open the page twice and pay on both at one moment: two forms, each with a token of its own."""
    other = Client()
    other.cookies.update(client.cookies)
    card = {"action": "pay", "method": "card", "token": "tok_success"}
    windows = zip((client, other), ("one", "two"), strict=True)
    return together(lambda w=window, s=sending: send(w, path, sending=s, **card) for window, sending in windows)


def test_a_seat_is_paid_once(agent, seat_to_pay):
    answers = pay_in_two_windows(agent.client, seat_to_pay)
    assert sorted(answer.status_code for answer in answers) == [302, 403]
    assert Order.objects.filter(payment_method="card").count() == 1


def test_without_the_turn_it_is_paid_twice(agent, seat_to_pay, monkeypatch):
    monkeypatch.setattr(seat_choice, "wait_for", lambda lock: None)
    pay_in_two_windows(agent.client, seat_to_pay)
    assert Order.objects.filter(payment_method="card").count() == 2
