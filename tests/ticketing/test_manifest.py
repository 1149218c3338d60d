"""The manifest: who is on a flight, counted, as JSON, CSV and PDF."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pypdfium2
import pytest
from django.utils import timezone

from tests import factories
from tests.bookings.sales import book, confirmed
from tests.ticketing import gates
from tests.ticketing.gates import ADA, BOB, check_in, post, scanned
from ticketing.models import Bag, Ticket

pytestmark = pytest.mark.django_db
COUNTED = ("booked", "checked_in", "boarded", "no_show", "flown", "passengers", "infants", "bags", "bags_kg")
BABY = {"surname": "Lovelace", "given_name": "Byron", "passenger_type": "INF", "birth_date": "2026-01-01"}


@pytest.fixture
def flight(db):
    departs_at = timezone.now() + timedelta(hours=5)
    seats = {"J": 20, "Y": 100}
    return factories.flight("JFK", "LAX", carrier="FL", number=123, departs_at=departs_at, seats=seats)


def manifest(api, flight) -> dict:
    answer = api.get(f"/api/v1/flights/{flight.pk}/manifest")
    assert answer.status_code == 200, answer.content
    return answer.json()


def counts(found: dict) -> tuple:
    return tuple(found[name] for name in COUNTED)


def pages(content: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(content)
    return [page.get_textpage().get_text_bounded() for page in document]


def test_passengers_are_counted_by_state(handler, acme, flight):
    confirmed(acme, flight, passengers=[{"surname": "Only", "given_name": "Booked"}])
    book(acme, flight, seats=3)  # held, not sold
    ada, *_ = check_in(acme, flight, ADA, BOB, BABY)
    Bag.objects.create(coupon=ada.coupon, tag_number="0016000001", weight_kg=Decimal("12.5"))
    Bag.objects.create(coupon=ada.coupon, tag_number="0016000002", weight_kg=Decimal("20.0"))
    scanned(handler, flight, ada)
    found = manifest(handler, flight)
    assert counts(found["counts"]) == (1, 2, 1, 0, 0, 4, 1, 2, 32.5)
    assert [cabin["cabin"] for cabin in found["cabins"]] == ["Y"]
    assert [p["state"] for p in found["passengers"]].count("boarded") == 1
    post(handler, flight, "close")
    assert counts(manifest(handler, flight)["counts"]) == (0, 0, 1, 3, 0, 4, 1, 2, 32.5)


def test_passengers_stand_by_sequence_number(handler, acme, flight):
    confirmed(acme, flight, passengers=[{"surname": "Aaron", "given_name": "Al"}])
    passes = check_in(acme, flight, ADA, BOB)
    found = manifest(handler, flight)["passengers"]
    assert [p["sequence_number"] for p in found] == [1, 2, None]
    assert [p["seat"] for p in found[:2]] == [p.seat for p in passes]
    assert found[2]["surname"] == "Aaron"
    assert len(found[0]["ticket_number"]) == 13
    assert len(found[0]["record_locator"]) == 6


def test_cabins_are_counted_apart(handler, acme, flight):
    confirmed(acme, flight, passengers=[BOB])
    front = {"flights": [{"event_id": str(flight.pk), "cabin": "J"}], "passengers": [ADA]}
    booking = acme.post("/api/v1/bookings", front).json()
    assert acme.post(f"/api/v1/bookings/{booking['booking_id']}/confirm").status_code == 200
    assert [(c["cabin"], c["booked"]) for c in manifest(handler, flight)["cabins"]] == [("J", 1), ("Y", 1)]


@pytest.mark.parametrize("ending", ["", ".csv", ".pdf"])
def test_it_costs_the_same_for_any_number(ending, handler, acme, flight, django_assert_num_queries):
    check_in(acme, flight, *[{"surname": "Many", "given_name": letter} for letter in "ABCDEFGHI"])
    passes = len(manifest(handler, flight)["passengers"])
    assert passes == 9
    with django_assert_num_queries(2):
        assert handler.get(f"/api/v1/flights/{flight.pk}/manifest{ending}").status_code == 200


def test_names_are_no_formulas_in_a_spreadsheet(handler, acme, flight):
    confirmed(acme, flight, passengers=[ADA])
    Ticket.objects.update(surname="=HYPERLINK(1)", given_name="@Ada")
    answer = handler.get(f"/api/v1/flights/{flight.pk}/manifest.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert f"manifest-FL123-{flight.departure_date}-JFK.csv" in answer["Content-Disposition"]
    [row] = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (row["surname"], row["given_name"], row["state"]) == ("'=HYPERLINK(1)", "'@Ada", "booked")


def test_the_pdf_has_everybody_under_a_header_on_each_page(handler, acme, flight):
    for group in "ABCDEFGHIJK":
        people = [{"surname": f"Passenger {group}{group}", "given_name": f"No {n}"} for n in "ABCDEFGHI"]
        confirmed(acme, flight, passengers=people)
    answer = handler.get(f"/api/v1/flights/{flight.pk}/manifest.pdf")
    assert answer["Content-Type"] == "application/pdf"
    found = pages(answer.content)
    assert len(found) > 1
    for number, text in enumerate(found, 1):
        assert "FL123" in text
        assert f"Page {number} of {len(found)}" in text
        assert "Passenger manifest" in text
    for group in "ABCDEFGHIJK":
        for name in (f"Passenger {group}{group}, No {n}" for n in "ABCDEFGHI"):
            assert sum(text.count(name) for text in found) == 1


def test_the_pdf_is_a4_and_writes_all_names(handler, acme, flight):
    confirmed(acme, flight, passengers=[ADA])
    Ticket.objects.update(surname="Łukasiewicz <b>", given_name="Zoë & Jan", title="")
    content = handler.get(f"/api/v1/flights/{flight.pk}/manifest.pdf").content
    assert [round(side) for side in pypdfium2.PdfDocument(content)[0].get_size()] == [595, 842]
    assert "Lukasiewicz <b>, Zoë & Jan" in pages(content)[0]


def test_an_empty_flight_has_a_manifest(handler, flight):
    assert counts(manifest(handler, flight)["counts"]) == (0,) * 9
    assert "Nobody is booked" in pages(handler.get(f"/api/v1/flights/{flight.pk}/manifest.pdf").content)[0]


@pytest.mark.parametrize("ending", ["", ".csv", ".pdf"])
def test_it_is_for_gates(ending, acme, agent, traveller, nobody, handler, flight):
    for stranger in (acme, agent, traveller, nobody):
        answer = stranger.get(f"/api/v1/flights/{flight.pk}/manifest{ending}")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    unknown = handler.get(f"/api/v1/flights/0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b11/manifest{ending}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "flight_not_found")


def test_a_flight_that_moved_keeps_its_manifest(handler, acme, flight):
    check_in(acme, flight)
    gates.leave_in(flight, 300)
    assert manifest(handler, flight)["counts"]["checked_in"] == 1
