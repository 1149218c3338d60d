"""A booking's itinerary, on paper and by mail."""

from uuid import UUID

from django.contrib import messages
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from bookings.forms.serving import MailForm
from bookings.views.serving import section_of
from bookings.views.showing import look_of, priced
from orders.around import read_surrounded
from orders.itineraries import ask_for_itinerary
from partners.pages import page
from skybridge import pages


@page("bookings.view_booking", guests=True)
def itinerary_page(request, booking_id):
    """Show what a traveller takes along: flights, passengers, tickets, and how to have it mailed."""
    return shown(request, booking_id, None)


@page("bookings.view_booking", guests=True, methods=["POST"])
def mail_itinerary(request, booking_id):
    """Have the itinerary mailed."""
    form = MailForm(request.POST)
    if form.is_valid():
        email, language = form.cleaned_data["email"], get_language() or "en"
        with form.showing_refusals():
            ask_for_itinerary(UUID(booking_id), email, language=language, caller=request.caller)
            messages.success(request, _("The itinerary is on its way to %(email)s.") % {"email": email})
            return redirect("booking-itinerary", booking_id)
    return shown(request, booking_id, form)


def shown(request, booking_id: str, form: MailForm | None):
    at = timezone.now()
    around = read_surrounded(UUID(booking_id), caller=request.caller, at=at)
    look = look_of(around.view, at, gates=around.gates, emds=around.emds, disruptions=around.disruptions)
    context = {
        "section": section_of(request.caller),
        "look": look,
        "booking": look.document,
        "price_lines": priced(look.document["price_lines"]),
        "at": at,
    }
    form = form or MailForm(initial={"email": look.document["contact"]["email"]})
    return pages.show(request, "bookings/booking_itinerary.html", context, form=form)
