"""What staff do to tickets, coupons and boarding passes in the back office."""

import pytest

from skybridge.models import Event
from tests.skybridge.desk import act_page, confirm, do, forge, look, offered, text
from tests.skybridge.staff import with_role
from tests.ticketing.desk import check_in, coupons, everything, passes, sold, soon, ticket_ids
from ticketing.models import BoardingPass, Coupon

TICKETS, COUPONS, PASSES = "ticketing/ticket", "ticketing/coupon", "ticketing/boardingpass"


@pytest.fixture
def desk(db):
    return with_role("check-in", name="desk")


@pytest.fixture
def booking(acme) -> dict:
    return sold(acme, soon())


@pytest.fixture
def checked_in(acme, booking) -> dict:
    check_in(acme, booking)
    return booking


def coupon_of(booking: dict):
    return Coupon.objects.get(ticket=ticket_ids(booking)[0]).pk


def pass_of(booking: dict):
    return BoardingPass.objects.get(coupon=coupon_of(booking), ended_at=None).pk


@pytest.mark.parametrize("role", ["viewer", "reservations", "finance", "administrator", "check-in", "supervisor"])
def test_each_role_reaches_its_acts_and_no_other(checked_in, role):
    client, may = with_role(role), role in ("check-in", "supervisor")
    rows = [(TICKETS, ticket_ids(checked_in)[0]), (COUPONS, coupon_of(checked_in)), (PASSES, pass_of(checked_in))]
    before = everything()
    for model, pk in rows:
        for act in ("reissue", "offload"):
            assert client.get(act_page(model, act), {"id": pk}).status_code == (200 if may else 403)
            if not may:
                assert forge(client, model, act, pk).status_code == 403
    assert everything() == before


@pytest.mark.parametrize("model", [TICKETS, COUPONS])
def test_a_passenger_is_checked_in_and_taken_off(desk, booking, model):
    pk = ticket_ids(booking)[0] if model == TICKETS else coupon_of(booking)
    page = look(desk, model, "check_in", pk)
    assert "Lovelace/Ada" in page
    assert "is checked in; 1 boarding passes are good" in text(confirm(desk, model, "check_in", page))
    assert coupons(booking)[0]["status"] == "C"
    assert Event.objects.get(action="coupon.checked_in").reason == "Because."
    assert "is off the flight" in do(desk, model, "offload", pk)
    assert coupons(booking)[0]["status"] == "O"
    assert Event.objects.get(action="coupon.open").reason == "offloaded: Because."


@pytest.mark.parametrize("model", [TICKETS, COUPONS, PASSES])
def test_a_pass_is_reissued_under_its_number(desk, checked_in, model):
    pk = {TICKETS: ticket_ids(checked_in)[0], COUPONS: coupon_of(checked_in), PASSES: pass_of(checked_in)}[model]
    page = look(desk, model, "reissue", pk)
    assert "1 new boarding pass" in text(confirm(desk, model, "reissue", page))
    old, new = passes(checked_in)
    assert (old[0], old[2]) == (new[0], "reissued")
    assert not new[2]
    assert Event.objects.get(action="coupon.pass_reissued").reason == "Because."
    assert "request_in_progress" in text(confirm(desk, model, "reissue", page))
    assert len(passes(checked_in)) == 2


def test_a_pass_that_has_ended_offers_nothing_and_is_refused(desk, acme, checked_in):
    pk = pass_of(checked_in)
    do(desk, PASSES, "offload", pk)
    assert offered(desk, PASSES, pk) == set()
    before = everything()
    assert "(not_checked_in)" in do(desk, PASSES, "reissue", pk)
    assert "(not_checked_in)" in do(desk, PASSES, "offload", pk)
    assert everything() == before


def test_of_three_passengers_one_is_refused(desk, acme):
    flight = soon()
    here = [coupon_of(sold(acme, flight)) for _ in range(2)]
    early = coupon_of(sold(acme, soon(hours=24 * 5)))
    page = look(desk, COUPONS, "check_in", *here, early)
    after = text(confirm(desk, COUPONS, "check_in", page))
    assert "2 done, 1 refused." in after
    assert "(check_in_not_open)" in after
    assert set(Coupon.objects.filter(pk__in=here).values_list("status", flat=True)) == {"C"}
