"""Founding document 003's view: flights as cards, the bookings on each, and their tickets."""

from functools import partial
from urllib.parse import urlencode
from uuid import UUID

from django.shortcuts import redirect
from django.utils import timezone

from bookings.views.showing import buttons, look_of
from orders.serving import offered
from orders.trips import PAGE, Event, by_event, trips_of
from partners.pages import guest, may, page, shown_bookings
from skybridge import pages

SHOWN = ("cancel", "refund")  # the actions that have a button on a card


@page("bookings.view_booking", anyone=True)
def trips_page(request):
    """Show a user's flights; a traveller's are the bookings that the session has shown."""
    at, user, cursor = timezone.now(), request.GET.get("user", "").strip()[:255], request.GET.get("cursor", "")[:500]
    following = None
    if request.caller:
        events, following = trips_of(user, caller=request.caller, at=at, cursor=cursor)
    else:
        events = by_event([UUID(shown) for shown in shown_bookings(request)], at)
        if not events:
            return redirect("manage")
    context = {
        "section": "serve" if request.caller else "manage",
        "user_id": user,
        "events": [drawn(request, event, at) for event in events],
        "page_size": PAGE,
        "next": urlencode({"user": user, "cursor": following}) if following else "",
        "is_later_page": bool(cursor),
    }
    return pages.show(request, "bookings/trips_page.html", context)


def drawn(request, event: Event, at) -> dict:
    """Return a card: the flight, and each booking with its buttons and the tickets for this flight."""
    rows = []
    for document, view in event.bookings:
        caller = request.caller or guest(view.booking.id)
        offers = offered(view, caller=caller, at=at) & set(SHOWN)
        allowed = partial(may, request) if request.caller else bool_of_guest
        rows.append((document, look_of(view, at), buttons(view.booking.id, offers, allowed)))
    return {"flight": event.flight, "bookings": rows}


def bool_of_guest(permission: str) -> bool:
    """Tell what a traveller may do: what is offered."""
    return True
