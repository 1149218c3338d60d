"""What tests of products for passengers do and look at."""

from uuid import UUID

from django.utils import timezone

import bookings.invariants
import orders.invariants
import partners.invariants
from orders.delivery import delivering
from partners.callers import Caller
from skybridge.invariants import examine
from tests.bookings.sales import query
from tests.orders import shop
from ticketing.models import Coupon, Emd
from ticketing.services import move_coupons

GATE = Caller(kind="system", id="gate", door="task", is_staff=True)


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
    broken = [i.name for i in invariants if examine(i).violations]
    assert broken == [], broken
