"""A quote in words: what is asked, what each line means, and how the same is asked again."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from bookings.documents import BookingView
from bookings.models import Quote
from bookings.views.showing import look_of, priced
from flights.offers import flight_offers
from skybridge.templatetags.pages import comma, day


def described(quote: Quote, view: BookingView, at: datetime) -> list[str]:
    """Return what a quote is about, a sentence each. At most one statement."""
    if quote.kind == Quote.Kind.CHANGE:
        return described_change(quote.request, view, at)
    look, tickets, flights = look_of(view, at), quote.request["ticket_ids"], quote.request["flight_ids"]
    if not (tickets or flights):
        return [_("The whole booking.")]
    leaving = [passenger for passenger in look.passengers if str(passenger.ticket["ticket_id"]) in tickets]
    named = [passenger.name or _("A passenger without a name") for passenger in leaving]
    return named + [flight_words(leg.facts) for leg in look.flights if str(leg.facts.id) in flights]


def described_change(request: dict[str, Any], view: BookingView, at: datetime) -> list[str]:
    found = []
    if to_flight_id := request.get("to_flight_id"):
        old = next((flight for flight in view.flights.values() if str(flight.id) == request["flight_id"]), None)
        new = flight_offers(to_flight_id, at=at)[0].flight
        found.append(
            _("%(new)s instead of %(old)s") % {"new": flight_words(new), "old": flight_words(old)}
            if old
            else flight_words(new)
        )
        if any(str(k.flight_id) == request["flight_id"] and k.seat for _, coupons in view.tickets for k in coupons):
            found.append(_("The seats are given up: choose seats on the new flight."))
    if request.get("seats"):
        found.append(_("Seats: %(number)s") % {"number": request["seats"]})
    return found


def flight_words(flight) -> str:
    leaves = flight.departs_locally_at
    route = f"{flight.origin}–{flight.destination}"
    return f"{flight.designator} {route}{comma()}{day(leaves)} {leaves:%H:%M}"


def refund_lines(lines: Iterable[Mapping[str, Any]], products: Decimal) -> list[tuple[str, Decimal]]:
    """Return price lines and the products that go back, in words; positive ones are paid, negative ones go back."""
    return [*priced(lines), (_("Products for passengers"), -products)] if products else priced(lines)


def remaining_fields(quote: Quote) -> list[tuple[str, str]]:
    """Return the fields of the form that asks for the same quote again."""
    request = quote.request
    if quote.kind == Quote.Kind.CHANGE:
        fields = {"flight": request.get("flight_id"), "to": request.get("to_flight_id"), "seats": request.get("seats")}
        return [(name, str(value)) for name, value in fields.items() if value]
    what = "passengers" if request["ticket_ids"] else "flights" if request["flight_ids"] else "all"
    named = [("passengers", pk) for pk in request["ticket_ids"]] + [("flights", pk) for pk in request["flight_ids"]]
    return [("what", what), *named]
