"""Issuing, voiding and refunding tickets: what happens to all tickets of a booking at once."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import connection

from flights.fares import price_for
from flights.offers import Offer
from skybridge.events import Actor
from skybridge.identifiers import uuid7
from ticketing import emds
from ticketing.documents import CouponFacts, TicketFacts
from ticketing.models import Coupon, Ticket, takes_seat

# Common table expressions: number the unissued tickets of the bookings that an expression `booking` (id) names.
# Source: IATA Resolution 722: three digits accounting code, ten digits form and serial number.
ISSUING = """
carrier AS (
    SELECT DISTINCT ON (t.id) t.id, t.booking_id, t.position,
        COALESCE(NULLIF(c.accounting_code, ''), %(default_code)s) AS code
    FROM booking b
    JOIN ticketing_ticket t ON t.booking_id = b.id AND t.number IS NULL AND NOT t.is_superseded
    LEFT JOIN ticketing_coupon k ON k.ticket_id = t.id
    LEFT JOIN flights_flight f ON f.id = k.flight_id
    LEFT JOIN flights_carrier c ON c.iata = f.carrier_id
    ORDER BY t.id, k.sequence
), numbered AS (
    SELECT id, code || lpad(nextval('ticketing_serial')::text, 10, '0') AS number
    FROM (SELECT id, code FROM carrier ORDER BY booking_id, position) in_order
), issued AS (
    UPDATE ticketing_ticket t SET number = numbered.number, issued_at = %(at)s::timestamptz
    FROM numbered WHERE t.id = numbered.id
    RETURNING t.*
)"""
ISSUE = f"WITH booking AS (SELECT unnest(%(booking_ids)s::uuid[]) AS id), {ISSUING} SELECT 1"


def issue_tickets(booking_ids: Sequence[UUID], *, at: datetime) -> None:
    """Give each unissued ticket of locked bookings its 13-digit number. One statement.

    The accounting code is that of the carrier of its first flight.
    """
    with connection.cursor() as cursor:
        cursor.execute(ISSUE, {"booking_ids": list(booking_ids), "at": at, "default_code": settings.ACCOUNTING_CODE})


def price_coupon(offer: Offer, sequence: int, passenger_type: str) -> CouponFacts:
    """Return a new coupon for a passenger on an offer, at the offer's price and rules."""
    fare_amount, taxes, total_amount = price_for(offer, passenger_type)
    return CouponFacts(
        uuid7(), sequence, offer.flight.id, offer.cabin, Coupon.Status.OPEN, offer.fare_basis, offer.currency,
        fare_amount, total_amount, taxes, offer.fare_rules,
    )  # fmt: skip


def write_tickets(
    drafts: Sequence[tuple[TicketFacts, Sequence[CouponFacts]]], exchanged_from: dict[UUID, UUID] | None = None
) -> None:
    """Write new tickets and their coupons. Two statements."""
    Ticket.objects.bulk_create(
        Ticket(**ticket._asdict(), exchanged_from_id=(exchanged_from or {}).get(ticket.id)) for ticket, _ in drafts
    )
    Coupon.objects.bulk_create(
        Coupon(**coupon._asdict(), ticket_id=ticket.id, takes_seat=takes_seat(ticket.passenger_type))
        for ticket, coupons in drafts
        for coupon in coupons
    )


def close_tickets(booking_id: UUID, status: str, *, actor: Actor, reason: str = "", at: datetime) -> list[Coupon]:
    """Move the live coupons of a locked booking to VOID, REFUNDED or EXCHANGED; return them.

    Raises IllegalTransition for one that is checked in or further.
    """
    coupons = list(Coupon.objects.live(booking_id).order_by("pk").select_for_update(of=("self",)))
    move_coupons(coupons, status, actor=actor, reason=reason, at=at)
    return coupons


def move_coupons(
    coupons: Sequence[Coupon], status: str, *, actor: Actor, reason: str = "", at: datetime, **changes
) -> None:
    """Move locked coupons to a status, all or nothing, and the EMDs that are associated with them.

    Whatever moves coupons calls this. Raises IllegalTransition or ConcurrentChange.
    """
    Coupon.move_all(coupons, status, actor=actor, reason=reason, at=at, **changes)
    if coupons:
        emds.follow([coupon.pk for coupon in coupons], status, actor=actor, reason=reason, at=at)


def give_up_tickets(ticket_ids: Sequence[UUID], status: str, *, actor: Actor, reason: str, at: datetime) -> None:
    """Void, refund or exchange some tickets of a locked booking; they stay as history only."""
    coupons = Coupon.objects.filter(ticket_id__in=ticket_ids, status__in=Coupon.LIVE).order_by("pk")
    move_coupons(list(coupons.select_for_update(of=("self",))), status, actor=actor, reason=reason, at=at)
    Ticket.objects.filter(pk__in=ticket_ids).update(is_superseded=True)


def give_up_coupons(coupon_ids: Sequence[UUID], status: str, *, actor: Actor, reason: str, at: datetime) -> None:
    """Void or refund some coupons of a locked booking; they stay as history only, their tickets go on."""
    coupons = list(Coupon.objects.filter(pk__in=coupon_ids).order_by("pk").select_for_update(of=("self",)))
    move_coupons(coupons, status, actor=actor, reason=reason, at=at, is_superseded=True)


def seats_by_flight(coupons: Iterable[Coupon]) -> dict[tuple[UUID, str], int]:
    """Count the seats that coupons take, by flight and cabin."""
    return Counter((k.flight_id, k.cabin) for k in coupons if k.takes_seat and k.flight_id)
