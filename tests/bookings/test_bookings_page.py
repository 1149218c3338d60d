"""The list of bookings: found by what people quote, within what the caller sees, or the newest."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bookings.models import Booking
from orders.booking_search import search_bookings
from orders.disruption.finding import disrupted
from partners.callers import Caller
from tests.bookings.sales import act, book, confirmed, let_hold_run_out, refused
from tests.bookings.test_booking_page import NAMED, in_role, page_of, text
from tests.conftest import new_client
from tests.contract.operations import snapshot
from tests.orders import shop
from tests.orders.disrupting import cancel, choose, later, move

CONTACT = {"email": "ada@example.com", "phone": "+1 212 555 0123"}


def found(client, words: str) -> list[str]:
    """Return the locators that a search shows, or the one booking that it leads to."""
    answer = client.get("/bookings/", {"q": words})
    if answer.status_code == 302:
        booking_page = client.get(answer.url)
        return [booking_page.context["booking"]["record_locator"]]
    assert answer.status_code == 200
    return [look.document["record_locator"] for look in answer.context["looks"]]


@pytest.fixture
def sold(acme, zenith, flight):
    """A booking of Acme's, and one of Zenith's of somebody with the same name and customer id."""
    own = confirmed(acme, flight, passengers=NAMED, user_id="CUST1", contact=CONTACT)
    return own, confirmed(zenith, flight, passengers=NAMED, user_id="CUST1", contact=CONTACT)


@pytest.mark.parametrize(
    "words",
    [
        lambda b: b["record_locator"],
        lambda b: f" {b['record_locator'].lower()} ",
        lambda b: b["booking_id"],
        lambda b: b["order_id"],
        lambda b: b["tickets"][1]["ticket_id"],
        lambda b: b["tickets"][1]["number"],
        lambda b: b["tickets"][1]["displayed_number"],
        lambda b: "lovelace",
        lambda b: "babbage/charles",
        lambda b: "Charles Babbage",
        lambda b: "CUST1",
        lambda b: "+1 212 555 0123",
        lambda b: "12125550123",
    ],
)
def test_an_agent_finds_its_agency_s_booking_alone(agent, sold, words):
    own, _ = sold
    assert found(agent.client, words(own)) == [own["record_locator"]]


@pytest.mark.parametrize("key", ["record_locator", "booking_id", "order_id"])
def test_another_agency_s_is_not_found(agent, sold, key):
    answer = agent.client.get("/bookings/", {"q": sold[1][key]})
    assert "Nothing was found." in text(answer)


def test_staff_find_them_all(sold, db):
    client = in_role("viewer")
    both = {booking["record_locator"] for booking in sold}
    for words in ("lovelace/ada", "CUST1", "+12125550123"):
        assert set(found(client, words)) == both, words


def test_the_text_stays_in_the_header_s_box(agent):
    page = text(agent.client.get("/bookings/", {"q": 'no"body'}))
    assert 'value="no&quot;body"' in page
    assert "Nothing was found." in page


@pytest.mark.parametrize("words", ["%", "'; DROP", "🛫", "x" * 100, "a/b/c", "999-9999999999", "/"])
def test_odd_texts_find_nothing(agent, sold, words):
    assert agent.client.get("/bookings/", {"q": words}).status_code == 200


def test_without_a_text_the_newest_come_first(agent, acme, zenith, flight):
    ours = [book(acme, flight)["record_locator"] for _ in range(3)]
    book(zenith, flight)
    assert found(agent.client, "") == ours[::-1]


def test_they_are_filtered_by_state(agent, acme, flight):
    held, sold, gone = book(acme, flight), confirmed(acme, flight), book(acme, flight)
    let_hold_run_out(gone["booking_id"])
    for state, booking in (("pending", held), ("confirmed", sold), ("canceled", gone)):
        page = agent.client.get("/bookings/", {"state": state})
        assert [look.document["record_locator"] for look in page.context["looks"]] == [booking["record_locator"]]
    act(acme, sold, "refund")
    assert "There are no such bookings" in text(agent.client.get("/bookings/", {"state": "confirmed"}))


def test_a_hold_shows_its_time_left(agent, acme, flight):
    book(acme, flight)
    assert "m left" in text(agent.client.get("/bookings/"))


def test_pages_follow_one_another_without_gaps(agent, acme, flight):
    made = [book(acme, flight)["record_locator"] for _ in range(23)]
    first = agent.client.get("/bookings/")
    second = agent.client.get(f"/bookings/?{first.context['next']}")
    shown = [look.document["record_locator"] for page in (first, second) for look in page.context["looks"]]
    assert shown == made[::-1]
    assert not second.context["next"]


def test_a_made_up_cursor_is_refused(agent):
    assert agent.client.get("/bookings/", {"cursor": "x"}).status_code == 400


def test_who_is_not_signed_in_is_led_to_sign_in(db):
    answer = new_client().get("/bookings/", {"q": "BCDF23"})
    assert (answer.status_code, answer.url.partition("?")[0]) == (302, "/login/")


def test_searching_changes_nothing(agent, sold):
    before = snapshot()
    agent.client.get("/bookings/", {"q": "lovelace"})
    assert snapshot() == before


def test_a_page_takes_as_many_statements_however_many_bookings(agent, acme, flight):
    book(acme, flight)
    agent.client.get("/bookings/")
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(
            connection,
        ) as one:
            agent.client.get("/bookings/")
        counts.append(len(one))
        for _ in range(5):
            book(acme, flight, seats=3)
    assert counts[0] == counts[1] <= 10


def test_a_search_takes_three_statements(agent, acme, sold, django_assert_num_queries):
    caller = Caller("agent", "1", "page", agency_id=acme.id)
    with django_assert_num_queries(3):
        views, has_more = search_bookings("lovelace", caller=caller, at=timezone.now())
    assert len(views) == 1
    assert not has_more


def test_products_on_another_order_do_not_hide_a_booking(agent, acme, flight):
    shop.product()
    booking = book(acme, flight)
    placed = shop.order(acme, booking, ("PROD001", 1))
    assert found(agent.client, placed["order_id"]) == [booking["record_locator"]]
    assert agent.client.get(page_of(booking)).status_code == 200


# --- Those whom a disruption concerns ---


def test_disrupted_bookings_are_filtered_and_marked(agent, acme, zenith, flight):
    later(flight, seats=1)
    [moved, waiting], theirs = [confirmed(acme, flight) for _ in range(2)], confirmed(zenith, flight)
    cancel(flight)
    for concern, booking in (("waiting", waiting), ("rebooked", moved)):
        page = agent.client.get("/bookings/", {"disruption": concern})
        assert [look.document["record_locator"] for look in page.context["looks"]] == [booking["record_locator"]]
        assert f'?disruption={concern}" aria-current="page"' in text(page)
        listed = acme.get(f"/api/v1/bookings?disruption={concern}").json()["bookings"]
        assert [one["booking_id"] for one in listed] == [booking["booking_id"]]
    assert text(agent.client.get("/bookings/")).count("Disrupted: waiting for a choice</span>") == 1
    assert [b["booking_id"] for b in zenith.get("/api/v1/bookings?disruption=waiting").json()["bookings"]] == [
        theirs["booking_id"]
    ]
    refused(acme.get("/api/v1/bookings?disruption=accepted"), 400, "invalid_input")


def test_what_is_decided_or_too_late_concerns_no_more(agent, acme, flight, pass_time):
    later(flight)
    moved = confirmed(acme, flight)
    cancel(flight)
    assert found(agent.client, "") == [moved["record_locator"]]
    choose(acme, moved, "accept")
    assert agent.client.get("/bookings/", {"disruption": "rebooked"}).context["looks"] == []
    other = later(flight, 8)
    waiting = confirmed(acme, other)
    move(other, hours=8)
    assert len(agent.client.get("/bookings/", {"disruption": "waiting"}).context["looks"]) == 1
    pass_time(days=8)
    assert acme.get("/api/v1/bookings?disruption=waiting").json()["bookings"] == [], waiting


def test_a_flight_finds_who_is_on_it_and_who_was(agent, acme, zenith, flight):
    other = later(flight, seats=1)
    moved, waiting = confirmed(acme, flight), confirmed(acme, flight)
    confirmed(zenith, flight)
    cancel(flight)
    both = {moved["record_locator"], waiting["record_locator"]}
    for words in (flight.designator, f"{flight.designator} {flight.departure_date}", flight.designator.lower()):
        assert set(found(agent.client, words)) == both, words
    assert found(agent.client, other.designator) == [moved["record_locator"]]
    assert "Nothing was found." in text(agent.client.get("/bookings/", {"q": f"{flight.designator} 2020-01-01"}))
    assert len(found(in_role("viewer"), flight.designator)) == 3


@pytest.mark.parametrize(
    ("concern", "index"), [("waiting", "disruption_undecided"), ("rebooked", "orders_disruptedbooking_pkey")]
)
def test_disrupted_bookings_are_found_by_their_own_index(acme, concern, index):
    caller, at = Caller("agent", "1", "page", agency_id=acme.id), timezone.now()
    rows = disrupted(Booking.objects.visible_to(caller), concern, at).order_by("-pk")[:21]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = rows.explain()
    assert index in plan
    assert "Seq Scan" not in plan
