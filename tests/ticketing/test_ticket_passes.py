"""A ticket's boarding passes: the good ones, and with `all` those that have ended."""

from uuid import uuid4

import pytest
from django.utils import timezone

from tests import factories
from tests.contract.operations import refusal
from ticketing import passes
from ticketing.models import Coupon, Ticket


@pytest.fixture
def ticket(acme, flight) -> Ticket:
    booking = factories.booking("confirmed", agency_id=acme.id)
    ticket = Ticket.objects.create(booking=booking, position=1, surname="Lovelace", number="9991234567890")
    amounts = {"currency": "USD", "fare_amount": 0, "total_amount": 0}
    coupon = Coupon.objects.create(ticket=ticket, sequence=1, flight=flight, status="C", seat="12A", **amounts)
    passes.issue_pass(coupon, sequence_number=1, at=timezone.now())
    return ticket


def path_of(ticket_id) -> str:
    return f"/api/v1/tickets/{ticket_id}/boarding-passes"


def test_the_good_pass(acme, ticket, flight):
    answer = acme.get(path_of(ticket.pk))
    [boarding_pass] = answer.json()["boarding_passes"]
    assert (answer.status_code, boarding_pass["status"], boarding_pass["ended_at"]) == (200, "good", None)
    assert (boarding_pass["event_id"], boarding_pass["seat"]) == (str(flight.pk), "12A")


def test_those_that_have_ended_if_wanted(acme, ticket):
    passes.reissue_passes(list(ticket.coupons.all()), at=timezone.now())
    assert [p["status"] for p in acme.get(path_of(ticket.pk)).json()["boarding_passes"]] == ["good"]
    all_of_them = acme.get(f"{path_of(ticket.pk)}?all=true").json()["boarding_passes"]
    assert [p["status"] for p in all_of_them] == ["reissued", "good"]


def test_of_a_ticket_that_is_not_checked_in(acme, ticket):
    passes.end_passes([coupon.pk for coupon in ticket.coupons.all()], "offloaded", at=timezone.now())
    assert acme.get(path_of(ticket.pk)).json() == {"boarding_passes": []}


def test_others_tickets_are_not_there(zenith, traveller, acme, ticket):
    refusal(zenith.get(path_of(ticket.pk)), 404, "ticket_not_found")
    refusal(traveller.get(path_of(ticket.pk)), 404, "ticket_not_found")
    refusal(acme.get(path_of(uuid4())), 404, "ticket_not_found")


def test_the_cost_does_not_grow_with_the_passes(acme, ticket, django_assert_num_queries):
    acme.get(path_of(ticket.pk))
    with django_assert_num_queries(3):
        acme.get(f"{path_of(ticket.pk)}?all=true")
    for _ in range(5):
        passes.reissue_passes(list(ticket.coupons.all()), at=timezone.now())
    with django_assert_num_queries(3):
        assert len(acme.get(f"{path_of(ticket.pk)}?all=true").json()["boarding_passes"]) == 6
