"""The departures board and a flight's page: who sees them, what they show, how gate and end are set."""

from datetime import timedelta

import pytest
from django.utils import timezone

from flights.localtime import local_date
from orders.departures import set_gate
from orders.disruption.planning import Change
from orders.disruption.services import disrupt
from orders.models import Disruption
from tests import factories
from tests.ticketing.airport import agent_of, in_role, opened, sent, text_of
from tests.ticketing.desk import nothing_changes, soon
from tests.ticketing.gates import ADA, BOB, STAFF, check_in, scanned, status_of
from ticketing.models import Departure

BOARD = "/departures/"


@pytest.fixture
def clerk(db):
    return in_role("check-in")


@pytest.fixture
def flight(db):
    return soon(number=123)


def page_of(flight, rest: str = "") -> str:
    return f"/departures/{flight.pk}/{rest}"


def test_the_board_shows_the_busiest_airport(clerk, staff):
    flight = soon(carrier="FL", number=123)
    check_in(staff, flight, ADA, BOB, minutes=90)
    set_gate(flight.pk, "B12", caller=STAFF, at=timezone.now())
    factories.flight("BOS", "LAX", departs_at=timezone.now() + timedelta(hours=1))
    said = opened(clerk, BOARD)
    assert "Departures · New York JFK" in said
    assert "FL 123 Los Angeles LAX B12 On time 2 0 2 / 100" in said


def test_the_board_tells_of_delays(clerk):
    flight = soon(number=7)
    change = Change(
        Disruption.Kind.DELAY, "fog", flight.departs_at + timedelta(minutes=50), flight.arrives_at + timedelta(hours=1)
    )
    disrupt(flight.pk, change, actor=STAFF, at=timezone.now())
    said = opened(clerk, f"{BOARD}?airport=jfk&date={local_date(change.departs_at, flight.origin.timezone)}")
    assert "Planned:" in said
    assert "Delayed to" in said


def test_pages_of_a_day_lead_there_and_back(clerk):
    day = timezone.now() + timedelta(days=3)
    noon = day.replace(hour=17, minute=0, second=0, microsecond=0)
    for n in range(45):
        factories.flight("JFK", "LAX", number=2000 + n, departs_at=noon + timedelta(minutes=n))
    first = clerk.get(f"{BOARD}?airport=JFK&date={noon:%Y-%m-%d}")
    assert ("FL 2039" in text_of(first), "FL 2040" in text_of(first)) == (True, False)
    second = clerk.get(f"{BOARD}?{first.context['later']}")
    assert ("FL 2039" in text_of(second), "FL 2040" in text_of(second)) == (False, True)
    back = clerk.get(f"{BOARD}?{second.context['earlier']}")
    assert [row.facts.id for row in back.context["board"].rows] == [row.facts.id for row in first.context["board"].rows]
    assert back.context["earlier"] == ""


@pytest.mark.parametrize("text", ["FL77", "77", "fl 77", "los", "LAX"])
def test_the_filter_finds_flights(clerk, text):
    soon(number=77)
    soon(destination="BOS", number=99)
    said = opened(clerk, f"{BOARD}?airport=JFK&q={text}&date={soon(number=5).departure_date}")
    assert ("FL 77" in said, "FL 99" in said) == (True, False)


def test_the_board_does_not_know_an_airport(clerk):
    assert "We know no airport with these letters" in opened(clerk, f"{BOARD}?airport=QQQ", 400)
    assert "Not a cursor" in opened(clerk, f"{BOARD}?airport={soon().origin_id}&after=nonsense", 400)


def test_the_board_costs_the_same_however_many_flights(clerk, django_assert_max_num_queries):
    for n in range(12):
        soon(number=300 + n)
    clerk.get(BOARD)
    with django_assert_max_num_queries(8):
        clerk.get(BOARD)


def test_who_may_open_the_airports_pages(agent, handler, nobody, flight, clerk):
    for path in (BOARD, page_of(flight)):
        assert nobody.client.get(path).headers["Location"].startswith("/login/")
        assert "You may not do this" in opened(agent.client, path, 403)
    assert "FL 123" in opened(agent_of(handler), page_of(flight))
    assert "FL 123" in opened(in_role("viewer"), page_of(flight))
    assert "There is no such flight" in opened(clerk, page_of(factories.booking()), 404)


def test_a_flights_page_has_counts_and_manifest(clerk, acme, flight):
    check_in(acme, flight, ADA, BOB)
    said = opened(clerk, page_of(flight))
    assert "On board 0 Checked in 2 Booked 2" in said
    assert "Lovelace, Ada Ms" in said
    assert "Babbage" not in opened(clerk, page_of(flight, "?q=lovelace"))
    assert "No passenger fits" in opened(clerk, page_of(flight, "?state=boarded"))


def test_a_flights_page_costs_the_same(clerk, acme, flight, django_assert_max_num_queries):
    check_in(acme, flight, *[ADA] * 9)
    clerk.get(page_of(flight))
    with django_assert_max_num_queries(7):
        clerk.get(page_of(flight))


def test_the_gate_is_changed(clerk, flight):
    sent(clerk, page_of(flight), {"gate": "b12 "}, 302)
    assert Departure.objects.get(pk=flight.pk).gate == "B12"
    with nothing_changes():
        said = text_of(sent(clerk, page_of(flight), {"gate": "B-12"}, 400))
        assert "Letters and digits only" in said
        sent(in_role("viewer"), page_of(flight), {"gate": "C1"}, 403)


def test_a_passenger_is_taken_off(clerk, acme, flight):
    [ada, bob] = check_in(acme, flight, ADA, BOB)
    other = factories.flight()
    with nothing_changes():
        assert "Lovelace, Ada Ms" in opened(clerk, page_of(flight, f"offload/{ada.coupon_id}/"))
        opened(clerk, page_of(other, f"offload/{ada.coupon_id}/"), 404)
        sent(clerk, page_of(other, f"offload/{ada.coupon_id}/"), {}, 404)
    sent(clerk, page_of(flight, f"offload/{ada.coupon_id}/"), {}, 302)
    assert [status_of(ada)[0], status_of(bob)[0]] == ["O", "C"]
    with nothing_changes():
        again = sent(clerk, page_of(flight, f"offload/{ada.coupon_id}/"), {}, 409)
    assert "The passenger is not checked in." in text_of(again)


def test_the_ground_handler_takes_off_who_is_not_aboard(handler, acme, flight):
    [ada] = check_in(acme, flight)
    sent(agent_of(handler), page_of(flight, f"offload/{ada.coupon_id}/"), {}, 302)
    assert status_of(ada)[0] == "O"


def test_only_who_may_take_off_is_offered_it(clerk, handler, acme, flight):
    [ada] = check_in(acme, flight)
    gate_agent = agent_of(handler)
    assert "Take off" in opened(gate_agent, page_of(flight))
    scanned(handler, flight, ada)
    assert "Take off" not in opened(gate_agent, page_of(flight))
    assert "Take off" in opened(clerk, page_of(flight))
    sent(clerk, page_of(flight, "close/"), {}, 302)
    closed = opened(clerk, page_of(flight))
    assert "Take off" not in closed
    assert "Board at the gate" not in closed


def test_a_flight_is_closed_and_opened_again(clerk, acme, handler, flight):
    [ada] = check_in(acme, flight)
    assert "1 passenger stays behind" in opened(clerk, page_of(flight, "close/"))
    assert status_of(ada) == ("C", False)
    sent(clerk, page_of(flight, "close/"), {}, 302)
    assert status_of(ada) == ("O", True)
    with nothing_changes():
        opened(agent_of(handler), page_of(flight, "reopen/"), 403)
        sent(clerk, page_of(flight, "reopen/"), {"reason": ""}, 400)
    sent(clerk, page_of(flight, "reopen/"), {"reason": "Closed by mistake"}, 302)
    assert status_of(ada) == ("O", False)


def test_a_flight_is_not_closed_too_early(clerk, acme, flight):
    check_in(acme, flight, minutes=300)
    with nothing_changes():
        refused = sent(clerk, page_of(flight, "close/"), {}, 409)
    assert "Boarding is not open yet" in text_of(refused)
