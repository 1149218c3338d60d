"""SCAN: a boarding pass is shown at a flight's gate, and its passenger boards or is refused."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager, joinedload

from .backups import backup_of
from .boarding import decide, is_bcbp, scan_document, text_of
from .callers import Caller, CurrentCaller
from .database import Session
from .documents import coupons_of
from .models import (
    Backup,
    BoardingPass,
    Booking,
    Coupon,
    Event,
    Execution,
    Flight,
    LedgerEntry,
    Order,
    Scan,
    Ticket,
    new_id,
    now,
)
from .problems import Refusal
from .schemas import ScanIn, ScanOut

router = APIRouter()


@router.post("/api/v1/flights/{flight_id}/scans", response_model=ScanOut)
async def scan(flight_id: UUID, shown: ScanIn, caller: CurrentCaller, session: Session) -> ScanOut:
    if not caller.is_ground_handler:
        raise Refusal(403, "forbidden", "Forbidden")
    at, text = now(), text_of(shown.barcode)
    async with session.begin():
        gate = await session.get(Flight, flight_id, options=[joinedload(Flight.departure)])
        if gate is None:
            raise Refusal(404, "flight_not_found", "Flight not found")
        earlier = await session.scalar(select(Scan).where(Scan.flight_id == flight_id, Scan.nonce == shown.nonce))
        if earlier is not None:
            return replay(earlier, text)
        found = await locked_pass(session, text) if is_bcbp(text) else None
        reason = decide(found, text, gate, at)
        if found and reason is None:
            return await board(session, found, shown, caller, at)
        record = new_scan(flight_id, shown, found, reason, caller, at)
        session.add(record)
        return ScanOut.model_validate(record.answer)


def replay(earlier: Scan, text: str) -> ScanOut:
    if text_of(earlier.barcode) != text:
        raise Refusal(422, "nonce_reused", "This nonce was used for another boarding pass on this flight.")
    return ScanOut.model_validate(earlier.answer | {"replayed": True})


async def locked_pass(session: AsyncSession, text: str) -> BoardingPass | None:
    """Find a pass by its text; lock it with its order, booking and coupon."""
    query = (
        select(BoardingPass)
        .join(BoardingPass.coupon)
        .join(Coupon.ticket)
        .join(Ticket.booking)
        .join(Order, Order.id == Booking.order_id)
        .options(
            contains_eager(BoardingPass.coupon).contains_eager(Coupon.ticket).contains_eager(Ticket.booking),
            joinedload(BoardingPass.flight, innerjoin=True).joinedload(Flight.departure),
        )
        .where(BoardingPass.digest == sha256(text.encode()).digest())
        .with_for_update(of=[Order, Booking, Coupon, BoardingPass])
    )
    return await session.scalar(query)


def new_scan(
    flight_id: UUID, shown: ScanIn, found: BoardingPass | None, reason: str | None, caller: Caller, at: datetime
) -> Scan:
    scan_id = new_id()
    answer = ScanOut.model_validate(scan_document(scan_id, shown, found, reason, at))
    return Scan(
        id=scan_id,
        flight_id=flight_id,
        coupon_id=found.coupon_id if found and reason is None else None,
        nonce=shown.nonce,
        barcode=shown.barcode,
        reason=reason or "",
        device_id=shown.device_id,
        scanned_at=at,
        received_at=at,
        answer=answer.model_dump(mode="json"),
        actor_id=str(caller.agency_id),
    )


async def board(session: AsyncSession, found: BoardingPass, shown: ScanIn, caller: Caller, at: datetime) -> ScanOut:
    """Board a passenger: the next version of booking and order, and the order's backup with all that belongs to it."""
    coupon, booking = found.coupon, found.coupon.ticket.booking
    order, bookings = await whole_order(session, booking.order_id)
    coupon.status, coupon.boarded_at = "L", at
    for changed in (booking, order):
        changed.version += 1
        changed.updated_at = at
    record = new_scan(found.flight_id, shown, found, None, caller, at)
    coupon.scans.append(record)
    session.add(
        Event(
            at=at,
            actor_id=str(caller.agency_id),
            action="coupon.lifted",
            subject_id=coupon.id,
            before={"status": "C"},
            after={"status": "L"},
        )
    )
    await session.flush()
    session.add(await whole_backup(session, order, bookings, found.flight, at))
    return ScanOut.model_validate(record.answer)


WITH_PROCESSING = (
    joinedload(Order.items),
    joinedload(Order.execution, innerjoin=True).joinedload(Execution.history),
)
WITH_PASSENGERS = (
    joinedload(Booking.tickets)
    .joinedload(Ticket.coupons)
    .options(joinedload(Coupon.boarding_passes), joinedload(Coupon.scans))
)


async def whole_order(session: AsyncSession, order_id: UUID) -> tuple[Order, Sequence[Booking]]:
    """Return a locked order with items and history, and its bookings with all that belongs to them."""
    orders = await session.scalars(select(Order).where(Order.id == order_id).options(*WITH_PROCESSING))
    bookings = await session.scalars(
        select(Booking).where(Booking.order_id == order_id).order_by(Booking.id).options(WITH_PASSENGERS)
    )
    return orders.unique().one(), bookings.unique().all()


async def whole_backup(
    session: AsyncSession, order: Order, bookings: Sequence[Booking], flight: Flight, at: datetime
) -> Backup:
    tickets = [ticket for booking in bookings for ticket in booking.tickets]
    coupons = [coupon for booking in bookings for coupon in coupons_of(booking)]
    subjects = [row.id for row in (order, *bookings, *tickets, *coupons)]
    events = await session.scalars(select(Event).where(Event.subject_id.in_(subjects)).order_by(Event.id))
    ledger = await session.scalars(select(LedgerEntry).where(LedgerEntry.order_id == order.id).order_by(LedgerEntry.id))
    return backup_of(
        order,
        at,
        orders=[order],
        items=order.items,
        executions=[order.execution],
        history=order.execution.history,
        bookings=bookings,
        tickets=tickets,
        coupons=coupons,
        boarding_passes=[one for coupon in coupons for one in coupon.boarding_passes],
        scans=[one for coupon in coupons for one in coupon.scans],
        flights=[flight],
        ledger=ledger.all(),
        events=events.all(),
    )
