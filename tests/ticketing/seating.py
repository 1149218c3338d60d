"""What tests of seats do and look at."""

from typing import Any

import pytest
from django.utils import timezone

from orders.models import OrderItem
from tests import factories
from tests.bookings.sales import confirmed, query
from tests.conftest import Api
from ticketing.models import Coupon, Emd


def tickets_of(booking: dict) -> list[str]:
    return [ticket["ticket_id"] for ticket in booking["tickets"]]


def choose(api: Api, ticket_id: str, seat: str, **more: Any):
    return api.put(f"/api/v1/tickets/{ticket_id}/seat", {"seat": seat, **more})


def give_up(api: Api, ticket_id: str, more: str = ""):
    return api.delete(f"/api/v1/tickets/{ticket_id}/seat{more}")


def seat_all(api: Api, booking: dict, flight, **more: Any):
    body = {"event_id": str(flight.pk), "assign_rest": True, **more}
    return api.post(f"/api/v1/bookings/{booking['booking_id']}/seats", body)


def trade(api: Api, booking: dict, flight, *seats: str, **more: Any):
    """Ask for these seats for the booking's first passengers, in order."""
    wanted = [{"ticket_id": t, "seat": s} for t, s in zip(tickets_of(booking), seats, strict=False)]
    return seat_all(api, booking, flight, **{"seats": wanted, "assign_rest": False, **more})


def swap(api: Api, flight, *ticket_ids: str):
    return api.post(f"/api/v1/flights/{flight.pk}/seat-swaps", {"ticket_ids": list(ticket_ids)})


def seat_map(api: Api, flight) -> dict[str, dict]:
    """Return a flight's seats by number."""
    answer = api.get(f"/api/v1/flights/{flight.pk}/seats").json()
    return {seat["number"]: seat for cabin in answer["cabins"] for row in cabin["rows"] for seat in row["seats"]}


def seats_of(booking: dict) -> list[str | None]:
    """Return the seats of a booking's passengers on its flights, in order."""
    sql = """SELECT k.seat FROM ticketing_coupon k JOIN ticketing_ticket t ON t.id = k.ticket_id
        WHERE t.booking_id = %s AND NOT t.is_superseded ORDER BY t.position, k.sequence"""
    return [seat for (seat,) in query(sql, booking["booking_id"])]


def version_of(booking: dict) -> int:
    return query("SELECT version FROM bookings_booking WHERE id = %s", booking["booking_id"])[0][0]


def set_status(booking: dict, status: str) -> None:
    """Move all coupons of a booking, whatever leads there."""
    Coupon.objects.filter(ticket__booking=booking["booking_id"]).update(status=status)


def pay_for_seat(booking: dict, place: int = 0, product_id: str = "SEATEXIT") -> Emd:
    """Issue the EMD of a seat to one of a booking's passengers."""
    coupon = booking["tickets"][place]["coupons"][0]
    item = OrderItem.objects.create(
        order=factories.order(), position=1, product_id=product_id, description="Seat", price=49
    )
    return Emd.objects.create(
        ticket_id=tickets_of(booking)[place], coupon_id=coupon["coupon_id"], order_item=item, product_id=product_id,
        type="A", rfic="A", description="Seat", currency="USD", amount=49,
        number=f"999{Emd.objects.count() + 1:010}", issued_at=timezone.now(),
    )  # fmt: skip


@pytest.fixture
def flight(db):
    return factories.flight(seats={"J": 12, "Y": 138}, aircraft_type="A320-200")


@pytest.fixture
def booking(acme, flight):
    return confirmed(acme, flight, seats=2)
