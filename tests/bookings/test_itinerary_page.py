"""The itinerary on paper and by mail: localised, sent by a task, recorded when sent, and not to be used as a flood."""

import pytest
from django.core import mail

from bookings.tasks import mail_itinerary
from orders import itineraries
from skybridge.messages import QueueAway
from tests.bookings.sales import actions_logged, book, confirmed, query
from tests.bookings.test_booking_page import NAMED, guest_of, page_of, text
from tests.conftest import new_client
from tests.orders import shop
from tests.orders.emds import bag, sold


@pytest.fixture
def queue(monkeypatch):
    """What is left with the broker."""
    sent: list[tuple] = []
    monkeypatch.setattr(itineraries, "send_surely", lambda task, *arguments: sent.append((task, arguments)))
    return sent


def ask(client, booking: dict, email: str = "ada@example.com", **headers):
    return client.post(page_of(booking, "booking-mail"), {"email": email}, headers=headers)


def test_it_shows_flights_passengers_and_price(agent, acme, flight):
    booking = confirmed(acme, flight, passengers=NAMED)
    shown = text(agent.client.get(page_of(booking, "booking-itinerary")))
    for words in (booking["record_locator"], "FL123", "Ada Lovelace", booking["tickets"][0]["displayed_number"]):
        assert words in shown, words


def test_one_that_is_not_confirmed_says_so(agent, acme, flight):
    assert "is not confirmed" in text(agent.client.get(page_of(book(acme, flight), "booking-itinerary")))


def test_it_is_mailed_by_a_task_and_recorded_then(agent, acme, flight, queue):
    booking = confirmed(acme, flight, passengers=NAMED)
    assert ask(agent.client, booking).status_code == 302
    assert "booking.itinerary_mailed" not in actions_logged(booking)
    [(task, arguments)] = queue
    assert task == "bookings.mail_itinerary"
    mail_itinerary(*arguments)
    [message] = mail.outbox
    assert message.to == ["ada@example.com"]
    assert booking["record_locator"] in message.subject
    [(html, kind)] = message.alternatives
    for words in ("FL123", "Lovelace", booking["tickets"][0]["displayed_number"]):
        assert words in message.body, words
        assert words in html, words
    assert kind == "text/html"
    assert "<" not in message.body
    sql = "SELECT actor_kind, actor_id, door, after ->> 'to' FROM skybridge_event WHERE action = %s"
    assert query(sql, "booking.itinerary_mailed") == [("agent", agent.id, "page", "ada@example.com")]


def test_the_mail_has_the_extras_and_the_total_of_the_page(agent, acme, flight, queue):
    booking = confirmed(acme, flight, passengers=NAMED)
    shop.product("BAG1", "35.00", name="Checked bag", rfic="C", rfisc="0CC")
    sold(acme, bag(booking, quantity=2))
    total = f"${booking['total_amount'] + 70:,.2f}"
    assert total in text(agent.client.get(page_of(booking, "booking-itinerary")))
    ask(agent.client, booking)
    mail_itinerary(*queue[0][1])
    [message] = mail.outbox
    for body in (message.body, message.alternatives[0].content):
        assert "Ada Lovelace: Checked bag × 2, $70.00" in body
        assert total in body


def test_it_is_written_in_the_visitor_s_language(agent, acme, flight, queue):
    booking = confirmed(acme, flight)
    ask(agent.client, booking, **{"Accept-Language": "ar"})
    mail_itinerary(*queue[0][1])
    [(html, _)] = mail.outbox[0].alternatives
    assert 'lang="ar" dir="rtl"' in html


@pytest.mark.parametrize(
    "email", ["", "nobody", "a@b", "a@example.com\nBcc: b@example.com", "a@example.com, b@example.com"]
)
def test_what_is_no_address_is_asked_again(agent, acme, flight, queue, email):
    answer = ask(agent.client, confirmed(acme, flight), email)
    assert answer.status_code == 400
    assert b'role="alert"' in answer.content
    assert not queue


def test_nobody_is_flooded(agent, acme, flight, queue):
    booking = confirmed(acme, flight)
    statuses = [ask(agent.client, booking).status_code for _ in range(6)]
    assert statuses == [302] * 5 + [429]
    assert len(queue) == 5


def test_a_queue_that_is_away_keeps_the_address(agent, acme, flight, monkeypatch):
    def away(*_):
        raise QueueAway

    monkeypatch.setattr(itineraries, "send_surely", away)
    answer = ask(agent.client, confirmed(acme, flight))
    assert answer.status_code == 503
    assert b"ada@example.com" in answer.content


def test_an_empty_booking_has_nothing_to_mail(agent, acme, queue):
    empty = acme.post("/api/v1/bookings", {}).json()
    assert ask(agent.client, empty).status_code == 409
    assert not queue


def test_it_is_mailed_for_whoever_sees_the_booking(agent, zenith, traveller, flight, queue):
    assert ask(agent.client, confirmed(zenith, flight)).status_code == 404
    own = confirmed(traveller, flight)
    assert ask(new_client(), own).status_code == 302
    assert not queue
    assert ask(guest_of(own), own).status_code == 302
    assert len(queue) == 1
