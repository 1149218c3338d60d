"""The JSON of tickets with all that belongs to them, and of check-ins."""

from datetime import datetime
from typing import Any

from bookings.documents import BookingView
from bookings.models import status_at
from orders.checkin import CheckedIn
from orders.tickets import TicketView
from skybridge.times import utc_text
from ticketing.documents import boarding_pass_document, emd_document, ticket_document
from ticketing.models import Bag, TravelDocument


def check_in_document(done: CheckedIn, at: datetime) -> dict[str, Any]:
    """Return what stands after a check-in of one booking's passengers: those asked about, their bags and passes."""
    [view] = done.views
    asked = set(done.ticket_ids)
    return booking_fields(view, at) | {
        "tickets": [
            ticket_document(ticket, coupons, view.flights, lapsed=False)
            for ticket, coupons in view.tickets
            if ticket.id in asked
        ],
        "bags": [bag_document(bag) for bag in done.bags],
        "boarding_passes": [boarding_pass_document(boarding_pass) for boarding_pass in done.passes],
    }


def booking_fields(view: BookingView, at: datetime) -> dict[str, Any]:
    return {
        "booking_id": view.booking.id,
        "record_locator": view.booking.locator,
        "booking_status": status_at(view.booking, at),
        "order_id": view.booking.order_id,
    }


def ticket_details(found: TicketView, at: datetime) -> dict[str, Any]:
    """Return a ticket with its bags, EMDs, boarding passes and masked travel document."""
    view = found.view
    lapsed = status_at(view.booking, at) != view.booking.status
    document = found.travel_document
    return (
        ticket_document(found.ticket, found.coupons, view.flights, lapsed=lapsed)
        | booking_fields(view, at)
        | {
            "user_id": view.booking.user_id,
            "bags": [bag_document(bag) for bag in found.bags],
            "emds": [emd_document(emd) for emd in found.emds],
            "boarding_passes": [boarding_pass_document(boarding_pass) for boarding_pass in found.passes],
            "travel_document": document.masked if document else None,
        }
    )


def bag_document(bag: Bag) -> dict[str, Any]:
    """Return a bag that was read with its coupon. No statement."""
    return {
        "tag_number": bag.tag_number,
        "weight_kg": bag.weight_kg,
        "status": bag.status,
        "ticket_id": bag.coupon.ticket_id,
        "coupon_id": bag.coupon_id,
        "event_id": bag.coupon.flight_id,
        "checked_at": utc_text(bag.checked_at),
    }


def travel_document_document(document: TravelDocument) -> dict[str, Any]:
    return {
        "ticket_id": document.ticket_id,
        "masked": document.masked,
        "updated_at": utc_text(document.updated_at),
    }
