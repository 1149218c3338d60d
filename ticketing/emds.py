"""EMDs: what is sold to a passenger beside the flight, and how it keeps step with the coupon it belongs to."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from skybridge.events import Actor
from ticketing.models import Coupon, Emd

UNUSED = (Emd.Status.OPEN, Emd.Status.CHECKED_IN, Emd.Status.LIFTED)  # what can still move


def open_emds(coupon_ids: Iterable[UUID]) -> QuerySet[Emd]:
    """Return the EMDs that are associated with coupons and can still move, in primary key order."""
    return Emd.objects.filter(coupon_id__in=coupon_ids, status__in=UNUSED).order_by("pk")


def follow(coupon_ids: Iterable[UUID], status: str, *, actor: Actor, reason: str = "", at: datetime) -> None:
    """Let the EMDs that are associated with locked coupons follow them to a status.

    With a voided or refunded coupon, an issued EMD is refunded and one without a number void: who closes coupons pays
    it back (`orders/emds.py`). An exchanged coupon's EMDs stay open: they move to the new coupon. One statement where
    there are none.
    """
    if status == Coupon.Status.EXCHANGED:
        return
    emds = list(open_emds(coupon_ids).exclude(status=status).select_for_update(of=("self",)))
    if not emds:
        return
    if status in Coupon.LIVE:
        Emd.move_all(emds, status, actor=actor, reason=reason, at=at)
    else:
        close_emds(emds, actor=actor, reason=reason, at=at)


def close_emds(emds: Iterable[Emd], *, actor: Actor, reason: str = "", at: datetime) -> None:
    """Refund the locked EMDs that are issued, void the others. Raises IllegalTransition for one in use."""
    emds = list(emds)
    for status, is_issued in ((Emd.Status.REFUNDED, True), (Emd.Status.VOID, False)):
        closed = [emd for emd in emds if bool(emd.number) == is_issued]
        if closed:
            Emd.move_all(closed, status, actor=actor, reason=reason, at=at)
