"""Itineraries by mail: asked for by whoever sees the booking, written and sent by a task, recorded when sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from bookings.documents import BookingView, booking_document, read_bookings
from bookings.services import read_booking
from orders.exceptions import NothingToMail
from partners import buckets
from partners.callers import Caller
from skybridge.events import Actor, Happening, record
from skybridge.identifiers import uuid7
from skybridge.messages import send_surely
from ticketing.emds import CLOSED, emds_of

# Five an hour of one booking, sixty an hour of one caller: nobody is flooded with our mail.
BOOKING_PLAN = ("itineraries", 5 / 3600, 5, None, "day")
CALLER_PLAN = ("itineraries", 60 / 3600, 30, None, "day")

Emds = Mapping[UUID, Sequence[Mapping[str, Any]]]  # by ticket


@dataclass(frozen=True)
class Wanted:
    """An itinerary that is to be mailed, as the task takes it; `message_id` tells a repetition from another mail."""

    booking_id: UUID
    to: str
    language: str
    actor: Actor
    message_id: str


def ask_for_itinerary(booking_id: UUID, to: str, *, language: str, caller: Caller) -> None:
    """Have a booking's itinerary mailed to an address. Outside of transactions.

    Raises BookingNotFound, NothingToMail, RateExceeded or QueueAway.
    """
    view = read_booking(booking_id, caller=caller)
    if not view.flights:
        raise NothingToMail
    for name, plan in ((f"booking:{booking_id}", BOOKING_PLAN), (f"{caller.kind}:{caller.id}", CALLER_PLAN)):
        buckets.require(f"itineraries:{name}", plan)
    who = (caller.kind, caller.id, caller.door)
    send_surely("bookings.mail_itinerary", str(booking_id), to, language, *who, str(uuid7()))


def send_itinerary(wanted: Wanted, *, at: datetime) -> None:
    """Write to an address what somebody has asked for, and record that it was sent."""
    [view] = read_bookings([wanted.booking_id])
    emds = emds_of(ticket.id for ticket, _ in view.tickets)
    with translation.override(wanted.language):
        itinerary_mail(view, emds, wanted, at).send()
    happening = Happening("booking.itinerary_mailed", wanted.booking_id, None, {"to": wanted.to})
    record([happening], actor=wanted.actor, at=at)


def itinerary_mail(view: BookingView, emds: Emds, wanted: Wanted, at: datetime) -> EmailMultiAlternatives:
    """Return the mail in the present language, as text and as HTML."""
    context = {
        **itinerary_context(view, emds, at),
        "airline": settings.AIRLINE_NAME,
        "language": translation.get_language(),
        "is_rtl": translation.get_language_bidi(),
    }
    subject = _("Your itinerary %(locator)s with %(airline)s") % {
        "locator": view.booking.locator,
        "airline": settings.AIRLINE_NAME,
    }
    mail = EmailMultiAlternatives(
        subject, render_to_string("bookings/itinerary_mail.txt", context), to=[wanted.to],
        headers={"Message-ID": f"<itinerary-{wanted.message_id}@{mail_domain()}>", "Auto-Submitted": "auto-generated"},
    )  # fmt: skip
    mail.attach_alternative(render_to_string("bookings/itinerary_mail.html", context), "text/html")
    return mail


def itinerary_context(view: BookingView, emds: Emds, at: datetime) -> dict[str, Any]:
    """Return what mails about a booking show of it: flights in order of travel, passengers, extras and their price."""
    extras = [
        (ticket, emd) for ticket, _ in view.tickets for emd in emds.get(ticket.id, ()) if emd["status"] not in CLOSED
    ]
    extras_amount = sum((emd["amount"] for _, emd in extras), Decimal(0))
    return {
        "booking": booking_document(view, at),
        "flights": view.flights_in_order,
        "extras": extras,
        "extras_amount": extras_amount,
        "total_amount": view.booking.total_amount + extras_amount,
        "manage_address": settings.SITE_ADDRESS and settings.SITE_ADDRESS.rstrip("/") + reverse("manage"),
    }


def mail_domain() -> str:
    return settings.DEFAULT_FROM_EMAIL.rpartition("@")[2]
