"""The page of one ticket."""

from uuid import UUID

from django.utils import timezone

from bookings.models import status_at
from orders.tickets import TicketView, read_ticket
from partners.pages import SignInFirst, guest, page, shown_bookings
from skybridge import pages
from ticketing.documents import emd_document, ticket_document
from ticketing.faces import status_of
from ticketing.links import links_of
from ticketing.models import Ticket


@page("ticketing.view_ticket", guests=True, anyone=True)
def ticket_page(request, ticket_id):
    """Show a ticket: who flies, its flights with their seats, what was sold besides, bags and boarding passes."""
    found = read_ticket(ticket_id, caller=request.caller) if request.caller else read_shown(request, ticket_id)
    view, at = found.view, timezone.now()
    lapsed = status_at(view.booking, at) != view.booking.status
    ticket = ticket_document(found.ticket, found.coupons, view.flights, lapsed=lapsed)
    context = {
        "section": "serve" if request.caller else "manage",
        "ticket": ticket,
        "issued_at": found.ticket.issued_at,
        "booking": view.booking,
        "coupons": [(coupon, view.flights.get(coupon["event_id"])) for coupon in ticket["coupons"]],
        "emds": [(emd, view.flights.get(emd["event_id"])) for emd in map(emd_document, found.emds)],
        "bags": found.bags,
        "passes": [(one, status_of(one), links_of(one.pk)) for one in found.passes],
    }
    return pages.show(request, "ticketing/ticket_page.html", context)


def read_shown(request, ticket_id: UUID) -> TicketView:
    """Return a ticket of a booking that the session has shown. Raises SignInFirst, whether or not there is such one."""
    shown = [UUID(booking_id) for booking_id in shown_bookings(request)]
    found = Ticket.objects.filter(pk=ticket_id, booking__in=shown, is_superseded=False)
    booking_id = found.values_list("booking_id", flat=True).first()
    if booking_id is None:
        raise SignInFirst
    request.caller = guest(booking_id)
    return read_ticket(ticket_id, caller=request.caller)
