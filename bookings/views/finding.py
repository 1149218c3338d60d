"""The list of bookings: found by what people quote, or the newest."""

from urllib.parse import urlencode

from django.shortcuts import redirect
from django.utils import timezone

from bookings.forms.serving import CONCERNED, STATES, FindBookingForm
from bookings.views.showing import look_of
from orders.booking_search import newest_bookings, search_bookings
from orders.disruption.finding import concerns_of
from partners.pages import page
from skybridge import pages

PAGE = 20


@page("bookings.view_booking")
def bookings_page(request):
    """List the bookings that a text means, and lead to the only one; without a text the newest."""
    form, at = FindBookingForm(request.GET), timezone.now()
    asked = form.cleaned_data if form.is_valid() else {}
    text = " ".join(asked.get("q", "").split())
    if text:
        views, has_more = search_bookings(text, caller=request.caller, at=at)
        if len(views) == 1:
            return redirect("booking", views[0].booking.id)
        following = None
    else:
        wanted = {"status": asked.get("state"), "disruption": asked.get("disruption"), "cursor": asked.get("cursor")}
        query = {"limit": PAGE, **{name: value for name, value in wanted.items() if value}}
        (views, following), has_more = newest_bookings(query, caller=request.caller, at=at), False
    filters = {name: asked[name] for name in ("state", "disruption") if asked.get(name)}
    concerns = concerns_of([view.booking.id for view in views], at)
    context = {
        "section": "serve",
        "find_text": request.GET.get("q", ""),
        "text": text,
        "state": asked.get("state", ""),
        "states": STATES,
        "disruption": asked.get("disruption", ""),
        "concerned": CONCERNED,
        "looks": [look_of(view, at, concern=concerns.get(view.booking.id, "")) for view in views],
        "has_more": has_more,
        "next": urlencode({**filters, "cursor": following}) if following else "",
        "newest": urlencode(filters),
        "is_later_page": bool(asked.get("cursor")),
    }
    return pages.show(request, "bookings/bookings_page.html", context)
