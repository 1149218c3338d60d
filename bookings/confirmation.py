"""Confirming: a hot operation, one SQL statement that sells the held seats and, if wanted, issues the tickets.

The statement acts on the booking only as it was read (same version, still pending, deadline ahead); if somebody was
faster it does nothing, and the booking is read again.
"""

import json
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import connection

from bookings.documents import BookingView
from bookings.models import Booking
from flights.inventory import SETTLING
from skybridge import context
from skybridge.events import Actor
from ticketing.services import ISSUING

CONFIRM = f"""
WITH booking AS (
    UPDATE bookings_booking
    SET status = 'confirmed', order_id = %(order_id)s::uuid, expires_at = NULL, version = version + 1,
        updated_at = %(at)s::timestamptz
    WHERE id = %(booking_id)s::uuid AND version = %(version)s AND status = 'pending'
        AND expires_at > %(at)s::timestamptz
    RETURNING id
), {SETTLING}, {{issuing}} event AS (
    INSERT INTO skybridge_event (at, actor_kind, actor_id, door, action, subject_id, before, after, reason, request_id)
    SELECT %(at)s::timestamptz, %(actor_kind)s, %(actor_id)s, %(door)s, 'booking.confirmed', id,
        '{{{{"status": "pending"}}}}', %(after)s::jsonb, %(reason)s, %(request_id)s
    FROM booking
)
SELECT (SELECT id FROM booking), {{numbers}}
"""
CONFIRM_AND_ISSUE = CONFIRM.format(issuing=f"{ISSUING},", numbers="(SELECT jsonb_object_agg(id, number) FROM issued)")
CONFIRM_ONLY = CONFIRM.format(issuing="", numbers="'{}'::jsonb")


def write_confirmation(
    view: BookingView, *, order_id: UUID, with_tickets: bool, actor: Actor, at: datetime
) -> BookingView | None:
    """Confirm a pending booking as it was read and return it as it stands then; None when it has changed meanwhile."""
    booking = view.booking
    parameters = {
        "booking_id": booking.id,
        "order_id": order_id,
        "version": booking.version,
        "at": at,
        "sell": True,
        "default_code": settings.ACCOUNTING_CODE,
        "actor_kind": actor.kind,
        "actor_id": actor.id,
        "door": actor.door,
        "after": json.dumps({"status": Booking.Status.CONFIRMED}),
        "reason": context.reason.get(),
        "request_id": context.request_id.get(),
    }
    with connection.cursor() as cursor:
        cursor.execute(CONFIRM_AND_ISSUE if with_tickets else CONFIRM_ONLY, parameters)
        confirmed, numbers = cursor.fetchone()
    return confirmed_view(view, order_id, json.loads(numbers or "{}"), at) if confirmed else None


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
