"""Boarding: once, for one reason or not at all, whatever is uploaded again, late or in any order."""

import json
from datetime import timedelta
from itertools import permutations
from uuid import UUID

import pytest
from django.utils import timezone

from flights.models import Flight
from orders.backups import store_order
from orders.checkin import check_in_booking
from orders.models import Backup
from orders.snapshots import order_document
from tests import factories
from tests.bookings.sales import confirmed, query
from tests.concurrency.racing import verify_invariants
from tests.orders import shop
from tests.ticketing import gates
from tests.ticketing.gates import BOB, actions_on, check_in, new_scan, offline, post, scan, scanned, status_of
from ticketing.models import BoardingPass, Coupon, Emd, Scan

pytestmark = pytest.mark.django_db


@pytest.fixture
def flight(db):
    departs_at = timezone.now() + timedelta(hours=5)
    return factories.flight("JFK", "LAX", carrier="FL", number=123, departs_at=departs_at)


@pytest.fixture
def boarding_pass(acme, flight) -> BoardingPass:
    return check_in(acme, flight)[0]


def versions(boarding_pass) -> tuple[int, int, int]:
    """Return the versions of a pass's booking and order, and the last one that is kept."""
    [row] = query(
        """SELECT b.version, o.version, (SELECT max(version) FROM orders_backup WHERE stream = o.id::text)
        FROM ticketing_coupon k JOIN ticketing_ticket t ON t.id = k.ticket_id
        JOIN bookings_booking b ON b.id = t.booking_id JOIN orders_order o ON o.id = b.order_id WHERE k.id = %s""",
        boarding_pass.coupon_id,
    )
    return row


def refused(api, flight, shown, reason: str, **more) -> dict:
    """Scan a pass that is refused, and show that the attempt is kept and nothing else has changed."""
    before, scans = gates.everything(), Scan.objects.count()
    answer = scanned(api, flight, shown, **more)
    assert (answer["result"], answer["reason"]) == ("refused", reason)
    assert gates.everything() == before
    assert Scan.objects.count() == scans + 1
    return answer


# --- Boarding ---


def test_a_scan_boards_the_passenger(handler, flight, boarding_pass):
    booking, order, kept = versions(boarding_pass)
    answer = scanned(handler, flight, boarding_pass, device_id="gate-1")
    assert (answer["result"], answer["reason"], answer["conflict"], answer["replayed"]) == (
        "accepted",
        None,
        None,
        False,
    )
    assert status_of(boarding_pass) == ("L", False)
    assert actions_on(boarding_pass.coupon_id) == ["coupon.checked_in", "coupon.lifted"]
    assert versions(boarding_pass) == (booking + 1, order + 1, kept + 1)
    boarded = Scan.objects.get()
    assert (str(boarded.pk), boarded.coupon_id, boarded.device_id) == (
        answer["scan_id"],
        boarding_pass.coupon_id,
        "gate-1",
    )
    assert boarded.answer == answer


def test_the_backup_has_the_boarding(handler, flight, boarding_pass):
    scanned(handler, flight, boarding_pass)
    document = Backup.objects.order_by("pk").last().document
    assert [(k["status"], k["boarded_at"] is not None) for k in document["coupons"]] == [("L", True)]
    assert [s["reason"] for s in document["scans"]] == [""]
    assert "coupon.lifted" in [e["action"] for e in document["events"]]
    order_id = boarding_pass.coupon.ticket.booking.order_id
    assert store_order(order_id) >= 1


def holds_all_there_is(order_id) -> bool:
    """Tell whether the last version kept of an order is what a statement of its own finds."""
    [[now]] = query(f"SELECT document::json FROM ({order_document('%s::uuid')}) AS d", order_id)
    return Backup.objects.filter(stream=str(order_id)).order_by("version").last().document == now


def test_the_backup_is_what_a_later_reading_finds(handler, acme, flight):
    first, second = check_in(acme, flight, gates.ADA, BOB)
    order_id = first.coupon.ticket.booking.order_id
    scanned(handler, flight, first)
    assert holds_all_there_is(order_id)
    post(handler, flight, "close")  # a no-show, who had boarded before
    assert scanned(handler, flight, offline(second, 1))["is_conflict"]
    assert holds_all_there_is(order_id)
    scanned(handler, flight, offline(second, 5))  # and earlier than we knew
    assert holds_all_there_is(order_id)


def test_its_emds_board_with_the_coupon(handler, flight, boarding_pass):
    coupon = boarding_pass.coupon
    item = coupon.ticket.booking.order.items.get()
    emd = Emd.objects.create(
        ticket_id=coupon.ticket_id, coupon=coupon, order_item=item, product_id="BAG", type="A", rfic="C", amount=1,
        description="Bag", currency="USD", status="C",
    )  # fmt: skip
    scanned(handler, flight, boarding_pass)
    emd.refresh_from_db()
    assert (emd.status, actions_on(emd.pk)) == ("L", ["emd.lifted"])
    assert holds_all_there_is(item.order_id)


def test_boarding_takes_two_statements_and_a_refusal_too(handler, acme, flight):
    first, second = check_in(acme, flight, gates.ADA, BOB)
    scanned(handler, flight, first)  # the key is known from here on
    body = new_scan(second)
    assert gates.statements(lambda: scanned(handler, flight, body)) == 2
    assert gates.statements(lambda: scanned(handler, flight, body)) == 1  # replayed
    assert gates.statements(lambda: scanned(handler, flight, second)) == 2


def test_who_has_boarded_is_told_when(handler, flight, boarding_pass):
    first = scanned(handler, flight, boarding_pass)
    again = refused(handler, flight, boarding_pass, "already_boarded")
    assert again["boarded_at"] == first["boarded_at"]
    assert not again["is_conflict"]


def test_refusals_are_those_of_a_look(handler, flight, boarding_pass):
    other = factories.flight("JFK", "SFO", carrier="FL", number=7)
    refused(handler, other, boarding_pass, "other_flight")
    refused(handler, flight, "not a pass", "unreadable")
    gates.leave_in(flight, 61)
    refused(handler, flight, boarding_pass, "too_early")
    gates.leave_in(flight, 14)
    refused(handler, flight, boarding_pass, "gate_closed")
    Flight.objects.filter(pk=flight.pk).update(status="cancelled")
    refused(handler, flight, boarding_pass, "flight_cancelled")


def test_only_who_works_at_gates_boards(acme, zenith, agent, traveller, staff, flight, boarding_pass):
    before = gates.everything()
    for stranger in (acme, zenith, agent, traveller):
        answer = scan(stranger, flight, boarding_pass)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert gates.everything() == before
    assert not Scan.objects.exists()
    assert scanned(staff, flight, boarding_pass)["result"] == "accepted"


def test_an_unknown_flight_is_404(handler, boarding_pass):
    path = "/api/v1/flights/0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b11/scans"
    assert handler.post(path, new_scan(boarding_pass)).json()["code"] == "flight_not_found"
    assert not Scan.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {}, {"barcode": "x"}, {"nonce": "n"}, {"barcode": "x", "nonce": ""}, {"barcode": "x", "nonce": "n" * 65},
        {"barcode": "x", "nonce": "n", "scanned_at": "soon"}, {"barcode": "x", "nonce": "n", "device_result": "maybe"},
        {"scans": []}, {"scans": [{"barcode": "x"}]}, {"scans": [{"barcode": "x", "nonce": "n"}], "nonce": "m"},
        {"scans": [{"barcode": "x", "nonce": "n"}] * 501}, {"barcode": "x", "nonce": "n", "flight": "y"},
    ],
)  # fmt: skip
def test_bad_input_is_no_attempt(body, handler, flight):
    answer = handler.post(f"/api/v1/flights/{flight.pk}/scans", body)
    assert answer.status_code == 400, answer.content
    assert not Scan.objects.exists()


# --- Nonces ---


def test_a_repeated_nonce_does_nothing_and_is_answered_the_same(handler, flight, boarding_pass):
    body = new_scan(boarding_pass)
    first = scanned(handler, flight, body)
    before, scans = gates.everything(), Scan.objects.count()
    assert scanned(handler, flight, body) == first | {"replayed": True}
    assert (gates.everything(), Scan.objects.count()) == (before, scans)


def test_a_refusal_is_repeated_too(handler, flight, boarding_pass):
    gates.leave_in(flight, 61)
    body = new_scan(boarding_pass)
    first = scanned(handler, flight, body)
    gates.leave_in(flight, 40)
    assert scanned(handler, flight, body) == first | {"replayed": True}
    assert status_of(boarding_pass) == ("C", False)


def test_a_nonce_of_another_pass_is_422_and_kept_without_it(handler, acme, flight):
    ada, bob = check_in(acme, flight, gates.ADA, BOB)
    scanned(handler, flight, ada, nonce="one")
    before = gates.everything()
    answer = scan(handler, flight, bob, nonce="one")
    assert (answer.status_code, answer.json()["code"]) == (422, "nonce_reused")
    assert gates.everything() == before
    kept = Scan.objects.order_by("pk").last()
    assert (kept.nonce, kept.reason, kept.barcode) == (None, "nonce_reused", bob.barcode)
    assert status_of(bob) == ("C", False)


def test_in_a_batch_it_is_one_answer(handler, acme, flight):
    ada, bob = check_in(acme, flight, gates.ADA, BOB)
    answers = batch(handler, flight, new_scan(ada, nonce="one"), new_scan(bob, nonce="one"), new_scan(bob))
    assert [answer["reason"] for answer in answers] == [None, "nonce_reused", None]


def test_who_boarded_with_a_nonce_of_another_pass_is_a_conflict(handler, staff, acme, flight):
    ada, bob = check_in(acme, flight, gates.ADA, BOB)
    scanned(handler, flight, ada, nonce="one")
    before = gates.everything()
    [answer] = batch(handler, flight, offline(bob, 1) | {"nonce": "one"})
    assert (answer["reason"], answer["is_conflict"]) == ("nonce_reused", True)
    assert answer["conflict"]["kind"] == "device_accepted"
    [listed] = staff.get(f"/api/v1/flights/{flight.pk}/scans?conflicts=true").json()["scans"]
    assert listed["scan_id"] == answer["scan_id"]
    assert (gates.everything(), status_of(bob)) == (before, ("C", False))


def test_a_nonce_is_good_again_on_another_flight(handler, acme, flight, boarding_pass):
    scanned(handler, flight, boarding_pass, nonce="one")
    other = factories.flight("JFK", "LAX", number=9, departs_at=timezone.now() + timedelta(hours=5))
    [second] = check_in(acme, other, BOB)
    assert scanned(handler, other, second, nonce="one")["result"] == "accepted"


# --- Offline ---


def batch(api, flight, *scans: dict) -> list[dict]:
    answer = api.post(f"/api/v1/flights/{flight.pk}/scans", {"scans": list(scans)})
    assert answer.status_code == 200, answer.content
    return answer.json()


def boarded_at(boarding_pass):
    return Coupon.objects.values_list("boarded_at", flat=True).get(pk=boarding_pass.coupon_id)


def test_a_scan_counts_when_it_was_made(handler, flight, boarding_pass):
    gates.leave_in(flight, 5)  # closed by now
    body = offline(boarding_pass, 20)
    [answer] = batch(handler, flight, body)
    assert (answer["result"], answer["is_conflict"]) == ("accepted", False)
    assert boarded_at(boarding_pass).isoformat() == body["scanned_at"]


def test_answers_keep_the_order_of_the_scans(handler, acme, flight):
    ada, bob = check_in(acme, flight, gates.ADA, BOB)
    answers = batch(handler, flight, offline(bob, 1), offline("rubbish", 2, "refused"), offline(ada, 3))
    assert [a["reason"] for a in answers] == [None, "unreadable", None]
    assert [(a["passenger"] or NOBODY)["surname"] for a in answers] == ["Babbage", None, "Lovelace"]


NOBODY = {"surname": None}


def test_a_clock_that_is_ahead_is_refused_before_anything_is_done(handler, acme, flight):
    ada, bob = check_in(acme, flight, gates.ADA, BOB)
    before = gates.everything()
    body = {"scans": [offline(ada, 1), offline(bob, -6)]}
    answer = handler.post(f"/api/v1/flights/{flight.pk}/scans", body)
    assert answer.status_code == 400
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/scans/1/scanned_at"]
    assert gates.everything() == before
    assert batch(handler, flight, offline(bob, -4))[0]["result"] == "accepted"


def test_a_device_that_let_somebody_board_whom_we_refuse(handler, flight, boarding_pass):
    answer = refused(handler, flight, offline(boarding_pass, 25), "too_early")
    assert answer["conflict"]["kind"] == "device_accepted"


def test_whom_the_device_turned_away_is_not_aboard(handler, flight, boarding_pass):
    answer = refused(handler, flight, offline(boarding_pass, 5, "refused"), "refused_by_device")
    assert answer["conflict"]["kind"] == "device_refused"
    both = refused(handler, flight, offline(boarding_pass, 25, "refused"), "too_early")
    assert both["conflict"] is None


def test_two_devices_boarded_one_pass(handler, flight, boarding_pass):
    later, earlier = offline(boarding_pass, 2), offline(boarding_pass, 7)
    assert scanned(handler, flight, later)["conflict"] is None
    answer = scanned(handler, flight, earlier)
    assert (answer["result"], answer["conflict"]["kind"]) == ("accepted", "boarded_twice")
    assert boarded_at(boarding_pass).isoformat() == earlier["scanned_at"]
    assert actions_on(boarding_pass.coupon_id)[-1] == "coupon.boarded_earlier"
    third = refused(handler, flight, offline(boarding_pass, 1), "already_boarded")
    assert third["conflict"]["kind"] == "boarded_twice"


def test_an_online_scan_never_moves_the_boarding(handler, flight, boarding_pass):
    scanned(handler, flight, offline(boarding_pass, -4))  # a clock that is ahead
    refused(handler, flight, boarding_pass, "already_boarded")


def test_any_order_of_uploads_ends_the_same(handler, acme, flight):
    """Two good scans, one before boarding opened, one that the device refused: whoever comes first."""
    people = [{"surname": "Lovelace", "given_name": letter * 3} for letter in "ABCDEF"]
    orders = list(permutations((2.0, 7.0, 25.0)))
    passes = check_in(acme, flight, *people)
    for boarding_pass, minutes in zip(passes, orders, strict=True):
        scans = [offline(boarding_pass, ago) for ago in minutes]
        answers = batch(handler, flight, *scans, offline(boarding_pass, 9, "refused"))
        assert boarded_at(boarding_pass).isoformat() == scans[minutes.index(7.0)]["scanned_at"]
        assert sum(answer["is_conflict"] for answer in answers) >= 2
        assert status_of(boarding_pass) == ("L", False)


def test_a_pass_that_was_replaced_after_the_scan_was_good(handler, flight, boarding_pass):
    BoardingPass.objects.filter(pk=boarding_pass.pk).update(ended_at=timezone.now(), end_reason="reissued")
    assert scanned(handler, flight, offline(boarding_pass, 5))["result"] == "accepted"


def test_who_was_taken_off_after_the_scan_is_not_aboard(handler, flight, boarding_pass):
    BoardingPass.objects.filter(pk=boarding_pass.pk).update(ended_at=timezone.now(), end_reason="offloaded")
    Coupon.objects.filter(pk=boarding_pass.coupon_id).update(status="O")
    answer = refused(handler, flight, offline(boarding_pass, 5), "offloaded")
    assert answer["conflict"]["kind"] == "device_accepted"


# --- After the close-out ---


def test_a_scan_before_the_close_out_boards_after_all(handler, flight, boarding_pass):
    early = offline(boarding_pass, 5)
    post(handler, flight, "close")
    assert status_of(boarding_pass) == ("O", True)
    refused(handler, flight, boarding_pass, "no_show")
    answer = scanned(handler, flight, early)
    assert (answer["result"], answer["conflict"]["kind"]) == ("accepted", "boarded_after_close")
    assert status_of(boarding_pass) == ("L", False)
    assert actions_on(boarding_pass.coupon_id)[-2:] == ["coupon.checked_in", "coupon.lifted"]


def test_a_scan_that_the_device_says_was_after_the_close_out(handler, flight, boarding_pass):
    post(handler, flight, "close")
    answer = refused(handler, flight, offline(boarding_pass, -1), "no_show")
    assert answer["conflict"]["kind"] == "device_accepted"


def test_after_departure_who_was_aboard_has_flown(handler, flight, boarding_pass):
    early = offline(boarding_pass, 5)
    post(handler, flight, "close")
    Flight.objects.filter(pk=flight.pk).update(status="departed")
    answer = scanned(handler, flight, early)
    assert (answer["result"], answer["conflict"]["kind"]) == ("accepted", "boarded_after_close")
    assert status_of(boarding_pass) == ("F", False)
    assert actions_on(boarding_pass.coupon_id)[-3:] == ["coupon.checked_in", "coupon.lifted", "coupon.flown"]


# --- The list ---


def test_the_list_has_every_attempt_newest_first(handler, flight, boarding_pass):
    scanned(handler, flight, boarding_pass, device_id="a")
    scanned(handler, flight, offline(boarding_pass, 1))
    gates.look(handler, boarding_pass, event_id=str(flight.pk))
    page = handler.get(f"/api/v1/flights/{flight.pk}/scans").json()
    assert [(s["kind"], s["reason"]) for s in page["scans"]] == [
        ("look", "already_boarded"), ("board", None), ("board", None),
    ]  # fmt: skip
    assert page["next"] is None
    conflicts = handler.get(f"/api/v1/flights/{flight.pk}/scans?conflicts=true").json()["scans"]
    assert [s["conflict"]["kind"] for s in conflicts] == ["boarded_twice"]


def test_the_list_has_pages_of_one_statement(handler, flight, boarding_pass, django_assert_num_queries):
    for _ in range(5):
        gates.look(handler, boarding_pass)
    path = f"/api/v1/flights/{flight.pk}/scans?limit=2"
    with django_assert_num_queries(1):
        page = handler.get(path).json()
    seen = [s["scan_id"] for s in page["scans"]]
    while page["next"]:
        page = handler.get(f"{path}&cursor={page['next']}").json()
        seen += [s["scan_id"] for s in page["scans"]]
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)


def test_the_list_is_for_gates(acme, handler, flight):
    assert acme.get(f"/api/v1/flights/{flight.pk}/scans").status_code == 403
    path = "/api/v1/flights/0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b11/scans"
    assert handler.get(path).json()["code"] == "flight_not_found"


def test_the_order_that_sold_a_bag_gets_its_next_version_too(handler, acme, flight):
    shop.product("BAG1", "35.00", stock=40, rfic="C", rfisc="0CC")
    booking = confirmed(acme, flight, passengers=[gates.ADA])
    order = shop.order(acme, {"product_id": "BAG1", "quantity": 1, "ticket_id": booking["tickets"][0]["ticket_id"]})
    shop.run(order)
    check_in_booking(UUID(booking["booking_id"]), caller=gates.STAFF, at=timezone.now())
    gates.leave_in(flight, 40)
    [shown] = gates.passes_of(booking)
    assert scanned(handler, flight, shown)["result"] == "accepted"
    kept = "SELECT version, document::text FROM orders_backup WHERE stream = %s ORDER BY version DESC"
    [version, document] = query(kept, order["order_id"])[0]
    assert query("SELECT version FROM orders_order WHERE id = %s", order["order_id"]) == [(version,)]
    assert json.loads(document)["emds"][0]["status"] == "L"
    assert holds_all_there_is(order["order_id"])
    verify_invariants()
