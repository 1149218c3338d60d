"""Find a booking and serve it."""

from uuid import UUID

from django.utils import timezone

from bookings.documents import booking_document
from bookings.services import read_booking
from partners.pages import page
from skybridge import pages
from skybridge.exceptions import NotFound


@page("bookings.view_booking")
def bookings_page(request):
    raise NotFound


@page("bookings.view_booking", guests=True)
def booking_page(request, booking_id):
    view, at = read_booking(UUID(booking_id), caller=request.caller), timezone.now()
    context = {"section": "serve", "view": view, "booking": booking_document(view, at)}
    return pages.show(request, "bookings/booking_page.html", context)
