"""Confirming: a hot operation, one SQL statement that sells the held seats and, if wanted, issues the tickets.

The statement acts on the booking only as it was read (same version, still pending, deadline ahead); if somebody was
faster it does nothing, and the booking is read again.
"""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from bookings.documents import BookingView
from bookings.models import Booking
from skybridge import context
from skybridge.events import Actor
from skybridge.sql import read_rows
from ticketing.services import ISSUING

# Common table expressions: a pending booking as it was read, with its cabins, both locked, is what is `ready`; it is
# sold if `enough` has a row. All of `cabins` is read before `ready` has one, so that nothing is locked before them.
HELD = """
pending AS MATERIALIZED (
    SELECT id FROM bookings_booking
    WHERE id = %(booking_id)s::uuid AND version = %(version)s AND status = 'pending'
        AND expires_at > %(at)s::timestamptz
    FOR NO KEY UPDATE
), cabins AS MATERIALIZED (
    SELECT c.id, h.seats FROM pending
    JOIN flights_seathold h ON h.booking_id = pending.id JOIN flights_flightcabin c ON c.id = h.flight_cabin_id
    ORDER BY c.id FOR NO KEY UPDATE OF c
), ready AS MATERIALIZED (
    SELECT id FROM pending WHERE (SELECT count(*) FROM cabins) >= 0
)"""
SOLD = """
booking AS (
    UPDATE bookings_booking b
    SET status = 'confirmed', order_id = %(order_id)s::uuid, expires_at = NULL, version = version + 1,
        updated_at = %(at)s::timestamptz
    FROM enough WHERE b.id = %(booking_id)s::uuid
    RETURNING b.*
), gone AS (
    DELETE FROM flights_seathold h USING enough WHERE h.booking_id = %(booking_id)s::uuid
), settled AS (
    UPDATE flights_flightcabin c SET held = c.held - l.seats, sold = c.sold + l.seats
    FROM cabins l, enough WHERE c.id = l.id
    RETURNING c.*
)"""
SOLD_AND_ISSUED = f"{SOLD}, {ISSUING}"
STATUSES = {"status": Booking.Status.PENDING}, {"status": Booking.Status.CONFIRMED}
CONFIRM = f"""
WITH {HELD}, enough AS (SELECT id FROM ready), {{sold}}, event AS (
    INSERT INTO skybridge_event (at, actor_kind, actor_id, door, action, subject_id, before, after, reason, request_id)
    SELECT %(at)s::timestamptz, %(actor_kind)s, %(actor_id)s, %(door)s, 'booking.confirmed', id,
        %(before)s::jsonb, %(after)s::jsonb, %(reason)s, %(request_id)s
    FROM enough
)
SELECT (SELECT id FROM enough), {{numbers}}
"""
CONFIRM_AND_ISSUE = CONFIRM.format(sold=SOLD_AND_ISSUED, numbers="(SELECT jsonb_object_agg(id, number) FROM issued)")
CONFIRM_ONLY = CONFIRM.format(sold=SOLD, numbers="'{}'::jsonb")


def write_confirmation(
    view: BookingView, *, order_id: UUID, with_tickets: bool, actor: Actor, at: datetime
) -> BookingView | None:
    """Confirm a pending booking as it was read and return it as it stands then; None when it has changed meanwhile."""
    parameters = held_parameters(view) | {
        "order_id": order_id,
        "at": at,
        "actor_kind": actor.kind,
        "actor_id": actor.id,
        "door": actor.door,
        "before": json.dumps(STATUSES[0]),
        "after": json.dumps(STATUSES[1]),
        "reason": context.reason.get(),
        "request_id": context.request_id.get(),
    }
    [(confirmed, numbers)] = read_rows(CONFIRM_AND_ISSUE if with_tickets else CONFIRM_ONLY, parameters)
    return confirmed_view(view, order_id, numbers or {}, at) if confirmed else None


def held_parameters(view: BookingView) -> dict[str, Any]:
    """Return what HELD and SOLD_AND_ISSUED take besides the order and the moment."""
    booking = view.booking
    return {"booking_id": booking.id, "version": booking.version, "default_code": settings.ACCOUNTING_CODE}


def confirmed_view(view: BookingView, order_id: UUID, numbers: dict[str, str], at: datetime) -> BookingView:
    """Return the booking with what the statement has written."""
    booking = view.booking._replace(
        status=Booking.Status.CONFIRMED,
        order_id=order_id,
        expires_at=None,
        version=view.booking.version + 1,
        updated_at=at,
    )
    tickets = [
        (ticket._replace(number=numbers[key], issued_at=at) if (key := str(ticket.id)) in numbers else ticket, coupons)
        for ticket, coupons in view.tickets
    ]
    return view._replace(booking=booking, tickets=tickets)
