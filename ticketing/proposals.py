"""The seats that passengers would get if they were checked in now; nothing is written."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from ticketing.exceptions import NoSeatLeft
from ticketing.models import Coupon
from ticketing.seats import SeatingPlan, read_seats


def proposed_seats(coupon_ids: Iterable[UUID], *, at: datetime) -> dict[UUID, str]:
    """Return seats by coupon id for the passengers of one booking on one flight, those that they have included.

    Where too few are left there is none for that cabin. Three statements.
    """
    found = Coupon.objects.filter(pk__in=list(coupon_ids), status__in=Coupon.LIVE).select_related("ticket")
    coupons = list(found.order_by("ticket__position"))
    if not coupons or coupons[0].flight_id is None:
        return {}
    seats = read_seats(coupons[0].flight_id, at=at)
    proposed: dict[UUID, str] = {}
    for cabin in sorted({coupon.cabin for coupon in coupons}):
        plan = SeatingPlan(seats, cabin, [coupon for coupon in coupons if coupon.cabin == cabin])
        plan.keep({}, checked=True)
        try:
            plan.assign_rest()
        except NoSeatLeft:
            continue
        proposed |= plan.seats
    return proposed
