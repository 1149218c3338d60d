"""Confirming: a hot operation, one read and one SQL statement that sells the held seats and issues the tickets.

The statement acts on the booking only as it was read (same version, still pending, deadline ahead); if somebody was
faster it does nothing, and the booking is read again.
"""

import json
from datetime import datetime

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
    SET status = 'confirmed', expires_at = NULL, version = version + 1, updated_at = %(at)s::timestamptz
    WHERE id = %(booking_id)s::uuid AND version = %(version)s AND status = 'pending'
        AND expires_at > %(at)s::timestamptz
    RETURNING id
), {SETTLING}, {ISSUING}, event AS (
    INSERT INTO skybridge_event (at, actor_kind, actor_id, door, action, subject_id, before, after, reason, request_id)
    SELECT %(at)s::timestamptz, %(actor_kind)s, %(actor_id)s, %(door)s, 'booking.confirmed', id,
        '{{"status": "pending"}}', %(after)s::jsonb, '', %(request_id)s
    FROM booking
)
SELECT (SELECT id FROM booking), (SELECT jsonb_object_agg(id, number) FROM issued)
"""


def write_confirmation(view: BookingView, *, actor: Actor, at: datetime) -> BookingView | None:
    """Confirm a pending booking as it was read and return it as it stands then; None when it has changed meanwhile."""
    booking = view.booking
    parameters = {
        "booking_id": booking.id,
        "version": booking.version,
        "at": at,
        "sell": True,
        "default_code": settings.ACCOUNTING_CODE,
        "actor_kind": actor.kind,
        "actor_id": actor.id,
        "door": actor.door,
        "after": json.dumps({"status": Booking.Status.CONFIRMED}),
        "request_id": context.request_id.get(),
    }
    with connection.cursor() as cursor:
        cursor.execute(CONFIRM, parameters)
        confirmed, numbers = cursor.fetchone()
    return confirmed_view(view, json.loads(numbers), at) if confirmed else None


def confirmed_view(view: BookingView, numbers: dict[str, str], at: datetime) -> BookingView:
    """Return the booking with what the statement has written."""
    booking = view.booking._replace(
        status=Booking.Status.CONFIRMED, expires_at=None, version=view.booking.version + 1, updated_at=at
    )
    tickets = [
        (ticket._replace(number=numbers[str(ticket.id)], issued_at=at), coupons) for ticket, coupons in view.tickets
    ]
    return view._replace(booking=booking, tickets=tickets)
