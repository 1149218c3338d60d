"""What the customer of a complete order is written: the confirmation of its bookings, or of its products alone."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from bookings.documents import BookingView
from bookings.models import Booking
from orders.itineraries import itinerary_context, mail_domain
from orders.models import Order
from ticketing.emds import emds_of


def confirmation_mail(order: Order, views: Iterable[BookingView], *, at: datetime) -> EmailMessage:
    """Return the mail that confirms an order's confirmed bookings, in order of travel. Two statements.

    An order of products alone is confirmed in plain text. An order knows no language: the mail speaks the site's.
    """
    confirmed = sorted((view for view in views if view.booking.status == Booking.Status.CONFIRMED), key=leaves_at)
    with translation.override(settings.LANGUAGE_CODE):
        return bookings_mail(order, confirmed, at) if confirmed else products_mail(order)


def leaves_at(view: BookingView) -> datetime:
    return min((flight.departs_at for flight in view.flights.values()), default=view.booking.created_at)


def bookings_mail(order: Order, views: Sequence[BookingView], at: datetime) -> EmailMessage:
    emds = emds_of(ticket.id for view in views for ticket, _ in view.tickets)
    context = {
        **order_context(order),
        "journeys": [itinerary_context(view, emds, at) for view in views],
        "language": translation.get_language(),
        "is_rtl": translation.get_language_bidi(),
    }
    subject = _("Booking confirmed: %(locators)s with %(airline)s") % {
        "locators": ", ".join(view.booking.locator for view in views),
        "airline": settings.AIRLINE_NAME,
    }
    text = render_to_string("orders/confirmation_mail.txt", context)
    mail = EmailMultiAlternatives(subject, text, to=[order.contact_email], headers=headers_of(order))
    mail.attach_alternative(render_to_string("orders/confirmation_mail.html", context), "text/html")
    return mail


def products_mail(order: Order) -> EmailMessage:
    text = render_to_string("orders/completed.txt", order_context(order))
    subject = f"Your order {order.pk} with {settings.AIRLINE_NAME}"
    return EmailMessage(subject, text, to=[order.contact_email], headers=headers_of(order))


def order_context(order: Order) -> dict[str, Any]:
    items = [(item, item.price * item.quantity) for item in order.items.order_by("position")]
    return {"order": order, "items": items, "airline": settings.AIRLINE_NAME}


def headers_of(order: Order) -> dict[str, str]:
    """Return the headers by which a repetition is the same message."""
    return {"Message-ID": f"<order-{order.pk}@{mail_domain()}>", "Auto-Submitted": "auto-generated"}
