"""The boarding passes of a ticket, for those who may see it."""

from uuid import UUID

from bookings.models import Booking
from partners.callers import Caller
from ticketing.exceptions import TicketNotFound
from ticketing.models import BoardingPass, Coupon
from ticketing.passes import passes_of


def passes_of_ticket(ticket_id: UUID, *, caller: Caller, with_ended: bool = False) -> list[BoardingPass]:
    """Return a ticket's passes in order of travel, those that have ended too if wanted. Raises TicketNotFound."""
    if not Booking.objects.visible_to(caller).filter(tickets=ticket_id).exists():
        raise TicketNotFound
    coupon_ids = Coupon.objects.filter(ticket=ticket_id).values_list("pk", flat=True)
    return passes_of(coupon_ids, with_ended=with_ended)
