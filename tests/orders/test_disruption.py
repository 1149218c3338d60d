"""Disrupting flights by API and by command: who may, what a preview says, and what is shown afterwards."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from flights.models import Flight
from orders.models import Disruption
from tests.bookings.sales import confirmed, refused
from tests.concurrency.racing import verify_invariants
from tests.orders import shop
from tests.orders.disrupting import later, move, path_of

pytestmark = pytest.mark.django_db
TIMES = ("departs_at", "arrives_at")


# --- The doors ---


def test_staff_disrupts_and_previews(staff, acme, flight):
    later(flight)
    confirmed(acme, flight, seats=3)
    path, body = f"/api/v1/flights/{flight.pk}/disruptions", {"kind": "cancellation", "reason": "storm"}
    before = shop.everything()
    previewed = staff.post(path, body | {"preview": True})
    assert (previewed.status_code, shop.everything()) == (200, before)
    done = staff.post(path, body)
    assert (done.status_code, done.json()["outcome"]) == (201, previewed.json()["outcome"])
    [listed] = staff.get(path).json()
    assert (listed["kind"], listed["outcome"]["rebooked"]["passengers"]) == ("cancellation", 3)


@pytest.mark.parametrize("kind", ["delay", "retime", "aircraft", "cancellation"])
def test_a_preview_changes_nothing(staff, acme, flight, kind):
    confirmed(acme, flight, seats=3)
    times = [(moment + timedelta(hours=5)).isoformat() for moment in (flight.departs_at, flight.arrives_at)]
    body = {"kind": kind, "preview": True} | (
        {"cabins": {"Y": 2}} if kind == "aircraft" else dict(zip(("departs_at", "arrives_at"), times, strict=True))
    )
    before = shop.everything()
    answer = staff.post(f"/api/v1/flights/{flight.pk}/disruptions", body).json()
    assert (answer["bookings"], answer["outcome"]["waiting"]["passengers"]) == (1, 3)
    assert answer["oversold"] == ({"Y": 1} if kind == "aircraft" else {})
    assert shop.everything() == before


def test_who_may_not(staff, acme, zenith, flight, rebooked):
    path, body = f"/api/v1/flights/{flight.pk}/disruptions", {"kind": "cancellation", "reason": "storm"}
    assert (acme.post(path, body).status_code, acme.get(path).status_code) == (403, 403)
    refused(staff.post(f"/api/v1/flights/{uuid4()}/disruptions", body), 404, "flight_not_found")
    refused(staff.get(f"/api/v1/flights/{uuid4()}/disruptions"), 404, "flight_not_found")
    refused(zenith.get(path_of(rebooked)), 404, "booking_not_found")
    disruption_id = acme.get(path_of(rebooked)).json()[0]["disruption_id"]
    refused(zenith.post(f"{path_of(rebooked)}/{disruption_id}/choice", {"choice": "accept"}), 404, "booking_not_found")
    refused(acme.post(f"{path_of(rebooked)}/{uuid4()}/choice", {"choice": "accept"}), 404, "disruption_not_found")


def test_what_has_left_stays_as_it_was(staff, flight):
    Flight.objects.filter(pk=flight.pk).update(status="departed")
    before = shop.everything()
    path = f"/api/v1/flights/{flight.pk}/disruptions"
    for more in ({"preview": True}, {}):
        refused(staff.post(path, {"kind": "cancellation", "reason": "storm", **more}), 409, "flight_departed")
    assert shop.everything() == before


@pytest.mark.parametrize(
    "body",
    [{}, {"kind": "storm"}, {"kind": "delay"}, {"kind": "aircraft"},
     {"kind": "cancellation", "reason": "storm", "more": 1},
     {"kind": "delay", "departs_at": "2030-01-02T00:00Z", "arrives_at": "2030-01-01T00:00Z"},
     {"kind": "aircraft", "cabins": {"X": 1}}, {"kind": "aircraft", "cabins": {"Y": -1}}],
)  # fmt: skip
def test_bad_input_is_refused(staff, flight, body):
    assert staff.post(f"/api/v1/flights/{flight.pk}/disruptions", body).status_code == 400
    assert not Disruption.objects.exists()


def test_flights_are_shown_by_their_fields(staff, acme, flight):
    after = later(flight)
    booking = confirmed(acme, flight)
    path, body = f"/api/v1/flights/{flight.pk}/disruptions", {"kind": "cancellation", "reason": "storm"}
    [to] = staff.post(path, body | {"preview": True}).json()["rebooked_to"]
    staff.post(path, body)
    [move] = acme.get(path_of(booking)).json()[0]["moves"]
    names = ("event_id", "flightId", "departureDate", "origin", "destination", "departureTime")
    for pk, shown in ((after.pk, to), (after.pk, move["to"]), (flight.pk, move["from"])):
        wanted = acme.get(f"/api/v1/flights/{pk}").json()
        assert {name: shown[name] for name in names} == {name: wanted[name] for name in names}
    assert (move["sequence"], move["cabin"], move["lost_seats"]) == (1, "Y", [])
    assert (to["bookings"], to["passengers"]) == (1, 1)


def test_times_before_and_after_have_a_z(staff, acme, flight):
    booking = confirmed(acme, flight)
    move(flight, hours=4)
    for [row] in (acme.get(path_of(booking)).json(), staff.get(f"/api/v1/flights/{flight.pk}/disruptions").json()):
        assert datetime.fromisoformat(row["before"]["departs_at"]) == flight.departs_at
        assert all(row[side][name].endswith("Z") for side in ("before", "after") for name in TIMES)


# --- The command ---


def test_the_command_cancels_a_day(acme, flight, capsys):
    later(flight, 24)
    confirmed(acme, flight, seats=2)
    before = shop.everything()
    call_command("cancel_flights", str(flight.departure_date), "--origins", "jfk", "--dry-run")
    assert "rebooked          1 bookings        2 passengers" in capsys.readouterr().out
    assert shop.everything() == before
    call_command(
        "cancel_flights", str(flight.departure_date), "--flights", "FL123", "--workers", "1", "--reason", "ice"
    )
    assert "Cancelled: 1 flights, 1 bookings, 2 passengers" in capsys.readouterr().out
    assert Disruption.objects.get().reason == "ice"
    with pytest.raises(CommandError, match="no flight ZZ9"):
        call_command("cancel_flights", str(flight.departure_date), "--flights", "ZZ9", "--dry-run")
    verify_invariants()


@pytest.mark.parametrize(
    ("day", "more", "message"),
    [(None, [], "--reason"), (None, ["--reason", " "], "--reason"), ("1.12.2026", ["--dry-run"], "not a date")],
)
def test_what_the_command_needs(acme, flight, day, more, message):
    before = list(Flight.objects.values())
    with pytest.raises(CommandError, match=message):
        call_command("cancel_flights", day or str(flight.departure_date), "--flights", "FL123", *more)
    assert list(Flight.objects.values()) == before
