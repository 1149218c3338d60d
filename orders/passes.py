"""The boarding passes of a ticket, for those who may see it, and new ones in place of lost ones."""

from datetime import datetime
from uuid import UUID

from bookings.models import Booking
from orders.checkin import booking_of
from orders.delivery import delivering
from partners.callers import Caller
from skybridge.events import Happening, record
from ticketing.checkin import lock_coupons
from ticketing.exceptions import NotCheckedIn, TicketNotFound
from ticketing.models import BoardingPass, Coupon
from ticketing.passes import passes_of, reissue_passes


def passes_of_ticket(ticket_id: UUID, *, caller: Caller, with_ended: bool = False) -> list[BoardingPass]:
    """Return a ticket's passes in order of travel, those that have ended too if wanted. Raises TicketNotFound."""
    if not Booking.objects.visible_to(caller).filter(tickets=ticket_id).exists():
        raise TicketNotFound
    coupon_ids = Coupon.objects.filter(ticket=ticket_id).values_list("pk", flat=True)
    return passes_of(coupon_ids, with_ended=with_ended)


def reissue(ticket_id: UUID, *, flight_id: UUID | None = None, caller: Caller, at: datetime) -> list[BoardingPass]:
    """Replace a ticket's good passes, or the one of a flight; the old ones open no gate any more.

    Raises TicketNotFound, or NotCheckedIn where there is no pass to replace.
    """
    booking_id = booking_of(ticket_id, caller=caller)
    with delivering([booking_id], caller=caller, at=at) as delivery:
        coupons = [
            coupon
            for coupon in lock_coupons(booking_id)
            if coupon.ticket_id == ticket_id and coupon.status == Coupon.Status.CHECKED_IN
            and flight_id in (None, coupon.flight_id)
        ]  # fmt: skip
        passes = reissue_passes(coupons, at=at)
        if not passes:
            raise NotCheckedIn(ticket_id=ticket_id)
        happenings = [Happening("coupon.pass_reissued", new.coupon_id, after={"seat": new.seat}) for new in passes]
        record(happenings, actor=caller, at=at)
        delivery.is_changed = True
    return passes
