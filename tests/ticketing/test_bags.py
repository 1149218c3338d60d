"""Bags: how many and how heavy they may be, and their tags in sequence."""

import pytest

from tests.bookings.sales import query, refused
from tests.concurrency.racing import verify_invariants
from tests.orders import shop
from tests.ticketing.desk import (
    at_ticket,
    check_in,
    check_in_group,
    nothing_changes,
    passes,
    refuses,
    sold,
    soon,
    ticket_ids,
    try_check_in,
)
from ticketing import bcbp
from ticketing.models import Emd

pytestmark = pytest.mark.django_db
BAG = {"weight_kg": 20}


@pytest.fixture(autouse=True)
def _whole():
    yield
    verify_invariants()


@pytest.fixture
def flight(db):
    return soon(carrier="FL", number=123)


def add(api, booking, *weights, **fields):
    body = {"bags": [{"weight_kg": weight} for weight in weights], **fields}
    return api.post(at_ticket(ticket_ids(booking)[0], "bags"), body)


def take_off(api, booking, tag_number: str):
    return api.delete(at_ticket(ticket_ids(booking)[0], f"bags/{tag_number}"))


def emd(booking: dict, quantity: int = 1, **fields) -> Emd:
    """Make an issued EMD for bags of the booking's first passenger; the EMDs' own tests sell them."""
    item = query("SELECT id FROM orders_orderitem ORDER BY id DESC LIMIT 1")[0][0]
    facts = {"rfic": "C", "rfisc": "0CD", "number": "9990000009999", "order_item_id": item, **fields}
    return Emd.objects.create(
        ticket_id=ticket_ids(booking)[0], coupon_id=booking["tickets"][0]["coupons"][0]["coupon_id"], product_id="BAG2",
        type="A", quantity=quantity, currency="USD", amount=45, description="Bag", **facts,
    )  # fmt: skip


def tags(answer: dict) -> list[str]:
    return [bag["tag_number"] for bag in answer["bags"]]


def test_bags_are_tagged_and_printed_on_the_pass(acme, flight):
    booking = sold(acme, flight)
    answer = check_in(acme, booking, bags=[{"weight_kg": 21.5}])
    assert answer["bags"] == [
        {
            "tag_number": "0999000001", "weight_kg": 21.5, "status": "checked", "ticket_id": ticket_ids(booking)[0],
            "coupon_id": answer["tickets"][0]["coupons"][0]["coupon_id"], "event_id": str(flight.pk),
            "checked_at": answer["tickets"][0]["coupons"][0]["checked_in_at"],
        }
    ]  # fmt: skip
    signed = bcbp.decode(answer["boarding_passes"][0]["barcode"])
    assert (signed.bag_tag, signed.legs[0].passenger_status) == ("0999000001001", "3")


def test_tags_of_one_call_follow_each_other(acme, flight, settings):
    settings.FREE_CHECKED_BAGS = 2
    booking = sold(acme, flight, party="ADT ADT")
    passengers = [{"ticket_id": ticket_id, "bags": [BAG, BAG]} for ticket_id in ticket_ids(booking)]
    answer = check_in_group(acme, booking, passengers=passengers)
    assert tags(answer) == [f"099900000{serial}" for serial in (1, 2, 3, 4)]
    signed = [bcbp.decode(p["barcode"]).bag_tag for p in answer["boarding_passes"]]
    assert signed == ["0999000001002", "0999000003002"]


def test_a_carrier_without_a_code_has_the_airlines(acme, settings):
    settings.ACCOUNTING_CODE = "123"
    flight = soon(carrier="ZZ")
    query("UPDATE flights_carrier SET accounting_code = '' WHERE iata = 'ZZ'")
    assert tags(check_in(acme, sold(acme, flight), bags=[BAG])) == ["0123000001"]


def test_serials_wrap_and_leave_out_tags_in_use(acme, flight, settings):
    settings.FREE_CHECKED_BAGS = 3
    first = check_in(acme, sold(acme, flight), bags=[BAG])
    assert tags(first) == ["0999000001"]
    query("UPDATE ticketing_bagtagseries SET last_serial = 999998")
    second = check_in(acme, sold(acme, flight), bags=[BAG, BAG])  # 999999 and 1, which is in use
    assert tags(second) == ["0999000002", "0999000003"]
    query("UPDATE ticketing_bagtagseries SET last_serial = 999999")
    query("UPDATE ticketing_bag SET status = 'removed' WHERE tag_number = '0999000001'")
    assert tags(check_in(acme, sold(acme, flight), bags=[BAG])) == ["0999000001"]


def test_more_bags_than_the_ticket_has(acme, flight):
    booking = sold(acme, flight)
    problem = refuses(lambda: try_check_in(acme, booking, bags=[BAG, BAG]), "bag_not_paid")
    assert (problem["bags_allowed"], problem["bags_checked"]) == (1, 0)
    emd(booking, number=None)
    emd(booking, number="9990000000007", rfisc="0BT", order_item_id=another_item(acme))
    refuses(lambda: try_check_in(acme, booking, bags=[BAG, BAG]), "bag_not_paid")
    Emd.objects.all().delete()
    emd(booking, quantity=2)
    check_in(acme, booking, bags=[BAG, BAG, BAG])
    refuses(lambda: add(acme, booking, 5), "bag_not_paid")
    Emd.objects.all().delete()


def another_item(api) -> int:
    shop.product("PETC", "10")
    shop.order(api, ("PETC", 1))
    return query("SELECT id FROM orders_orderitem ORDER BY id DESC LIMIT 1")[0][0]


def test_a_lap_infant_has_no_bag_of_its_own(acme, flight):
    booking = sold(acme, flight, party="ADT INF")
    check_in(acme, booking)
    refuses(lambda: try_check_in(acme, booking, 1, bags=[BAG]), "bag_not_paid")


def test_too_heavy(acme, flight):
    booking = sold(acme, flight)
    assert refuses(lambda: try_check_in(acme, booking, bags=[{"weight_kg": 32.1}]), "bag_too_heavy")["max_kg"] == 32
    check_in(acme, booking, bags=[{"weight_kg": 32}])


@pytest.mark.parametrize("weight", [0, -1, "20", True, 20.55, 1000, None])
def test_weights_that_are_none(acme, flight, weight):
    booking = sold(acme, flight)
    with nothing_changes():
        refused(try_check_in(acme, booking, bags=[{"weight_kg": weight}]), 400, "invalid_input")


def test_bags_come_later_and_go_again(acme, flight, settings):
    settings.FREE_CHECKED_BAGS = 2
    booking = sold(acme, flight)
    refuses(lambda: add(acme, booking, 20), "not_checked_in")
    check_in(acme, booking, seat="20A", bags=[BAG])
    answer = add(acme, booking, 12.5)
    assert tags(answer.json()) == ["0999000001", "0999000002"]
    assert bcbp.decode(answer.json()["boarding_passes"][0]["barcode"]).bag_tag == "0999000001002"
    answer = take_off(acme, booking, "0999000001")
    assert tags(answer.json()) == ["0999000002"]
    assert [end for _, _, end in passes(booking)] == ["reissued", "reissued", ""]
    refuses(lambda: take_off(acme, booking, "0999000001"), "bag_not_found", 404)
    assert [action for (action,) in query("SELECT action FROM skybridge_event WHERE action LIKE 'bag.%%'")] == [
        "bag.checked", "bag.checked", "bag.removed",
    ]  # fmt: skip


def test_bags_of_those_who_have_boarded_or_left(acme, staff, flight):
    booking = sold(acme, flight)
    check_in(acme, booking, bags=[BAG])
    query("UPDATE ticketing_coupon SET status = 'L', boarded_at = now()")
    refuses(lambda: add(acme, booking, 5), "already_boarded")
    refuses(lambda: take_off(acme, booking, "0999000001"), "already_boarded")
    assert take_off(staff, booking, "0999000001").status_code == 200
    query("UPDATE ticketing_coupon SET status = 'C', boarded_at = NULL")
    query("UPDATE ticketing_departure SET closed_at = now()")
    refuses(lambda: add(staff, booking, 5), "flight_closed_out")


def test_others_cannot(acme, zenith, flight):
    booking = sold(acme, flight)
    check_in(acme, booking, bags=[BAG])
    refuses(lambda: add(zenith, booking, 5), "ticket_not_found", 404)
    refuses(lambda: take_off(zenith, booking, "0999000001"), "ticket_not_found", 404)
