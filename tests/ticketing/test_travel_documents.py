"""Travel documents: sealed, shown masked, needed abroad, deleted in time."""

import logging
from datetime import date, timedelta

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.utils import timezone

from flights.borders import COUNTRIES, is_international
from skybridge.events import system
from tests.bookings.sales import act, query, refused
from tests.concurrency.racing import verify_invariants
from tests.ticketing.desk import (
    PASSPORT,
    at_ticket,
    check_in,
    nothing_changes,
    refuses,
    sold,
    soon,
    ticket_ids,
    try_check_in,
)
from ticketing.apps import travel_document_keys
from ticketing.models import TravelDocument
from ticketing.tasks import delete_travel_documents
from ticketing.travel_documents import Document, delete_old_documents, unseal

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _whole():
    yield
    verify_invariants()


@pytest.fixture
def abroad(db):
    return soon("JFK", "LHR", carrier="FL", number=7)


def address(booking: dict) -> str:
    return at_ticket(ticket_ids(booking)[0], "travel-document")


def put(api, booking: dict, **fields):
    return api.put(address(booking), PASSPORT | fields)


def test_a_document_is_kept_sealed_and_shown_masked(acme, abroad, caplog):
    caplog.set_level(logging.DEBUG)
    booking = sold(acme, abroad)
    response = put(acme, booking, gender="F", birth_date="1990-12-10")
    assert response.status_code == 200
    assert response.json()["masked"] == "P USA ••••5678"
    assert acme.get(address(booking)).json() == response.json()
    assert acme.get(f"/api/v1/tickets/{ticket_ids(booking)[0]}").json()["travel_document"] == "P USA ••••5678"
    kept = TravelDocument.objects.get()
    assert unseal(kept) == Document("P", "X12345678", "USA", "USA", date(2040, 1, 31), "F", date(1990, 12, 10))
    for table in ("ticketing_traveldocument", "skybridge_event", "orders_backup", "skybridge_idempotencykey"):
        assert "X12345678" not in str(query(f"SELECT string_agg(t::text, '') FROM {table} t"))
    assert "X12345678" not in caplog.text


def test_a_document_takes_the_place_of_another(acme, abroad):
    booking = sold(acme, abroad)
    put(acme, booking)
    card = {"type": "I", "number": "ab-12 345", "issuing_country": "deu"}
    assert put(acme, booking, **card).json()["masked"] == "I DEU ••••345"
    assert TravelDocument.objects.count() == 1


@pytest.mark.parametrize(("number", "shown"), [("12345", "45"), ("1234567", "567"), ("12345678", "5678")])
def test_never_more_than_half_of_a_number_is_shown(number, shown):
    assert Document("P", number, "USA", "USA", date(2040, 1, 31)).masked == f"P USA ••••{shown}"


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "V"}, {"number": "1234"}, {"number": "12345Ä"}, {"number": 123456789}, {"issuing_country": "US"},
        {"nationality": "XYZ"}, {"expiry_date": "31.01.2040"}, {"expiry_date": "2020-01-31"}, {"gender": "?"},
        {"surname": "Lovelace"},
    ],
)  # fmt: skip
def test_documents_that_are_none(acme, abroad, fields):
    booking = sold(acme, abroad)
    with nothing_changes():
        response = put(acme, booking, **fields)
    refused(response, 400, "invalid_input")
    assert "12345" not in response.content.decode()


def test_each_field_but_two_is_needed(acme, abroad):
    booking = sold(acme, abroad)
    response = acme.put(address(booking), {"type": "P"})
    refused(response, 400, "missing_fields")
    assert {e["pointer"] for e in response.json()["errors"]} == {
        "/number", "/issuing_country", "/nationality", "/expiry_date",
    }  # fmt: skip


def test_others_cannot(acme, zenith, traveller, abroad):
    booking = sold(acme, abroad)
    for api in (zenith, traveller):
        refuses(lambda api=api: put(api, booking), "ticket_not_found", 404)
        refuses(lambda api=api: api.get(address(booking)), "ticket_not_found", 404)
    refuses(lambda: acme.get(address(booking)), "no_travel_document", 404)


def test_an_ended_booking_takes_no_document(acme, abroad):
    booking = sold(acme, abroad)
    act(acme, booking, "refund")
    refuses(lambda: put(acme, booking), "ticket_not_valid")


# --- At check-in ---


def test_abroad_a_document_is_needed(acme, abroad):
    booking = sold(acme, abroad)
    problem = refuses(lambda: try_check_in(acme, booking), "document_needed")
    assert (problem["ticket_id"], problem["event_id"]) == (ticket_ids(booking)[0], str(abroad.pk))
    check_in(acme, booking, travel_document=PASSPORT)


def test_at_home_none_is_needed(acme):
    check_in(acme, sold(acme, soon("JFK", "SJU")))


def test_a_document_that_has_expired_is_not_kept(acme, abroad):
    booking = sold(acme, abroad)
    now = timezone.now()
    for days in (2, 3):
        with nothing_changes():
            response = put(acme, booking, expiry_date=str((now - timedelta(days=days)).date()))
        refused(response, 400, "invalid_input")
        assert response.json()["errors"][0]["pointer"] == "/expiry_date"
    assert put(acme, booking, expiry_date=str(now.date())).status_code == 200


def test_a_document_may_end_on_the_day_of_arrival(acme):
    abroad = soon("JFK", "LHR", hours=20)
    booking = sold(acme, abroad)
    arrival = (abroad.departs_at + timedelta(hours=6)).date()  # London is on UTC, or an hour ahead
    expired = PASSPORT | {"expiry_date": str(arrival - timedelta(days=1))}
    problem = refuses(lambda: try_check_in(acme, booking, travel_document=expired), "document_expired")
    assert problem["expiry_date"] == expired["expiry_date"]
    check_in(acme, booking, travel_document=PASSPORT | {"expiry_date": problem["arrival_date"]})


def test_a_refused_check_in_keeps_no_document(acme, abroad):
    booking = sold(acme, abroad)
    refuses(lambda: try_check_in(acme, booking, seat="99Z", travel_document=PASSPORT), "unknown_seat")


@pytest.mark.parametrize(
    ("origin", "destination", "crosses"),
    [("US", "US", False), ("US", "PR", False), ("GU", "MP", False), ("US", "CA", True), ("FR", "RE", False),
     ("FR", "DE", True), ("GB", "JE", False), ("HK", "CN", True)],
)  # fmt: skip
def test_borders(origin, destination, crosses):
    assert is_international(origin, destination) is is_international(destination, origin) is crosses


def test_there_are_249_countries():
    assert len(COUNTRIES) == 249


# --- Keys and time ---


def test_keys_rotate(acme, abroad, settings):
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    booking = sold(acme, abroad)
    settings.TRAVEL_DOCUMENT_KEYS = [old]
    put(acme, booking)
    settings.TRAVEL_DOCUMENT_KEYS = [new, old]
    assert unseal(TravelDocument.objects.get()).number == "X12345678"
    put(acme, booking)
    settings.TRAVEL_DOCUMENT_KEYS = [new]
    assert unseal(TravelDocument.objects.get()).number == "X12345678"
    settings.TRAVEL_DOCUMENT_KEYS = [old]
    with pytest.raises(InvalidToken):
        unseal(TravelDocument.objects.get())


def test_keys_that_cannot_seal_are_told_at_the_start(settings):
    assert travel_document_keys() == []
    settings.TRAVEL_DOCUMENT_KEYS = ["too-short"]
    assert [error.id for error in travel_document_keys()] == ["ticketing.E002"]


def test_a_document_is_worth_nothing_at_another_ticket(acme, abroad):
    booking = sold(acme, abroad, party="ADT ADT")
    put(acme, booking)
    kept = TravelDocument.objects.get()
    kept.ticket_id = ticket_ids(booking)[1]
    with pytest.raises(ValueError, match="another"):
        unseal(kept)


def test_documents_are_deleted_a_week_after_the_last_flight(acme, abroad, pass_time):
    back = soon("LHR", "JFK", hours=100)
    booking = sold(acme, abroad, back)
    put(acme, booking)
    last = back.arrives_at + timedelta(days=7)
    assert delete_old_documents(at=last - timedelta(minutes=1), actor=system("test")) == 0
    pass_time(days=7, hours=106, minutes=1)
    delete_travel_documents()
    assert TravelDocument.objects.count() == 0
    assert query("SELECT count(*) FROM skybridge_event WHERE action = 'ticket.travel_document_deleted'") == [(1,)]
    assert delete_old_documents(at=timezone.now() + timedelta(days=90), actor=system("test")) == 0
