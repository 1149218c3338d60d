"""The pages on which flights are found."""

from partners.pages import page
from skybridge.exceptions import NotFound


@page(anyone=True)
def flights_page(request):
    raise NotFound
