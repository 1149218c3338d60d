"""Find a booking and serve it."""

from partners.pages import page
from skybridge.exceptions import NotFound


@page("bookings.view_booking")
def bookings_page(request):
    raise NotFound


@page("bookings.view_booking", guests=True)
def booking_page(request, booking_id):
    raise NotFound
