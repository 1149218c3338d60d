"""The mail that says that an order is complete: a confirmation of its bookings, plain text for products alone."""

from datetime import timedelta

import pytest
from django.core import mail

from orders import steps
from tests import factories
from tests.bookings.sales import book, query
from tests.bookings.test_booking_page import NAMED
from tests.orders import shop
from tests.orders.emds import bag, sold

pytestmark = pytest.mark.usefixtures("_whole")
TO = {"contact_email": "ada@example.com"}


def test_it_confirms_flights_passengers_extras_and_price(acme, flight, goods, settings):
    settings.SITE_ADDRESS = "https://sky.example/"
    early = factories.flight("LAX", "JFK", carrier="VX", number=407, departs_at=flight.departs_at - timedelta(days=1))
    booking = book(acme, flight, early, passengers=NAMED)
    order = sold(acme, booking, bag(booking, event_id=str(flight.pk)), ("PROD001", 1), **TO)
    [message] = mail.outbox
    assert message.subject == f"Booking confirmed: {booking['record_locator']} with SkyBridge"
    [number] = query("SELECT number FROM ticketing_ticket ORDER BY position LIMIT 1")[0]
    words = (booking["record_locator"], "Los Angeles (LAX)", f"Ada Lovelace, ticket {number[:3]}-{number[3:]}",
             "Ada Lovelace: Bag1, $35.00", "Prod001: $999.99", f"${order['total_amount']:,.2f}",
             "https://sky.example/manage/")  # fmt: skip
    for body in (message.body, message.alternatives[0].content):
        assert [word for word in words if word not in body] == []
        assert -1 < body.index("VX407") < body.index("FL123")
    assert "<" not in message.body


def test_products_alone_are_confirmed_in_plain_text(acme, goods):
    order = sold(acme, ("PROD001", 2), **TO)
    [message] = mail.outbox
    assert message.subject == f"Your order {order['order_id']} with SkyBridge"
    assert "2 x Prod001" in message.body
    assert not hasattr(message, "alternatives")


def test_a_worker_that_dies_in_between_sends_the_same_message_again(acme, flight, monkeypatch):
    placed = shop.order(acme, book(acme, flight), **TO)
    with monkeypatch.context() as dying:
        dying.setattr(steps, "record", strike)
        with pytest.raises(InterruptedError):
            steps.notify(placed["order_id"])
    steps.notify(placed["order_id"])
    steps.notify(placed["order_id"])
    assert len(mail.outbox) == 2
    assert len({message.extra_headers["Message-ID"] for message in mail.outbox}) == 1


def strike(*_, **__):
    raise InterruptedError


def test_it_takes_as_many_statements_for_many_bookings(acme, flight, django_assert_num_queries):
    bookings = [book(acme, flight, passengers=NAMED) for _ in range(3)]
    order = sold(acme, *bookings)
    order_row = steps.Order.objects.get(pk=order["order_id"])
    with django_assert_num_queries(4):
        message = steps.confirmation_mail(order_row, steps.booking_views([order_row.pk]), at=order_row.created_at)
    assert all(booking["record_locator"] in message.subject for booking in bookings)
