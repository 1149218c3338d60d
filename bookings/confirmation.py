"""Confirming: a hot operation, one SQL statement that sells the held seats.

A statement acts on bookings only as they were read (same version, still pending, deadline ahead). One booking is sold,
its tickets issued, and its order written in one statement (`orders/recording.py`); those that are on their orders
already are sold many at a time.
"""

import json
from collections.abc import Sequence
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
# The same for any number of bookings, which are on their orders already.
CONFIRM_ALL = """
WITH pending AS MATERIALIZED (
    SELECT b.id FROM bookings_booking b
    JOIN unnest(%(ids)s::uuid[], %(versions)s::int[]) AS seen (id, version) ON seen.id = b.id
    WHERE b.version = seen.version AND b.status = 'pending' AND b.expires_at > %(at)s::timestamptz
    ORDER BY b.id FOR NO KEY UPDATE OF b
), wanted AS MATERIALIZED (
    SELECT h.flight_cabin_id AS id, sum(h.seats) AS seats
    FROM pending JOIN flights_seathold h ON h.booking_id = pending.id GROUP BY h.flight_cabin_id
), cabins AS MATERIALIZED (
    SELECT c.id, wanted.seats FROM wanted JOIN flights_flightcabin c ON c.id = wanted.id
    ORDER BY c.id FOR NO KEY UPDATE OF c
), ready AS MATERIALIZED (
    SELECT id FROM pending WHERE (SELECT count(*) FROM cabins) >= 0
), booking AS (
    UPDATE bookings_booking b
    SET status = 'confirmed', expires_at = NULL, version = version + 1, updated_at = %(at)s::timestamptz
    FROM ready WHERE b.id = ready.id
), gone AS (
    DELETE FROM flights_seathold h USING ready WHERE h.booking_id = ready.id
), settled AS (
    UPDATE flights_flightcabin c SET held = c.held - l.seats, sold = c.sold + l.seats
    FROM cabins l WHERE c.id = l.id AND EXISTS (SELECT FROM ready)
), event AS (
    INSERT INTO skybridge_event (at, actor_kind, actor_id, door, action, subject_id, before, after, reason, request_id)
    SELECT %(at)s::timestamptz, %(actor_kind)s, %(actor_id)s, %(door)s, 'booking.confirmed', id,
        %(before)s::jsonb, %(after)s::jsonb, %(reason)s, %(request_id)s
    FROM ready ORDER BY id
)
SELECT count(*) FROM ready
"""


def write_confirmations(views: Sequence[BookingView], *, actor: Actor, at: datetime) -> int:
    """Confirm pending bookings as they were read, without their tickets' numbers; return how many were so still."""
    parameters = {
        "ids": [view.booking.id for view in views],
        "versions": [view.booking.version for view in views],
        "at": at,
        "actor_kind": actor.kind,
        "actor_id": actor.id,
        "door": actor.door,
        "before": json.dumps(STATUSES[0]),
        "after": json.dumps(STATUSES[1]),
        "reason": context.reason.get(),
        "request_id": context.request_id.get(),
    }
    [(confirmed,)] = read_rows(CONFIRM_ALL, parameters)
    return confirmed


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
