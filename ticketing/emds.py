"""EMDs: what is sold to a passenger beside the flight, and how it keeps step with the coupon it belongs to."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from skybridge.events import Actor, Happening, record
from ticketing.documents import emd_document
from ticketing.models import Coupon, Emd

OPEN = (Emd.Status.OPEN, Emd.Status.CHECKED_IN, Emd.Status.LIFTED)  # what can still move
CLOSED = (Emd.Status.REFUNDED, Emd.Status.VOID)

# Source: IATA Resolution 725f: numbered as tickets are. They draw from one sequence: no number is used twice.
ISSUE = """
WITH carrier AS (
    SELECT e.id, COALESCE(NULLIF(c.accounting_code, ''), %(default_code)s) AS code
    FROM ticketing_emd e
    LEFT JOIN ticketing_coupon k ON k.id = e.coupon_id
    LEFT JOIN flights_flight f ON f.id = k.flight_id
    LEFT JOIN flights_carrier c ON c.iata = f.carrier_id
    WHERE e.id = ANY(%(ids)s) AND e.number IS NULL
    ORDER BY e.id
), numbered AS (
    SELECT id, code || lpad(nextval('ticketing_serial')::text, 10, '0') AS number FROM carrier
)
UPDATE ticketing_emd e SET number = numbered.number, issued_at = %(at)s::timestamptz
FROM numbered WHERE e.id = numbered.id
RETURNING e.id, e.number
"""
# The new coupon of the same flight in order of travel, of the ticket that an old one was exchanged for.
REASSOCIATE = """
UPDATE ticketing_emd e SET ticket_id = n.ticket_id, coupon_id = n.id
FROM ticketing_coupon o
JOIN ticketing_ticket t ON t.exchanged_from_id = o.ticket_id
JOIN ticketing_coupon n ON n.ticket_id = t.id AND n.sequence = o.sequence
WHERE o.ticket_id = ANY(%(old_ticket_ids)s) AND t.id = ANY(%(new_ticket_ids)s) AND e.coupon_id = o.id AND e.status = 'O'
RETURNING e.id, o.id, n.id
"""


def open_emds(coupon_ids: Iterable[UUID]) -> QuerySet[Emd]:
    """Return the EMDs that are associated with coupons and can still move, in primary key order."""
    return Emd.objects.filter(coupon_id__in=coupon_ids, status__in=OPEN).order_by("pk")


def follow(coupon_ids: Iterable[UUID], status: str, *, actor: Actor, reason: str = "", at: datetime) -> None:
    """Let the EMDs that are associated with locked coupons follow them to a status.

    With a voided or refunded coupon, an issued EMD is refunded and one without a number void: who closes coupons pays
    it back (`orders/repayments.py`). An exchanged coupon's EMDs stay open: they move to the new coupon. One statement
    where there are none.
    """
    if status == Coupon.Status.EXCHANGED:
        return
    emds = list(open_emds(coupon_ids).exclude(status=status).select_for_update(of=("self",)))
    if not emds:
        return
    if status not in Coupon.LIVE:
        close_emds(emds, actor=actor, reason=reason, at=at)
        return
    for before, after in pairwise(Coupon.LIVE[: Coupon.LIVE.index(status) + 1]):  # one sold at the gate catches up
        move_some([emd for emd in emds if emd.status == before], after, actor=actor, reason=reason, at=at)
    move_some([emd for emd in emds if emd.status != status], status, actor=actor, reason=reason, at=at)


def move_some(emds: list[Emd], status: str, *, actor: Actor, reason: str, at: datetime) -> None:
    if emds:
        Emd.move_all(emds, status, actor=actor, reason=reason, at=at)


def close_emds(emds: Iterable[Emd], *, actor: Actor, reason: str = "", at: datetime) -> None:
    """Refund the locked EMDs that are issued, void the others. Raises IllegalTransition for one in use."""
    emds = list(emds)
    for status, is_issued in ((Emd.Status.REFUNDED, True), (Emd.Status.VOID, False)):
        closed = [emd for emd in emds if bool(emd.number) == is_issued]
        if closed:
            Emd.move_all(closed, status, actor=actor, reason=reason, at=at)


def issue_emds(emd_ids: Iterable[UUID], *, actor: Actor, at: datetime) -> None:
    """Give the EMDs that have none their 13-digit numbers. Two statements.

    The accounting code is that of the carrier of the coupon's flight.
    """
    parameters = {"ids": list(emd_ids), "at": at, "default_code": settings.ACCOUNTING_CODE}
    if not parameters["ids"]:
        return
    with connection.cursor() as cursor:
        cursor.execute(ISSUE, parameters)
        issued = cursor.fetchall()
    record([Happening("emd.issued", pk, None, {"number": number}) for pk, number in issued], actor=actor, at=at)


def reassociate(exchanged: Mapping[UUID, UUID], *, actor: Actor, at: datetime) -> None:
    """Move the open EMDs of exchanged coupons to the new ones; `exchanged` maps new tickets to old ones."""
    parameters = {"old_ticket_ids": list(exchanged.values()), "new_ticket_ids": list(exchanged)}
    with connection.cursor() as cursor:
        cursor.execute(REASSOCIATE, parameters)
        moved = cursor.fetchall()
    happenings = [
        Happening("emd.reassociated", pk, {"coupon_id": str(old)}, {"coupon_id": str(new)}) for pk, old, new in moved
    ]
    if happenings:
        record(happenings, actor=actor, at=at)


def emds_of(ticket_ids: Iterable[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """Return the EMDs of tickets as their readers see them, by ticket, oldest first. One statement."""
    found: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for emd in Emd.objects.filter(ticket_id__in=ticket_ids).select_related("coupon").order_by("pk"):
        found[emd.ticket_id].append(emd_document(emd))
    return found
