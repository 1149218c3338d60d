"""Products for passengers: sold, issued, moved with their coupons, paid back with them or with their order."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import bookings.invariants
import orders.invariants
import partners.invariants
from flights.models import Flight
from orders.delivery import delivering
from orders.demo import ensure_demo_products
from orders.models import Order, Product
from partners.callers import Caller
from skybridge.invariants import examine
from tests import factories
from tests.bookings.sales import act, book, change, confirmed, query, refused
from tests.orders import shop
from ticketing.emds import emds_of
from ticketing.models import Coupon, Emd
from ticketing.services import move_coupons

pytestmark = pytest.mark.django_db
GATE = Caller(kind="system", id="gate", door="task", is_staff=True)


@pytest.fixture(autouse=True)
def goods():
    shop.product("BAG1", "35.00", stock=40, rfic="C", rfisc="0CC")
    shop.product("SEATPREF", "24.00", stock=40, rfic="A", rfisc="0B5")
    shop.product("PROD001", "999.99", stock=40)


@pytest.fixture
def booking(acme, flight) -> dict:
    """A confirmed booking of two passengers."""
    sold = confirmed(acme, flight, seats=2)
    shop.run(sold)
    return sold


def bag(booking: dict, place: int = 0, quantity: int = 1, product_id: str = "BAG1", **more) -> dict:
    ticket_id = booking["tickets"][place]["ticket_id"]
    return {"product_id": product_id, "quantity": quantity, "ticket_id": ticket_id, **more}


def sold(api, *items, **more) -> dict:
    """Order products, let the order be processed, and return it."""
    placed = shop.order(api, *items, **more)
    shop.run(placed)
    return shop.read(api, placed)


def emd_in(order: dict, place: int = 0) -> dict:
    return order["items"][place]["emd"]


def status_of(order: dict, place: int = 0) -> str:
    return Emd.objects.get(pk=emd_in(order, place)["emd_id"]).status


def move(booking: dict, *statuses: str) -> None:
    """Move the first passenger's coupon as departure control does."""
    at = timezone.now()
    for status in statuses:
        with delivering([UUID(booking["booking_id"])], caller=GATE, at=at) as delivery:
            coupon = Coupon.objects.select_for_update().get(pk=booking["tickets"][0]["coupons"][0]["coupon_id"])
            move_coupons([coupon], status, actor=GATE, at=at)
            delivery.is_changed = True


def all_is_well() -> None:
    """Assert what is always true of orders, bookings and money; these tests move coupons without seats and passes."""
    query("SET CONSTRAINTS ALL IMMEDIATE")
    invariants = [*orders.invariants.INVARIANTS, *bookings.invariants.INVARIANTS, *partners.invariants.INVARIANTS]
    assert [i.name for i in invariants if examine(i).violations] == []


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


# --- Paying back ---


def money_of(order: dict) -> tuple[Decimal, Decimal]:
    """Return what an order has given back, and what its owner's account still owes for it."""
    kept = Order.objects.get(pk=order["order_id"])
    sql = "SELECT sum(amount) FROM partners_ledgerentry WHERE order_id = %s AND account_id LIKE 'agency:%%'"
    return kept.refunded_amount, query(sql, order["order_id"])[0][0]


def test_cancelling_the_order_refunds_its_emds(acme, booking):
    order = sold(acme, bag(booking, quantity=2))
    assert acme.put(f"/orders/{order['order_id']}", {"status": "cancelled"}).status_code == 200
    assert (status_of(order), money_of(order), shop.stock_of("BAG1")) == ("R", (Decimal(70), Decimal(0)), 40)
    all_is_well()


def test_an_emd_without_a_number_becomes_void(acme, booking):
    order = shop.read(acme, shop.order(acme, bag(booking)))
    assert acme.delete(f"/orders/{order['order_id']}").status_code == 200
    assert (status_of(order), money_of(order), shop.stock_of("BAG1")) == ("V", (Decimal(35), Decimal(0)), 40)
    all_is_well()


@pytest.mark.parametrize("action", ["cancel", "refund"])
def test_closing_the_booking_pays_back_what_another_order_sold(acme, booking, action):
    order = sold(acme, bag(booking), bag(booking, 1, product_id="SEATPREF"), ("PROD001", 1))
    assert act(acme, booking, action).status_code == 200
    assert [status_of(order, place) for place in (1, 2)] == ["R", "R"]
    assert money_of(order) == (Decimal(59), Decimal("999.99"))
    assert (shop.stock_of("BAG1"), shop.stock_of("SEATPREF"), shop.stock_of("PROD001")) == (40, 40, 39)
    all_is_well()


def test_cancelling_the_rest_pays_nothing_twice(acme, booking):
    order = sold(acme, bag(booking), ("PROD001", 1))
    act(acme, booking, "cancel")
    quoted = acme.post(f"/api/v1/orders/{order['order_id']}/cancellations").json()
    assert quoted["refund_amount"] == 999.99
    acme.put(f"/orders/{order['order_id']}", {"status": "cancelled"})
    assert money_of(order) == (Decimal("1034.99"), Decimal(0))
    assert (shop.stock_of("BAG1"), shop.stock_of("PROD001")) == (40, 40)
    all_is_well()


def test_an_order_with_nothing_left_is_cancelled(acme, booking):
    order = sold(acme, bag(booking))
    act(acme, booking, "cancel")
    assert shop.read(acme, order)["status"] == "cancelled"
    assert money_of(order) == (Decimal(35), Decimal(0))
    all_is_well()


def test_cancelling_the_order_of_the_booking_pays_back_what_another_sold(acme, flight):
    main = sold(acme, book(acme, flight))
    booking = acme.get(f"/api/v1/bookings/{main['items'][0]['booking_id']}").json()
    order = sold(acme, bag(booking))
    assert acme.put(f"/orders/{main['order_id']}", {"status": "cancelled"}).status_code == 200
    assert (status_of(order), money_of(order)) == ("R", (Decimal(35), Decimal(0)))
    all_is_well()


def test_a_booking_and_its_bag_on_one_order_go_back_together(acme, flight):
    held = book(acme, flight)
    order = sold(acme, held, bag(held))
    act(acme, held, "cancel")
    assert (status_of(order), shop.stock_of("BAG1"), shop.read(acme, order)["status"]) == ("R", 40, "cancelled")
    all_is_well()


def test_a_passenger_who_leaves_takes_the_bag_along(acme, booking):
    order = sold(acme, bag(booking), bag(booking, 1))
    path = f"/api/v1/bookings/{booking['booking_id']}/cancellations"
    quote = acme.post(path, {"ticket_ids": [booking["tickets"][1]["ticket_id"]]}).json()
    assert acme.post(f"{path}/{quote['quote_id']}/confirm").status_code == 200
    assert [status_of(order, place) for place in (0, 1)] == ["O", "R"]
    assert money_of(order) == (Decimal(35), Decimal(35))
    all_is_well()


def test_fewer_seats_and_the_bag_of_the_last_passenger(acme, booking):
    order = sold(acme, bag(booking, 1))
    assert change(acme, booking, seats=1).status_code == 200
    assert (status_of(order), shop.stock_of("BAG1")) == ("R", 40)
    all_is_well()


def test_a_card_gets_its_money_back(acme, booking):
    order = sold(acme, bag(booking), ("PROD001", 1), payment={"method": "card", "token": "tok_success"})
    act(acme, booking, "cancel")
    assert query("SELECT amount, status FROM partners_refund") == [(Decimal(35), "pending")]
    assert Order.objects.get(pk=order["order_id"]).refunded_amount == 35
    all_is_well()


def test_what_a_card_is_being_charged_for_is_waited_for(acme, booking):
    shop.order(acme, bag(booking), payment={"method": "card", "token": "tok_success"})
    before = shop.everything()
    refused(act(acme, booking, "cancel"), 409, "order_in_progress")
    assert shop.everything() == before


def test_what_is_in_use_is_not_cancelled(acme, booking):
    order = sold(acme, bag(booking))
    assert {"cancel", "delete"} <= set(order["available_actions"])
    move(booking, "C")
    before = shop.everything()
    refused(acme.put(f"/orders/{order['order_id']}", {"status": "cancelled"}), 409, "action_not_allowed")
    refused(acme.post(f"/api/v1/orders/{order['order_id']}/cancellations"), 409, "action_not_allowed")
    assert shop.everything() == before
    assert not {"cancel", "delete"} & set(shop.read(acme, order)["available_actions"])
    move(booking, "O")
    assert "cancel" in shop.read(acme, order)["available_actions"]


def test_what_has_left_is_not_cancelled(acme, booking, flight):
    order = sold(acme, bag(booking))
    Flight.objects.filter(pk=flight.pk).update(departs_at=timezone.now() - timedelta(hours=1))
    refused(acme.put(f"/orders/{order['order_id']}", {"status": "cancelled"}), 409, "action_not_allowed")
    assert "cancel" not in shop.read(acme, order)["available_actions"]


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
