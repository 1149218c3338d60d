"""Two gates, one pass: exactly one boarding, whatever else happens to the passenger at that moment."""

import random
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.utils import timezone

from orders import boarding
from orders.boarding import board, board_all
from orders.checkin import undo_check_in
from orders.departures import close_flight, depart_flights
from partners.callers import Caller
from skybridge.exceptions import DomainError
from tests import factories
from tests.bookings.sales import query
from tests.concurrency.racing import HttpApi, together
from tests.ticketing.gates import actions_on, check_in, new_scan, status_of
from ticketing.models import Coupon, Scan
from ticketing.scans import Attempt

GATE = Caller(kind="agency", id="gate", door="api", is_ground_handler=True)
PEOPLE = [{"surname": "Lovelace", "given_name": letter * 3} for letter in "ABCDEFGH"]


@pytest.fixture
def flight(transactional_db):
    departs_at = timezone.now() + timedelta(hours=5)
    return factories.flight("JFK", "LAX", carrier="FL", number=123, departs_at=departs_at)


@pytest.fixture
def boarding_pass(acme, flight):
    return check_in(acme, flight)[0]


@pytest.fixture
def gate(server, handler) -> HttpApi:
    return HttpApi(server.port, handler.headers, id=handler.id)


def kept_versions(boarding_pass) -> bool:
    """Tell whether the order of a pass has a backup of each of its versions."""
    [[order, kept, last]] = query(
        """SELECT o.version, count(k.id), max(k.version) FROM ticketing_coupon c
        JOIN ticketing_ticket t ON t.id = c.ticket_id JOIN bookings_booking b ON b.id = t.booking_id
        JOIN orders_order o ON o.id = b.order_id JOIN orders_backup k ON k.stream = o.id::text
        WHERE c.id = %s GROUP BY o.version""",
        boarding_pass.coupon_id,
    )
    return order == kept == last


def upload(gate, path: str, body: dict) -> dict:
    """Post a scan as a gate does: again while the server says that it is busy."""
    while (answer := gate.post(path, body)).status_code == 503:
        pass
    return answer.json()


def test_two_gates_board_one_passenger_once(gate, flight, boarding_pass):
    path = f"/api/v1/flights/{flight.pk}/scans"
    answers = together([lambda: upload(gate, path, new_scan(boarding_pass)) for _ in range(8)])
    assert Counter(answer["reason"] for answer in answers) == {None: 1, "already_boarded": 7}
    [boarded] = [answer for answer in answers if answer["result"] == "accepted"]
    assert {answer["boarded_at"] for answer in answers} == {boarded["boarded_at"]}
    assert actions_on(boarding_pass.coupon_id) == ["coupon.checked_in", "coupon.lifted"]
    assert Scan.objects.count() == 8
    assert kept_versions(boarding_pass)


def test_without_the_version_both_would_board(flight, boarding_pass):
    """Two devices read before either writes; the change that does not look at the version again boards twice."""
    cases = [boarding.read(boarding.read_barcode(boarding_pass.barcode), flight_id=flight.pk) for _ in range(2)]
    careless = "UPDATE ticketing_coupon SET status = 'L', boarded_at = now() WHERE id = %s"
    boarded = 0
    for seen in cases:
        assert seen.found
        if seen.found.coupon_status == "C":
            with connection.cursor() as cursor:
                cursor.execute(careless, [seen.found.coupon_id])
                boarded += cursor.rowcount
    assert boarded == 2


def test_one_upload_twice_at_once_is_one_boarding(gate, flight, boarding_pass):
    path, body = f"/api/v1/flights/{flight.pk}/scans", new_scan(boarding_pass)
    answers = together([lambda: upload(gate, path, body) for _ in range(8)])
    assert Counter(answer.pop("replayed") for answer in answers) == {False: 1, True: 7}
    assert all(answer == answers[0] for answer in answers)
    assert Scan.objects.count() == 1


def test_one_nonce_for_two_passes_at_once_boards_one(gate, acme, flight):
    passes, path = check_in(acme, flight, *PEOPLE[:4]), f"/api/v1/flights/{flight.pk}/scans"
    replies = together([lambda shown=shown: gate.post(path, new_scan(shown, nonce="one")) for shown in passes])
    assert Counter(reply.status_code for reply in replies) == {200: 1, 422: 3}
    assert Counter(status for status, _ in map(status_of, passes)) == {"L": 1, "C": 3}


def test_a_family_boards_at_several_gates_at_once(gate, acme, flight):
    passes, path = check_in(acme, flight, *PEOPLE), f"/api/v1/flights/{flight.pk}/scans"
    replies = together([lambda shown=shown: gate.post(path, new_scan(shown)) for shown in passes])
    assert [reply.json()["result"] for reply in replies] == ["accepted"] * len(passes)
    assert {status_of(shown) for shown in passes} == {("L", False)}
    assert kept_versions(passes[0])


def attempt(call) -> str:
    try:
        return str((call() or {}).get("reason") or "done")
    except DomainError as refusal:
        return refusal.code


def test_scan_against_undoing_the_check_in(acme, flight):
    """Either the passenger is off and the scan says so, or aboard and the undoing is refused."""
    for passenger in PEOPLE:
        [shown] = check_in(acme, flight, passenger, minutes=300)
        ticket_id, now = shown.coupon.ticket_id, timezone.now() + timedelta(minutes=260)
        scan = Attempt(shown.barcode, f"n-{ticket_id}")
        traveller = Caller(kind="agency", id=acme.id, door="api", agency_id=UUID(acme.id))
        ended = together(
            [
                lambda scan=scan, now=now: attempt(lambda: board(flight.pk, scan, caller=GATE, at=now)),
                lambda t=ticket_id, c=traveller, now=now: attempt(lambda: undo(t, c, now)),
            ]
        )
        status = Coupon.objects.values_list("status", flat=True).get(pk=shown.coupon_id)
        assert (ended, status) in [(["done", "already_boarded"], "L"), (["offloaded", "done"], "O")]
        assert kept_versions(shown)


def undo(ticket_id: UUID, caller: Caller, at) -> dict:
    undo_check_in(ticket_id, caller=caller, at=at)
    return {}


def test_scans_against_the_close_out(acme, flight):
    """Who has boarded is aboard, who has not is a no-show; nobody is both or neither."""
    passes = [check_in(acme, flight, passenger, minutes=300)[0] for passenger in PEOPLE]
    now = timezone.now() + timedelta(minutes=270)
    scans = [Attempt(shown.barcode, f"n-{shown.pk}") for shown in passes]
    calls = [lambda scan=scan: attempt(lambda: board(flight.pk, scan, caller=GATE, at=now)) for scan in scans]
    ended = together([*calls, lambda: close_flight(flight.pk, caller=GATE, at=now) and "closed"])
    for shown, answer in zip(passes, ended, strict=False):
        assert status_of(shown) == (("L", False) if answer == "done" else ("O", True))


def test_two_runs_let_a_flight_leave_once(acme, flight):
    passes = [check_in(acme, flight, passenger, minutes=300)[0] for passenger in PEOPLE[:4]]
    at = timezone.now() + timedelta(minutes=270)
    for shown in passes[:2]:
        board(flight.pk, Attempt(shown.barcode, str(shown.pk)), caller=GATE, at=at)
    together([lambda: depart_flights(at=at + timedelta(hours=1)) for _ in range(4)])
    depart_flights(at=at + timedelta(hours=1))
    assert [status_of(shown) for shown in passes] == [("F", False)] * 2 + [("O", True)] * 2
    assert actions_on(flight.pk) == ["flight.departed"]
    assert actions_on(passes[0].coupon_id) == ["coupon.checked_in", "coupon.lifted", "coupon.flown"]


# --- Any order ---


def offline_scans(passes, now) -> list[Attempt]:
    """Make what two devices have noted down without a connection: good, double, early and refused scans."""
    draw = random.Random(7)
    return [
        Attempt(
            shown.barcode,
            f"{device}-{shown.pk}-{turn}",
            now - timedelta(minutes=draw.choice((4, 5, 9, 14, 26, 40))),
            f"device-{device}",
            draw.choice(("accepted", "accepted", "refused")),
        )
        for shown in passes
        for device in range(2)
        for turn in range(2)
    ]


def end_state(passes) -> list[tuple]:
    coupons = Coupon.objects.filter(pk__in=[shown.coupon_id for shown in passes]).order_by("pk")
    return list(coupons.values_list("pk", "status", "is_no_show", "boarded_at"))


@pytest.mark.parametrize("closes", [False, True])
def test_uploads_in_any_order_and_at_once_end_the_same(closes, acme, flight):
    passes = check_in(acme, flight, *PEOPLE, minutes=300)
    now = timezone.now() + timedelta(minutes=265)
    scans = offline_scans(passes, now)
    found = []
    for seed in range(12):
        shuffled = random.Random(seed).sample(scans, len(scans))
        half = len(shuffled) // 2
        with undone():
            board_all(flight.pk, shuffled[:half], caller=GATE, at=now)
            if closes:
                close_flight(flight.pk, caller=GATE, at=now - timedelta(minutes=3))
            board_all(flight.pk, shuffled[half:], caller=GATE, at=now)
            found.append(end_state(passes))
    assert all(state == found[0] for state in found)
    assert {"L"} < {status for _, status, _, _ in found[0]}
    uploads = [scans[start::4] for start in range(4)]
    if closes:
        close_flight(flight.pk, caller=GATE, at=now - timedelta(minutes=3))
    together([lambda part=part: board_all(flight.pk, part, caller=GATE, at=now) for part in uploads])
    assert end_state(passes) == found[0]


@contextmanager
def undone():
    """Roll back what is done inside."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
