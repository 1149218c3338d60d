"""What nobody types and somebody sends: each page answers with a page that says so, and nothing changes."""

from datetime import UTC, datetime

import pytest
from django.db import OperationalError
from django.test import Client

from partners.models import Agency
from skybridge.pagination import encode_cursor
from tests.bookings.sales import book, refused
from tests.conftest import new_client
from tests.contract.operations import snapshot

HTML = {"Accept": "text/html"}
NIL = "00000000-0000-0000-0000-000000000000"
NUL = (
    "/trips/?user=%00", "/bookings/?q=%00", "/agency/orders/?cursor=%00", "/bookings/{booking}/pay/?x.0.0.A%00=1",
    "/bookings/{booking}/seats/?wish=%00", "/sell/?out=%00", "/login/?next=%00", "/flights/?origin=%00",
)  # fmt: skip
LAST_DAYS = (
    "/departures/?airport=JFK&date=9999-12-31",
    "/departures/?airport=JFK&date=0001-01-01",
    "/flights/?origin=JFK&destination=LAX&departure=9999-12-31",
    "/flights/?origin=JFK&destination=LAX&departure={day}&homeward=9999-12-31",
)


def opened(client: Client, address: str, status: int) -> None:
    """Assert that a page answers so, in words, and that nothing has changed."""
    before = snapshot()
    response = client.get(address, headers=HTML)
    assert (response.status_code, b"<h1" in response.content) == (status, True), address
    assert snapshot() == before


@pytest.fixture
def places(acme, flight) -> dict:
    return {"booking": book(acme, flight)["booking_id"], "flight": flight.pk, "day": flight.departure_date}


@pytest.mark.parametrize("address", NUL)
def test_no_address_holds_a_nul(agent, places, address):
    opened(agent.client, address.format(**places), 400)


def test_no_gate_is_asked_for_a_nul(staff, flight):
    assert staff.client.get(f"/departures/{flight.pk}/gate/passes/?q=%00").status_code == 400


@pytest.mark.parametrize("address", LAST_DAYS)
def test_no_flight_leaves_on_the_last_day_of_the_calendar(staff, places, address):
    opened(staff.client, address.format(**places), 400)


def test_before_the_first_departure_there_is_none(staff, places):
    cursor = encode_cursor(datetime(1900, 1, 1, tzinfo=UTC).isoformat(), NIL)
    opened(staff.client, f"/departures/?airport=JFK&before={cursor}", 200)


def test_no_statement_has_so_many_pages(agent):
    opened(agent.client, f"/agency/statement/?page={'0' * 5}1{'0' * 5000}", 200)


@pytest.mark.parametrize("address", ["/nothing/", "/logout/", "/departures/", "/admin/nothing/"])
def test_nobody_keeps_a_refusal_with_a_name_in_it(agent, address):
    response = agent.client.get(address, headers=HTML)
    assert response.status_code in (302, 403, 404, 405)
    assert "no-store" in response["Cache-Control"]


def test_who_is_nobody_s_agent_any_more_is_a_visitor(agent, acme, flight):
    Agency.objects.filter(pk=acme.id).update(is_active=False)
    for address in ("/", "/login/", "/manage/", f"/flights/{flight.pk}/"):
        opened(agent.client, address, 200)
    for address in ("/bookings/", "/agency/", f"/sell/?out={flight.pk}"):
        opened(agent.client, address, 403)


def gone(*_):
    raise OperationalError("the connection is closed")


@pytest.mark.parametrize(
    ("address", "status"), [("/bookings/", 503), ("/", 503), ("/manage/", 503), ("/nothing/", 404)]
)
@pytest.mark.parametrize("place", ["auth.middleware.auth.get_user", "sessions.backends.db.SessionStore.load"])
def test_without_the_database_a_page_says_so(agent, address, status, place, monkeypatch):
    monkeypatch.setattr(f"django.contrib.{place}", gone)
    response = agent.client.get(address, headers=HTML)
    assert (response.status_code, b"<h1" in response.content) == (status, True)


def test_a_camera_sends_no_form(staff, flight, monkeypatch):
    monkeypatch.setattr(staff.client.handler, "enforce_csrf_checks", True)
    token = "a" * 32
    staff.client.cookies["csrftoken"] = token
    address = f"/departures/{flight.pk}/gate/frame/?width=8&height=8"
    refused(staff.client.post(address, {"csrfmiddlewaretoken": token}), 415, "unsupported_media_type")
    answer = staff.client.post(address, bytes(64), "application/octet-stream", headers={"X-CSRFToken": token})
    assert answer.json() == {"text": ""}


@pytest.mark.parametrize("door", ["/login/", "/admin/login/"])
def test_nobody_has_such_a_long_name(door, db):
    for _ in range(4):
        response = new_client().post(door, {"username": "a" * 10_000, "password": "b"}, headers=HTML)
        assert response.status_code == 200
    assert new_client().post(door, {"username": "a" * 10_000, "password": "b"}, headers=HTML).status_code == 429
