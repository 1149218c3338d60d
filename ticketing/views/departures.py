"""The departures of the day."""

from partners.pages import page
from skybridge.exceptions import NotFound


@page("ticketing.view_departure", gates=True)
def departures_page(request):
    raise NotFound
