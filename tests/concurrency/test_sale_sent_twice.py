"""Passengers, and a payment, sent twice at one moment: held once, paid once, and both presses are led on."""

import pytest
from django.test import Client

from orders.models import Order
from skybridge import sending
from tests.bookings.sales import counters
from tests.bookings.selling import ADA, CONTACT, hold, sale_path, send
from tests.concurrency.racing import together


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
