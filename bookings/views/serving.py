"""The page of one booking."""

from functools import partial
from uuid import UUID

from django.utils import timezone

from bookings.views.showing import address_of, buttons, disruption_look, history_line, look_of, priced
from orders.around import Surrounded, read_surrounded
from orders.booking_history import read_history
from orders.serving import is_agencys, offered
from partners.pages import may, page
from skybridge import pages


@page("bookings.view_booking", guests=True)
def booking_page(request, booking_id):
    """Show a booking: what it is, what it costs, what happened to it, and what can be done with it now."""
    at = timezone.now()
    around = read_surrounded(UUID(booking_id), caller=request.caller, at=at)
    return pages.show(request, "bookings/booking_page.html", booking_context(request, around, at))


def booking_context(request, around: Surrounded, at) -> dict:
    caller, view = request.caller, around.view
    offers = offered(view, caller=caller, at=at)
    before = request.GET.get("before", "")
    entries, older = read_history(
        view.booking.id, caller=caller, before=int(before) if before.isdecimal() and len(before) < 19 else None
    )
    look = look_of(view, at, gates=around.gates, emds=around.emds, disruptions=around.disruptions)
    return {
        "section": section_of(caller),
        "disruptions": told(around.disruptions),
        "look": look,
        "booking": look.document,
        "around": around,
        "buttons": buttons(view.booking.id, offers, partial(may, request)),
        "is_agencys": is_agencys(view, caller),
        "price_lines": priced(look.document["price_lines"]),
        "history": [history_line(entry) for entry in entries],
        "older": older,
        "is_later_page": bool(before),
        "sold_page": address_of("booking-sold", view.booking.id) if may(request, "skybridge.confirm_booking") else "",
        "may_see_order": may(request, "orders.view_order") and around.order is not None,
    }


def told(disruptions: list[dict]) -> list[dict]:
    """Return the disruptions that a passenger still wants to know of: not those that a newer one has overtaken."""
    return [disruption_look(one) for one in disruptions if one["status"] != "superseded"]


def section_of(caller) -> str:
    """Return the part of the navigation that a booking's pages belong to."""
    return "manage" if caller.booking_id else "serve"
