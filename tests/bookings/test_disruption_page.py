"""What passengers choose on a page after a disruption: accept, another flight, or all of the money back."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest

from skybridge.models import Approval
from tests.bookings.sales import confirmed, counters, coupons_of
from tests.bookings.test_booking_page import guest_of, in_role, page_of, text
from tests.conftest import new_client
from tests.contract.operations import snapshot
from tests.factories import flight as make_flight


def disrupt(staff, flight, **body) -> None:
    answer = staff.post(f"/api/v1/flights/{flight.pk}/disruptions", body)
    assert answer.status_code == 201, answer.content


def delay(staff, flight, hours: int) -> None:
    departs = flight.departs_at + timedelta(hours=hours)
    arrives = departs + timedelta(hours=6)
    disrupt(staff, flight, kind="delay", departs_at=departs.isoformat(), arrives_at=arrives.isoformat(), reason="Snow")


def choice_of(api, booking: dict) -> str:
    """Return the page on which a booking's newest disruption is decided."""
    [disruption, *_] = api.get(f"/api/v1/bookings/{booking['booking_id']}/disruptions").json()
    return page_of(booking, "booking-choice", disruption["disruption_id"])


@pytest.fixture
def other(flight):
    return make_flight("JFK", "LAX", departs_at=flight.departs_at + timedelta(hours=5))


def test_the_booking_says_what_has_happened_and_leads_to_the_choice(agent, acme, staff, flight, other):
    booking = confirmed(acme, flight)
    disrupt(staff, flight, kind="cancellation", reason="Snow storm")
    shown = text(agent.client.get(page_of(booking)))
    for words in ("The flight is cancelled.", "Snow storm", other.designator, "You have been given another flight"):
        assert words in shown, words
    assert choice_of(acme, booking) in shown


def test_changed_flights_are_accepted(agent, acme, staff, flight):
    booking = confirmed(acme, flight)
    delay(staff, flight, hours=8)
    page = choice_of(acme, booking)
    assert "Take these flights" in text(agent.client.get(page))
    assert agent.client.post(page, {"choice": "accept"}).url == page_of(booking)
    assert "You fly as it is now." in text(agent.client.get(page_of(booking)))


def test_a_delayed_flight_shows_when_it_was_to_leave_and_by_how_much_it_moved(agent, acme, staff, flight):
    booking = confirmed(acme, flight)
    delay(staff, flight, hours=1)
    flight.refresh_from_db()
    delay(staff, flight, hours=7)  # eight in all
    for page in (page_of(booking), choice_of(acme, booking)):
        response = agent.client.get(page)
        shown = re.sub("<[^>]*>", "", text(response))
        [leg] = response.context["look"].flights
        assert leg.facts.departs_at - leg.was_departing == timedelta(hours=8)
        assert re.search(rf"was [\w, ]*\b{leg.was_departing:%H:%M}", shown)
        assert "It leaves 8h later than planned." in shown


def test_another_flight_costs_nothing(agent, acme, staff, flight, other):
    booking = confirmed(acme, flight)
    delay(staff, flight, hours=8)
    page = choice_of(acme, booking)
    offers = agent.client.get(page, {"date": other.departure_date}).context["choosing"].offers
    assert [offer.flight.id for offer in offers] == [other.pk]
    agent.client.post(page, {"choice": "rebook", "event_id": other.pk})
    assert (counters(flight)["sold"], counters(other)["sold"]) == (0, 1)


def test_all_of_the_money_goes_back(agent, acme, staff, flight):
    booking = confirmed(acme, flight)
    disrupt(staff, flight, kind="cancellation", reason="Snow")
    page = choice_of(acme, booking)
    assert agent.client.get(page).context["choosing"].back == Decimal(str(booking["total_amount"]))
    agent.client.post(page, {"choice": "refund"})
    assert coupons_of(booking) == ["R"]


@pytest.mark.parametrize("body", [{}, {"choice": "rebook"}, {"choice": "nap"}, {"choice": "rebook", "event_id": "x"}])
def test_no_choice_is_asked_again(agent, acme, staff, flight, body):
    booking = confirmed(acme, flight)
    delay(staff, flight, hours=8)
    before = snapshot()
    assert agent.client.post(choice_of(acme, booking), body).status_code == 400
    assert snapshot() == before


def test_what_cannot_be_chosen_is_refused(agent, acme, staff, flight):
    booking = confirmed(acme, flight)
    disrupt(staff, flight, kind="cancellation", reason="Snow")
    before = snapshot()
    answer = agent.client.post(choice_of(acme, booking), {"choice": "accept"})
    assert answer.status_code == 409
    assert b"cannot be chosen" in answer.content
    assert snapshot() == before


@pytest.mark.parametrize("choice", ["rebook", "refund"])
def test_an_agency_s_passenger_accepts_alone(acme, staff, flight, other, choice):
    booking = confirmed(acme, flight)
    delay(staff, flight, hours=8)
    page, client = choice_of(acme, booking), guest_of(booking)
    assert client.get(page).context["choosing"].choices == ["accept"]
    before = snapshot()
    assert client.post(page, {"choice": choice, "event_id": other.pk}).status_code == 403
    assert snapshot() == before
    assert client.post(page, {"choice": "accept"}).status_code == 302


def test_staff_refund_above_the_limit_with_a_second_person(acme, staff, flight, settings):
    settings.REFUND_APPROVAL_ABOVE = Decimal(10)
    booking, client = confirmed(acme, flight), in_role("reservations")
    disrupt(staff, flight, kind="cancellation", reason="Snow")
    client.post(choice_of(acme, booking), {"choice": "refund", "reason": "as asked"})
    assert Approval.objects.count() == 1
    assert "R" not in coupons_of(booking)


def test_staff_need_the_role(acme, staff, flight):
    booking, client = confirmed(acme, flight), in_role("check-in")
    delay(staff, flight, hours=8)
    assert client.post(choice_of(acme, booking), {"choice": "accept", "reason": "x"}).status_code == 403


def test_another_s_disruption_is_404(agent, zenith, staff, flight):
    booking = confirmed(zenith, flight)
    delay(staff, flight, hours=8)
    page = choice_of(zenith, booking)
    assert agent.client.get(page).status_code == 404
    assert new_client().get(page).url.startswith("/manage/")


def test_the_pages_take_ten_statements_at_most(agent, acme, staff, flight, other, django_assert_max_num_queries):
    booking = confirmed(acme, flight, seats=3)
    disrupt(staff, flight, kind="cancellation", reason="Snow")
    page = choice_of(acme, booking)
    agent.client.get(page)
    for address in (page, page_of(booking)):
        with django_assert_max_num_queries(10):
            assert agent.client.get(address).status_code == 200
