"""Products for passengers: sold, issued, moved with their coupons and exchanged with them."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from flights.models import Flight
from orders.demo import ensure_demo_products
from orders.models import Order, Product
from tests import factories
from tests.bookings.sales import act, book, change, confirmed, query, refused
from tests.orders import shop
from tests.orders.emds import GATE, all_is_well, bag, emd_in, move, sold, status_of
from ticketing.emds import emds_of
from ticketing.models import Coupon, Emd
from ticketing.services import move_coupons

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("goods")]


# --- Selling ---


def test_a_product_for_a_passenger_is_an_emd(acme, booking):
    order = shop.read(acme, shop.order(acme, bag(booking, quantity=2), ("PROD001", 1)))
    ticket = booking["tickets"][0]
    [goods, tied] = order["items"]
    assert goods["emd"] is None
    emd = tied["emd"]
    assert (emd["type"], emd["status"], emd["number"], emd["issued_at"]) == ("A", "O", None, None)
    assert (emd["rfic"], emd["rfisc"], emd["quantity"], emd["amount"]) == ("C", "0CC", 2, 70)
    assert (emd["ticket_id"], emd["coupon_id"]) == (ticket["ticket_id"], ticket["coupons"][0]["coupon_id"])
    assert emd["event_id"] == ticket["coupons"][0]["event_id"]
    assert shop.stock_of("BAG1") == 38
    all_is_well()


def test_processing_issues_the_number(acme, booking):
    emd = emd_in(sold(acme, bag(booking)))
    assert emd["number"].startswith("999")
    assert len(emd["number"]) == 13
    assert emd["displayed_number"] == f"999-{emd['number'][3:]}"
    assert emd["check_digit"] == int(emd["number"]) % 7
    assert query("SELECT action FROM skybridge_event WHERE subject_id = %s", emd["emd_id"]) == [("emd.issued",)]
    assert emd["number"] not in {ticket["number"] for ticket in booking["tickets"]}
    all_is_well()


def test_a_booking_and_its_passenger_s_bag_on_one_order(acme, flight):
    held = book(acme, flight)
    order = sold(acme, held, bag(held))
    assert emd_in(order)["number"]
    [ticket] = acme.get(f"/api/v1/bookings/{held['booking_id']}").json()["tickets"]
    assert int(emd_in(order)["number"][3:]) == int(ticket["number"][3:]) + 1
    all_is_well()


def test_the_same_product_for_the_same_passenger_is_one_item(acme, booking, flight):
    again = bag(booking, event_id=str(flight.pk))
    order = shop.read(acme, shop.order(acme, bag(booking), again, bag(booking, 1), ("BAG1", 3), ("BAG1", 1)))
    assert [(item["quantity"], bool(item["emd"])) for item in order["items"]] == [(4, False), (2, True), (1, True)]
    assert shop.stock_of("BAG1") == 33
    all_is_well()


def test_one_of_several_flights_is_named(acme, flight):
    back = factories.flight("LAX", "JFK", carrier="FL", number=124)
    booking = confirmed(acme, flight, back)
    refused(acme.post("/orders", shop.order_body(bag(booking))), 400, "event_id_needed")
    order = sold(acme, bag(booking, event_id=str(back.pk)))
    assert emd_in(order)["coupon_id"] == booking["tickets"][0]["coupons"][1]["coupon_id"]


def test_a_bag_of_a_passenger_who_is_checked_in_is_in_step(acme, booking):
    move(booking, "C")
    assert emd_in(sold(acme, bag(booking)))["status"] == "C"
    all_is_well()


def test_a_ticket_s_emds_are_read_in_one_statement(acme, booking, django_assert_num_queries):
    order = sold(acme, bag(booking), bag(booking, product_id="SEATPREF"), bag(booking, 1))
    ids = [UUID(ticket["ticket_id"]) for ticket in booking["tickets"]]
    with django_assert_num_queries(1):
        found = emds_of(ids)
    assert [len(found[pk]) for pk in ids] == [2, 1]
    assert {str(emd["emd_id"]) for emd in found[ids[0]]} <= {item["emd"]["emd_id"] for item in order["items"]}


def test_products_show_their_codes(acme):
    products = {p["product_id"]: (p["rfic"], p["rfisc"]) for p in acme.get("/products").json()["products"]}
    assert products == {"BAG1": ("C", "0CC"), "SEATPREF": ("A", "0B5"), "PROD001": ("", "")}


def test_an_order_of_many_emds_is_written_in_as_many_statements_as_one(acme, booking):
    plain, tied = (statements(acme, item) for item in (("BAG1", 1), bag(booking)))
    # Besides: the ticket's facts, the lock of the order that sold it, the account's terms, the backup, a transaction.
    assert (plain, tied) == (2, 8)
    assert statements(acme, bag(booking), bag(booking, 1), bag(booking, product_id="SEATPREF")) == tied


def statements(api, *items) -> int:
    with CaptureQueriesContext(connection) as captured:
        shop.order(api, *items)
    return len(captured)


# --- Refusals of a sale ---


def refuse(api, status: int, code: str, *items) -> None:
    before = shop.everything()
    refused(api.post("/api/v1/orders", shop.order_body(*items)), status, code)
    assert shop.everything() == before


def test_another_s_ticket_is_not_found(acme, zenith, booking):
    refuse(zenith, 404, "ticket_not_found", bag(booking))
    refuse(acme, 404, "ticket_not_found", {"product_id": "BAG1", "quantity": 1, "ticket_id": str(uuid4())})


def test_a_ticket_of_another_owner_than_the_order_s(staff, booking):
    refuse(staff, 409, "ticket_not_for_order", bag(booking))


def test_a_held_ticket_that_the_order_does_not_sell(acme, flight):
    refuse(acme, 409, "ticket_not_for_order", bag(book(acme, flight)))


def test_a_product_without_a_code(acme, booking):
    refuse(acme, 400, "product_not_for_passengers", bag(booking, product_id="PROD001"))


def test_a_product_that_is_not_sold_or_out_of_stock(acme, booking):
    refuse(acme, 400, "product_not_found", bag(booking, product_id="NONE"))
    refuse(acme, 409, "out_of_stock", bag(booking, quantity=30), bag(booking, 1, quantity=11))


def test_a_flight_that_is_not_on_the_ticket(acme, booking):
    refuse(acme, 409, "not_on_flight", bag(booking, event_id=str(factories.flight().pk)))


def test_a_flight_without_a_passenger_and_a_passenger_of_a_booking_item(acme, booking, flight):
    refuse(acme, 400, "invalid_input", {"product_id": "BAG1", "quantity": 1, "event_id": str(flight.pk)})
    refuse(acme, 400, "missing_fields", {"product_id": "BAG1", "ticket_id": booking["tickets"][0]["ticket_id"]})


def test_a_ticket_that_is_refunded(acme, booking):
    act(acme, booking, "refund")
    refuse(acme, 409, "ticket_not_valid", bag(booking))


def test_a_coupon_that_is_used(acme, booking):
    move(booking, "C", "L")
    refuse(acme, 409, "coupon_used", bag(booking))


def test_a_flight_that_is_cancelled_or_has_left(acme, booking, flight):
    Flight.objects.filter(pk=flight.pk).update(status=Flight.Status.CANCELLED)
    refuse(acme, 409, "flight_cancelled", bag(booking))
    Flight.objects.filter(pk=flight.pk).update(
        status=Flight.Status.SCHEDULED, departs_at=timezone.now() - timedelta(hours=1)
    )
    refuse(acme, 409, "flight_departed", bag(booking))


# --- Following the coupon ---


def test_an_emd_follows_its_coupon(acme, booking):
    order = sold(acme, bag(booking), bag(booking, 1))
    followed = []
    for status in ("C", "O", "C", "L", "F"):
        move(booking, status)
        followed.append((status_of(order), status_of(order, 1)))
    assert followed == [("C", "O"), ("O", "O"), ("C", "O"), ("L", "O"), ("F", "O")]
    events = query("SELECT after ->> 'status' FROM skybridge_event WHERE subject_id = %s AND action <> 'emd.issued' "
        "ORDER BY id", emd_in(order)["emd_id"])  # fmt: skip
    assert [status for (status,) in events] == ["C", "O", "C", "L", "F"]
    all_is_well()


def test_following_makes_the_next_version_of_the_order_that_sold_it(acme, booking):
    order = sold(acme, bag(booking))
    before = Order.objects.get(pk=order["order_id"]).version
    move(booking, "C")
    assert Order.objects.get(pk=order["order_id"]).version == before + 1
    all_is_well()


def test_an_emd_that_was_sold_at_the_gate_catches_up(acme, booking):
    """Its sale committed beside the boarding, which could not see it."""
    order = sold(acme, bag(booking))
    for status in ("C", "L"):
        move(booking, status)
    Emd.objects.update(status="C")
    move(booking, "F")
    assert status_of(order) == "F"
    all_is_well()


def test_a_coupon_without_emds_costs_one_statement_more(booking):
    coupon = Coupon.objects.get(pk=booking["tickets"][0]["coupons"][0]["coupon_id"])
    with CaptureQueriesContext(connection) as captured, transaction.atomic():
        move_coupons([coupon], "C", actor=GATE, at=timezone.now())
    about_emds = [q for q in captured if "ticketing_emd" in q["sql"]]
    assert len(about_emds) == 1


# --- Exchanging ---


def test_a_date_change_takes_the_emd_along(acme, booking, flight):
    later = factories.flight(
        carrier="FL", number=123, departs_at=flight.departs_at + timedelta(days=1), seats={"Y": 50}
    )
    order = sold(acme, bag(booking))
    version = Order.objects.get(pk=order["order_id"]).version
    changed = change(acme, booking, departureDate=str(later.departure_date))
    assert changed.status_code == 200, changed.content
    ticket = changed.json()["tickets"][0]
    emd = emd_in(shop.read(acme, order))
    assert (emd["status"], emd["event_id"], emd["ticket_id"]) == ("O", str(later.pk), ticket["ticket_id"])
    assert emd["number"] == emd_in(order)["number"]
    assert Order.objects.get(pk=order["order_id"]).version == version + 1
    assert query("SELECT action FROM skybridge_event WHERE subject_id = %s ORDER BY id", emd["emd_id"])[-1] == (
        "emd.reassociated",
    )
    all_is_well()


def test_demo_products_get_codes_where_they_have_none(django_assert_num_queries):
    Product.objects.filter(pk="BAG1").update(rfic="", rfisc="", stock=7)
    Product.objects.filter(pk="SEATPREF").update(rfisc="0XX")
    with django_assert_num_queries(2):
        ensure_demo_products()
    codes = {p.pk: (p.rfic, p.rfisc, p.stock) for p in Product.objects.all()}
    assert codes["BAG1"] == ("C", "0CC", 7)
    assert codes["SEATPREF"][:2] == ("A", "0XX")
    assert (codes["LOUNGE"][:2], codes["PROD002"][:2]) == (("E", "0BX"), ("", ""))
