"""A thing's history is what the event log says of it and of its parts: who, when, by which door, before and after."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from skybridge import history
from skybridge.events import Actor, Happening, record, system
from skybridge.models import Event
from tests.bookings.sales import act, book, confirmed
from tests.conftest import session_api
from tests.orders import shop


@pytest.fixture
def office(db):
    return session_api(User.objects.create_superuser("head-of-office")).client


def history_of(booking: dict) -> str:
    return f"/admin/bookings/booking/{booking['booking_id']}/history/"


def text(response) -> str:
    assert response.status_code == 200, response.content
    return response.content.decode()


def test_it_says_who_did_what_by_which_door_and_what_changed(office, acme, flight):
    booking = confirmed(acme, flight)
    page = text(office.get(history_of(booking)))
    for words in ("Seats held", "Booking confirmed", "Acme Travel (agency)", "API", ">pending<", ">confirmed<"):
        assert words in page, words
    assert page.index("Booking confirmed") < page.index("Seats held")  # newest first


def test_a_booking_s_history_has_its_coupons(office, acme, flight):
    booking = confirmed(acme, flight)
    act(acme, booking, "refund")
    lines = office.get(history_of(booking)).context["lines"]
    assert any(line.words.startswith("Coupon") and line.subject.startswith("coupon") for line in lines)


def test_an_order_s_history_has_its_bookings(office, acme, flight):
    booking = book(acme, flight)
    order = shop.order(acme, booking)
    lines = office.get(f"/admin/orders/order/{order['order_id']}/history/").context["lines"]
    assert f"booking {booking['record_locator']}" in {line.subject for line in lines}


def test_people_go_by_their_name_and_tasks_by_theirs(office, acme, flight):
    booking = book(acme, flight)
    user = User.objects.get(username="head-of-office")
    for actor in (Actor("staff", str(user.pk), "admin"), system("bookings.expire_holds"), Actor("staff", "x", "admin")):
        record([Happening("booking.changed", booking["booking_id"])], actor=actor)
    who = [line.who for line in office.get(history_of(booking)).context["lines"]]
    assert who == ["x (staff)", "bookings.expire_holds", "head-of-office (staff)", "Acme Travel (agency)"]


def test_pages_follow_one_another_without_gaps(office, acme, flight):
    booking = book(acme, flight)
    record([Happening("booking.changed", booking["booking_id"])] * 60, actor=system("test"))
    first = office.get(history_of(booking))
    second = office.get(history_of(booking), {"before": first.context["following"]})
    ids = [line.event.id for page in (first, second) for line in page.context["lines"]]
    assert ids == sorted(Event.objects.filter(subject_id=booking["booking_id"]).values_list("id", flat=True))[::-1]
    assert (len(first.context["lines"]), second.context["following"]) == (history.PAGE, None)


def test_a_page_takes_six_statements_however_long_the_history(office, acme, flight):
    booking = confirmed(acme, flight, seats=3)
    record([Happening("booking.changed", booking["booking_id"])] * 60, actor=system("test"))
    office.get(history_of(booking))
    with CaptureQueriesContext(connection) as statements:
        office.get(history_of(booking))
    assert len(statements) <= 2 + 4  # session and user; the booking, its parts, the events, the names


def test_markup_in_a_reason_is_text(office, acme, flight):
    booking = book(acme, flight)
    happening = Happening("booking.changed", booking["booking_id"], {"a": "<i>"}, {"a": ["<u>"]}, "<b>because")
    record([happening], actor=Actor("agency", "<s>", "api"))
    page = text(office.get(history_of(booking)))
    for markup in ("<b>because", "<u>", "<s>", "<i>"):
        assert markup not in page


def test_who_may_not_see_a_thing_sees_no_history_of_it(acme, flight):
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_flight"))
    clerk = session_api(user).client
    assert clerk.get(history_of(book(acme, flight))).status_code == 403
    assert clerk.get(f"/admin/flights/flight/{flight.pk}/history/").status_code == 200


@pytest.mark.parametrize("before", ["x", "-1", "²", "9" * 40])
def test_odd_pages_are_the_first_or_empty(office, acme, flight, before):
    assert office.get(history_of(book(acme, flight)), {"before": before}).status_code == 200


def test_what_is_not_there_leads_back(office):
    assert office.get(history_of({"booking_id": uuid4()})).status_code == 302


def test_a_change_by_hand_is_an_event(office, flight):
    form = {"iata": "FL", "name": "Our Airline", "accounting_code": "999"}
    assert office.post("/admin/flights/carrier/FL/change/", form).status_code == 302
    page = text(office.get("/admin/flights/carrier/FL/history/"))
    assert "Carrier changed" in page
    assert "Our Airline" in page
