"""An agency's own pages."""

from partners.pages import page
from skybridge.exceptions import NotFound


@page()
def agency_page(request):
    raise NotFound
