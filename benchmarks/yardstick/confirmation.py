"""CONFIRM: sell a booking's held seats on an order of their own, and issue its tickets."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import Sequence, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager, joinedload

from . import config
from .bookings import tickets_with
from .callers import Caller, CurrentCaller
from .database import Session
from .documents import available_actions, booking_document, coupons_of, flights_of
from .models import Booking, Event, Flight, FlightCabin, OrderItem, SeatHold, Ticket, now
from .problems import Refusal
from .sales import new_order, write_order
from .schemas import BookingOut

router = APIRouter()
TICKET_SERIAL = Sequence("ticketing_serial")
WITH_TICKETS_AND_CARRIERS = tickets_with(joinedload(Flight.carrier, innerjoin=True))


@router.post("/api/v1/bookings/{booking_id}/confirm", response_model=BookingOut)
@router.put("/api/v1/mgmt/bookings/{booking_id}/confirm", response_model=BookingOut)
async def confirm_booking(booking_id: UUID, caller: CurrentCaller, session: Session) -> dict[str, Any]:
    at = now()
    async with session.begin():
        booking = await locked_booking(session, booking_id, caller)
        if booking.status != "confirmed":
            check_confirmable(booking, at)
            await confirm(session, booking, at)
    return booking_document(booking, caller.agency_name, at)


async def locked_booking(session: AsyncSession, booking_id: UUID, caller: Caller) -> Booking:
    """Lock a booking, then read it with its tickets, as they are now that nobody else changes them."""
    mine = (Booking.id == booking_id, Booking.agency_id == caller.agency_id)
    if await session.scalar(select(Booking.id).where(*mine).with_for_update()) is None:
        raise Refusal(404, "booking_not_found", "Booking not found")
    bookings = await session.scalars(select(Booking).where(*mine).options(WITH_TICKETS_AND_CARRIERS))
    return bookings.unique().one()


def check_confirmable(booking: Booking, at: datetime) -> None:
    status, allowed = booking.status_at(at), available_actions(booking, at)
    if booking.status == "pending" and booking.order_id:
        raise Refusal(409, "order_in_progress", "This booking is on an order that is not complete yet.")
    if status != booking.status:
        raise Refusal(409, "hold_expired", "The hold has run out and its seats are free again; book anew.")
    if "confirm" not in allowed:
        message = f"Cannot confirm a booking that is {status}."
        raise Refusal(409, "action_not_allowed", message, booking_status=status, available_actions=allowed)


async def confirm(session: AsyncSession, booking: Booking, at: datetime) -> None:
    await sell_seats(session, booking)
    await issue_tickets(session, booking.tickets, at)
    description = " ".join(["Booking", booking.locator, ", ".join(sorted(f.designator for f in flights_of(booking)))])
    price = booking.total_amount
    item = OrderItem(position=1, booking_id=booking.id, description=description, quantity=1, price=price)
    order = new_order([item], booking.agency_id, booking.user_id, booking.currency, at)
    booking.status, booking.order_id, booking.expires_at = "confirmed", order.id, None
    booking.version += 1
    booking.updated_at = at
    confirmed = Event(
        at=at,
        actor_id=str(booking.agency_id),
        action="booking.confirmed",
        subject_id=booking.id,
        before={"status": "pending"},
        after={"status": "confirmed"},
    )
    coupons = coupons_of(booking)
    taxes = sum((Decimal(tax["amount"]) for coupon in coupons for tax in coupon.taxes), Decimal(0))
    await write_order(
        session,
        order,
        at,
        taxes,
        [confirmed],
        bookings=[booking],
        tickets=booking.tickets,
        coupons=coupons,
        flights=flights_of(booking),
    )


async def sell_seats(session: AsyncSession, booking: Booking) -> None:
    """Turn the booking's held seats into sold ones. Locks the cabins in order of their ids."""
    query = (
        select(SeatHold)
        .join(SeatHold.flight_cabin)
        .options(contains_eager(SeatHold.flight_cabin))
        .where(SeatHold.booking_id == booking.id)
        .order_by(FlightCabin.id)
        .with_for_update()
    )
    for hold in await session.scalars(query):
        hold.flight_cabin.held -= hold.seats
        hold.flight_cabin.sold += hold.seats
        await session.delete(hold)


async def issue_tickets(session: AsyncSession, tickets: list[Ticket], at: datetime) -> None:
    """Give each ticket its number: the accounting code of its first flight's carrier, and the next serial number."""
    query = select(TICKET_SERIAL.next_value()).select_from(func.generate_series(1, len(tickets)).table_valued())
    for ticket, serial in zip(tickets, await session.scalars(query), strict=True):
        flight = ticket.coupons[0].flight
        code = (flight and flight.carrier.accounting_code) or config.ACCOUNTING_CODE
        ticket.number, ticket.issued_at = f"{code}{serial:010}", at
