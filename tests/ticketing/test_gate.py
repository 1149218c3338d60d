"""Looking at a boarding pass: accepted, or each reason to refuse it; nothing changes, and the attempt is kept."""

from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.test import override_settings
from django.utils import timezone

from flights.models import Flight
from orders.checkin import undo_check_in
from skybridge.embedded import keys
from tests import factories
from tests.bookings.sales import query
from tests.ticketing import gates
from tests.ticketing.gates import STAFF, check_in, look, status_of
from ticketing.bcbp import decode, encode
from ticketing.gate import MESSAGES, Reason
from ticketing.models import BoardingPass, Coupon, Departure, Scan
from ticketing.passes import reissue_passes
from ticketing.signatures import sign

pytestmark = pytest.mark.django_db


@pytest.fixture
def flight(db):
    departs_at = timezone.now() + timedelta(hours=5)
    return factories.flight("JFK", "LAX", carrier="FL", number=123, departs_at=departs_at)


@pytest.fixture
def boarding_pass(acme, flight) -> BoardingPass:
    return check_in(acme, flight)[0]


def refused(api, shown, reason: str, **more) -> dict:
    """Look at a pass that is refused, and show that this is recorded and nothing else has changed."""
    before, scans = gates.everything(), Scan.objects.count()
    answer = look(api, shown, **more)
    assert (answer["result"], answer["reason"]) == ("refused", reason)
    assert answer["message"] == MESSAGES[Reason(reason)]
    assert gates.everything() == before
    kept = Scan.objects.order_by("pk").last()
    assert Scan.objects.count() == scans + 1
    assert (kept.kind, kept.reason, str(kept.pk)) == ("look", reason, answer["scan_id"])
    return answer


# --- Accepted ---


def test_a_good_pass_is_accepted_and_shows_whose_it_is(handler, flight, boarding_pass):
    before = gates.everything()
    answer = look(handler, boarding_pass, event_id=str(flight.pk))
    assert (answer["result"], answer["reason"]) == ("accepted", None)
    assert answer["passenger"]["surname"] == "Lovelace"
    assert answer["flight"]["flightId"] == "FL123"
    assert (answer["seat"], answer["sequence_number"]) == (boarding_pass.seat, 1)
    assert gates.everything() == before
    kept = Scan.objects.get()
    assert (kept.kind, kept.reason, kept.flight_id, kept.barcode) == ("look", "", flight.pk, boarding_pass.barcode)


def test_the_owner_may_look_without_naming_the_flight(acme, boarding_pass):
    assert look(acme, boarding_pass)["result"] == "accepted"


def test_a_scanners_prefix_and_line_end_do_not_matter(handler, boarding_pass):
    assert look(handler, f"]z0{boarding_pass.barcode}\r\n")["result"] == "accepted"


def test_looking_takes_two_statements(handler, flight, boarding_pass, django_assert_num_queries):
    look(handler, boarding_pass)  # the key is known from here on
    with django_assert_num_queries(2):
        look(handler, boarding_pass, event_id=str(flight.pk))


# --- The text ---


@pytest.mark.parametrize("text", ["x", "M1", "https://example.com/", "]Q3", "M1\u00e9\U0001f6eb", "M" * 1000])
def test_what_is_not_a_pass_is_unreadable(text, handler):
    assert refused(handler, text, "unreadable")["passenger"] is None


def test_a_pass_without_a_signature(handler, boarding_pass):
    bare = encode(decode(boarding_pass.barcode)._replace(security=None))
    assert refused(handler, bare, "unsigned")["passenger"] is None


def test_a_pass_that_was_changed(acme, boarding_pass):
    refused(acme, boarding_pass.barcode.replace("LOVELACE", "LOVELOCK"), "bad_signature")


def test_a_pass_that_is_cut_short(acme, boarding_pass):
    refused(acme, boarding_pass.barcode[:-3], "bad_signature")


def test_a_pass_signed_by_somebody_else(handler, boarding_pass, tmp_path):
    with override_settings(BOARDING_PASS_KEYS=keys.boarding_pass_pem(tmp_path)):
        foreign = sign(decode(boarding_pass.barcode))
    refused(handler, foreign, "unknown_key")


def test_a_pass_that_we_have_signed_but_not_issued(handler, boarding_pass):
    refused(handler, sign(decode(boarding_pass.barcode)._replace(passenger_name="NOBODY/NIL")), "unknown")


def test_anothers_pass_is_unknown(zenith, traveller, boarding_pass):
    for stranger in (zenith, traveller):
        answer = refused(stranger, boarding_pass, "unknown")
        assert (answer["passenger"], answer["flight"], answer["coupon_id"]) == (None, None, None)


@pytest.mark.parametrize(
    "body", [{}, {"barcode": ""}, {"barcode": 1}, {"barcode": None}, {"barcode": "M" * 1001}, {"barcode": "x", "y": 1}]
)
def test_bad_input_is_no_attempt(body, handler):
    assert handler.post("/boarding-passes/validate", body).status_code == 400
    assert not Scan.objects.exists()


def test_an_unknown_flight_is_404(handler, boarding_pass):
    body = {"barcode": boarding_pass.barcode, "event_id": "0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b11"}
    answer = handler.post("/boarding-passes/validate", body)
    assert (answer.status_code, answer.json()["code"]) == (404, "flight_not_found")


# --- The flight ---


def test_another_flight_names_the_right_one(handler, boarding_pass):
    other = factories.flight("JFK", "SFO", carrier="FL", number=7)
    answer = refused(handler, boarding_pass, "other_flight", event_id=str(other.pk))
    assert (answer["flight"]["flightId"], answer["flight"]["destination"]) == ("FL123", "LAX")


def test_another_date_names_the_right_one(handler, flight, boarding_pass):
    tomorrow = factories.flight("JFK", "LAX", carrier="FL", number=123, departs_at=timezone.now() + timedelta(days=2))
    answer = refused(handler, boarding_pass, "other_date", event_id=str(tomorrow.pk))
    assert answer["flight"]["departureDate"] == str(flight.departure_date)


def test_a_cancelled_flight(handler, flight, boarding_pass):
    Flight.objects.filter(pk=flight.pk).update(status="cancelled")
    refused(handler, boarding_pass, "flight_cancelled")


def test_a_flight_that_has_left(handler, flight, boarding_pass):
    gates.leave_in(flight, -1)
    refused(handler, boarding_pass, "flight_departed")


# --- The passenger ---


@pytest.mark.parametrize(("status", "reason"), [("V", "voided"), ("R", "refunded"), ("E", "exchanged")])
def test_a_ticket_that_was_given_up(status, reason, handler, boarding_pass):
    Coupon.objects.filter(pk=boarding_pass.coupon_id).update(status=status)
    refused(handler, boarding_pass, reason)


def test_a_passenger_who_has_boarded(handler, flight, boarding_pass):
    boarded = gates.scanned(handler, flight, boarding_pass)
    assert refused(handler, boarding_pass, "already_boarded")["boarded_at"] == boarded["boarded_at"]


def test_a_passenger_who_was_moved(handler, boarding_pass):
    end(boarding_pass, BoardingPass.End.FLIGHT_CHANGED)
    refused(handler, boarding_pass, "flight_changed")


def test_a_passenger_whose_coupon_names_another_flight(handler, boarding_pass):
    other = factories.flight("JFK", "LAX", carrier="FL", number=8)
    Coupon.objects.filter(pk=boarding_pass.coupon_id).update(flight=other)
    refused(handler, boarding_pass, "flight_changed")


def test_a_passenger_whose_check_in_was_undone(handler, boarding_pass):
    undo_check_in(boarding_pass.coupon.ticket_id, caller=STAFF, at=timezone.now())
    refused(handler, boarding_pass, "offloaded")


def test_a_pass_that_was_replaced(handler, boarding_pass):
    [newer] = reissue_passes([boarding_pass.coupon], at=timezone.now())
    refused(handler, boarding_pass, "superseded")
    assert look(handler, newer)["result"] == "accepted"


def test_a_no_show(handler, flight, boarding_pass):
    assert gates.post(handler, flight, "close").status_code == 200
    assert refused(handler, boarding_pass, "no_show")["closed_at"]


def test_a_passenger_who_is_not_checked_in(handler, boarding_pass):
    Coupon.objects.filter(pk=boarding_pass.coupon_id).update(status="O")
    refused(handler, boarding_pass, "not_checked_in")


def end(boarding_pass: BoardingPass, reason: str) -> None:
    BoardingPass.objects.filter(pk=boarding_pass.pk).update(ended_at=timezone.now(), end_reason=reason)


# --- The time ---


def test_too_early_says_when(handler, flight, boarding_pass, settings):
    departs_at = gates.leave_in(flight, 61)
    answer = refused(handler, boarding_pass, "too_early")
    assert answer["opens_at"] == (departs_at - settings.BOARDING_OPENS).isoformat().replace("+00:00", "Z")


def test_the_gate_closes_before_departure(handler, flight, boarding_pass):
    departs_at = gates.leave_in(flight, 14)
    answer = refused(handler, boarding_pass, "gate_closed")
    assert answer["closed_at"] == (departs_at - timedelta(minutes=15)).isoformat().replace("+00:00", "Z")


def test_the_gate_closes_with_the_close_out(handler, flight, boarding_pass):
    Departure.objects.filter(pk=flight.pk).update(closed_at=timezone.now())
    refused(handler, boarding_pass, "gate_closed")


def test_a_delayed_flight_boards_by_its_new_time(handler, flight, boarding_pass):
    gates.leave_in(flight, 10)
    refused(handler, boarding_pass, "gate_closed")
    gates.leave_in(flight, 55)
    Flight.objects.filter(pk=flight.pk).update(status="delayed")
    assert look(handler, boarding_pass)["result"] == "accepted"


# --- The rules ---


def test_every_reason_has_a_message():
    assert set(MESSAGES) == set(Reason)


def test_attempts_cannot_be_changed(handler, boarding_pass):
    look(handler, boarding_pass)
    with pytest.raises(DatabaseError, match="append-only"):
        query("UPDATE ticketing_scan SET reason = ''")


def test_a_look_boards_nobody(handler, boarding_pass):
    look(handler, boarding_pass)
    assert status_of(boarding_pass) == ("C", False)
