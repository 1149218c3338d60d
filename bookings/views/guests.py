"""Travellers: show that a booking is theirs, then check in."""

from partners.pages import page
from skybridge.exceptions import NotFound


@page(anyone=True, methods=("GET", "POST"))
def manage_page(request):
    raise NotFound
