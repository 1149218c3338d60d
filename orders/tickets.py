"""A ticket with all that belongs to it, and what is done to one ticket beside check-in: its document, its bags."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from bookings.documents import BookingView, read_bookings
from orders.checkin import ENDED, CheckedIn, answer, booking_of
from orders.delivery import delivering
from partners.callers import Caller
from ticketing import checkin
from ticketing.bags import bags_of, remove_bags
from ticketing.documents import CouponFacts, TicketFacts
from ticketing.exceptions import BagNotFound, NotCheckedIn, NoTravelDocument, TicketNotFound, TicketNotValid
from ticketing.models import Bag, BoardingPass, Coupon, Emd, TravelDocument
from ticketing.passes import passes_of, reissue_passes
from ticketing.travel_documents import Document, keep_documents


class TicketView(NamedTuple):
    """A present ticket, its booking, and what came of it; passes and bags are the good and the checked ones."""

    view: BookingView
    ticket: TicketFacts
    coupons: list[CouponFacts]
    passes: list[BoardingPass]
    bags: list[Bag]
    emds: list[Emd]
    travel_document: TravelDocument | None


def read_ticket(ticket_id: UUID, *, caller: Caller) -> TicketView:
    """Return a ticket that the caller may see. Six statements. Raises TicketNotFound."""
    [view] = read_bookings([booking_of(ticket_id, caller=caller)])
    ticket, coupons = next(found for found in view.tickets if found[0].id == ticket_id)
    ids = [coupon.id for coupon in coupons]
    emds = list(Emd.objects.filter(ticket=ticket_id).select_related("coupon").order_by("pk"))
    document = TravelDocument.objects.filter(pk=ticket_id).first()
    return TicketView(view, ticket, coupons, passes_of(ids), bags_of(ids), emds, document)


# --- Travel documents ---


def keep_travel_document(ticket_id: UUID, document: Document, *, caller: Caller, at: datetime) -> TravelDocument:
    """Keep a passenger's travel document, in place of another. Raises TicketNotFound or TicketNotValid."""
    booking_id = booking_of(ticket_id, caller=caller)
    with delivering([booking_id], caller=caller, at=at) as delivery:
        if delivery.booking.status in ENDED:
            raise TicketNotValid(ticket_id=ticket_id)
        keep_documents([(ticket_id, document)], actor=caller, at=at)
        delivery.is_changed = True
    return TravelDocument.objects.get(pk=ticket_id)


def read_travel_document(ticket_id: UUID, *, caller: Caller) -> TravelDocument:
    """Return the sealed document of a ticket. Raises TicketNotFound or NoTravelDocument."""
    booking_of(ticket_id, caller=caller)
    document = TravelDocument.objects.filter(pk=ticket_id).first()
    if document is None:
        raise NoTravelDocument
    return document


# --- Bags ---


def check_bags(
    ticket_id: UUID, weights: Sequence[Decimal], *, event_id: UUID | None = None, caller: Caller, at: datetime
) -> CheckedIn:
    """Check more bags of somebody who is checked in; the pass is reissued with them.

    Raises TicketNotFound, NotOnFlight, NotCheckedIn, BagNotPaid, BagTooHeavy, or as a check-in does.
    """
    booking_id = booking_of(ticket_id, caller=caller)
    with delivering([booking_id], caller=caller, at=at) as delivery:
        coupons = checkin.lock_coupons(booking_id)
        own = checkin.by_ticket(coupons).get(ticket_id)
        if own is None:
            raise TicketNotFound
        coupon = checkin.meant(own, event_id, at)[0]
        if coupon.status == Coupon.Status.OPEN:
            raise NotCheckedIn(ticket_id=ticket_id, event_id=coupon.flight_id)
        wish = checkin.Wish(ticket_id, bag_weights=weights)
        checkin.check_in(coupons, [wish], event_id=coupon.flight_id, prices={}, caller=caller, at=at)
        delivery.is_changed = True
    return answer([booking_id], [ticket_id])


def take_bag_off(ticket_id: UUID, tag_number: str, *, caller: Caller, at: datetime) -> CheckedIn:
    """Take a checked bag off; the pass is reissued without it.

    Raises TicketNotFound, BagNotFound, FlightDeparted, FlightClosed, or AlreadyBoarded for all but staff.
    """
    booking_id = booking_of(ticket_id, caller=caller)
    with delivering([booking_id], caller=caller, at=at) as delivery:
        own = [coupon for coupon in checkin.lock_coupons(booking_id) if coupon.ticket_id == ticket_id]
        bag = next((bag for bag in bags_of([coupon.pk for coupon in own]) if bag.tag_number == tag_number), None)
        if bag is None:
            raise BagNotFound
        concerned = [coupon for coupon in own if coupon.pk == bag.coupon_id]
        checkin.check_not_gone(concerned, caller)
        remove_bags([bag], actor=caller, at=at)
        reissue_passes(concerned, at=at)
        delivery.is_changed = True
    return answer([booking_id], [ticket_id])
